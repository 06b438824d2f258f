import { totalmem } from 'node:os';
import { posix } from 'node:path';
import { groupsOf, type ReadFile, readText } from './cgroup';

/**
 * Bytes of memory that this process and its children may have: the machine's, cut by the limits of the control groups
 * (both versions) that it is in.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 * https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
export function memoryLimitBytes(readFile: ReadFile = readText, totalBytes: number = totalmem()): number {
  const limits = groupsOf(readFile, 'memory', ['memory']).map((folder) => limitIn(folder, readFile));
  return Math.min(totalBytes, ...limits);
}

/** Version 1 says "no limit" by a number that no machine has. */
function limitIn(folder: string, readFile: ReadFile): number {
  const text = ['memory.max', 'memory.limit_in_bytes']
    .map((file) => readFile(posix.join(folder, file)))
    .find((content) => content !== undefined);
  const bytes = Number.parseInt(text ?? '', 10);
  return bytes > 0 ? bytes : Infinity;
}
