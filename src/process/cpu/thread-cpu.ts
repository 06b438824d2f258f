import { readFileSync } from 'node:fs';

/**
 * CPU time in milliseconds that a thread of this process has had; undefined where the system does not tell (it does
 * on Linux). On a machine with more to do than it can, the clock on the wall says little about a thread.
 * https://docs.kernel.org/scheduler/sched-stats.html (schedstat)
 * @param id its number in Linux; undefined: the calling thread
 */
export function threadCpuMs(id?: number): number | undefined {
  const thread = id === undefined ? 'thread-self' : `self/task/${id}`;
  try {
    const [nanoseconds] = readFileSync(`/proc/${thread}/schedstat`, 'latin1').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}
