/** How long after a death the runs of all workers are recorded. */
const WINDOW_MS = 10 * 60_000;
/** What native code dies of. Not SIGKILL: that comes from outside, as when memory runs out. */
const DEADLY: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGFPE',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
  'SIGSYS',
]);

export interface SuspicionOptions {
  now(): number;
  /** Has all workers record what they run from here on, or no longer. */
  record(on: boolean): void;
  /** Sets a model version aside. @param label as the record has it */
  accuse(label: string, signal: string): void;
}

/**
 * Finds out which model version the workers die of. Values that end a process cannot all be foreseen, so after one death
 * by a signal runs are recorded for some minutes, and what was under way at the next one is to blame: what is alone in
 * that, or in what this death and one before have in common.
 */
export class Suspicion {
  private lastDeathMs = -Infinity;
  private before: readonly string[] | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: SuspicionOptions) {}

  /** Is it time to record runs? */
  get active(): boolean {
    return this.options.now() - this.lastDeathMs < WINDOW_MS;
  }

  /** A worker has ended. @param running what was under way in it, as far as that was recorded */
  died(signal: string | null, running: readonly string[]): void {
    if (signal === null || !DEADLY.has(signal)) return;
    const second = this.active;
    if (!second) this.before = undefined;
    this.lastDeathMs = this.options.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.options.record(false), WINDOW_MS).unref();
    this.options.record(true);
    if (!second || running.length === 0) return;
    const { before } = this;
    this.before = running;
    const common = running.length === 1 ? running : running.filter((label) => before?.includes(label));
    for (const label of common) this.options.accuse(label, signal);
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
