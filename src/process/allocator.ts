import type { EnvironmentText } from '../config/settings';

/** Larger blocks are mappings of their own, which go back to the system when they are freed. */
const MMAP_THRESHOLD_BYTES = 2 ** 20;

/**
 * What the C library's allocator is told in each worker. It raises its threshold by itself, up to 32 MB, and then keeps
 * what a load of a model has freed; a fixed one gives it back. Nothing where another allocator is preloaded, or somebody
 * has tuned this one.
 * https://man7.org/linux/man-pages/man3/mallopt.3.html (M_MMAP_THRESHOLD)
 */
export function allocatorSettings(env: EnvironmentText): EnvironmentText {
  const isOther = /malloc/i.test(env.LD_PRELOAD ?? '');
  const isTuned = env.MALLOC_MMAP_THRESHOLD_ !== undefined || /malloc/.test(env.GLIBC_TUNABLES ?? '');
  return isOther || isTuned ? {} : { MALLOC_MMAP_THRESHOLD_: String(MMAP_THRESHOLD_BYTES) };
}
