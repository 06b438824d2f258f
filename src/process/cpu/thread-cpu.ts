import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/**
 * CPU time in milliseconds that a thread of this process has had; undefined where the system does not tell (it does
 * on Linux). On a machine with more to do than it can, the clock on the wall says little about a thread.
 * https://docs.kernel.org/scheduler/sched-stats.html (schedstat)
 * @param id its number in Linux
 */
export function threadCpuMs(id: number): number | undefined {
  try {
    return cpuMsIn(readFileSync(`/proc/self/task/${id}/schedstat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The same of the thread that makes it, which reads it often: its file stays open. */
export class OwnCpuTime {
  private readonly file: number | undefined;
  private readonly buffer = Buffer.alloc(64);

  constructor() {
    try {
      this.file = openSync('/proc/thread-self/schedstat', 'r');
    } catch {
      // Another system.
    }
  }

  get ms(): number | undefined {
    if (this.file === undefined) return undefined;
    const bytes = readSync(this.file, this.buffer, 0, this.buffer.length, 0);
    return cpuMsIn(this.buffer.toString('latin1', 0, bytes));
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
  }
}

function cpuMsIn(schedstat: string): number {
  return Number.parseInt(schedstat, 10) / 1e6;
}
