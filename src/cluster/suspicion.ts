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

/** How often the workers that live are looked at meanwhile, and how many looks tell what runs most of the time. */
const LOOK_MS = 25;
const ENOUGH_LOOKS = 10;
/** Of so few looks at most is what is hardly ever under way. */
const HARDLY = 0.02;
/** So many deaths say enough also with fewer. */
const PATIENCE = 4;

export interface SuspicionOptions {
  now(): number;
  /** Has all workers record what they run from here on, or no longer. */
  record(on: boolean): void;
  /** What each worker that lives is running, as far as that is recorded. */
  running(): readonly (readonly string[])[];
  /** Sets a model version aside. @param label as the record has it */
  accuse(label: string, signal: string): void;
}

/**
 * Finds out which model version the workers die of. Values that end a process cannot all be foreseen, so after one death
 * by a signal runs are recorded for some minutes, and what was under way at the next one is to blame: what is alone in
 * that, or alone in being hardly ever under way, or what this death and one before have in common. What runs nearly always
 * is under way at every death, whoever is to blame: of what is in common that counts which runs least.
 */
export class Suspicion {
  private lastDeathMs = -Infinity;
  private before: readonly string[] = [];
  /** How many looks there were at workers, and in how many each version was under way. */
  private looks = 0;
  private readonly seen = new Map<string, number>();
  /** Deaths of which nothing could be said. */
  private unclear = 0;
  private timer: NodeJS.Timeout | undefined;
  private looking: NodeJS.Timeout | undefined;

  constructor(private readonly options: SuspicionOptions) {}

  /** Is it time to record runs? */
  get active(): boolean {
    return this.options.now() - this.lastDeathMs < WINDOW_MS;
  }

  /** A worker has ended. @param running what was under way in it, as far as that was recorded */
  died(signal: string | null, running: readonly string[]): void {
    if (signal === null || !DEADLY.has(signal)) return;
    const second = this.active;
    if (!second) this.begin();
    this.lastDeathMs = this.options.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(), WINDOW_MS).unref();
    this.options.record(true);
    if (!second || running.length === 0) return;
    for (const label of this.blamed(running)) this.options.accuse(label, signal);
  }

  /** Sees what runs without anybody dying of it. */
  look(): void {
    for (const running of this.options.running()) {
      this.looks++;
      for (const label of running) this.seen.set(label, (this.seen.get(label) ?? 0) + 1);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    clearInterval(this.looking);
  }

  private begin(): void {
    this.before = [];
    this.looks = 0;
    this.seen.clear();
    this.unclear = 0;
    clearInterval(this.looking);
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  private end(): void {
    this.close();
    this.options.record(false);
  }

  private blamed(running: readonly string[]): readonly string[] {
    const { before } = this;
    this.before = running;
    if (running.length === 1) return running;
    const common = running.filter((label) => before.includes(label));
    const share = (label: string): number => (this.seen.get(label) ?? 0) / Math.max(1, this.looks);
    if (this.looks >= ENOUGH_LOOKS) {
      const rare = running.filter((label) => share(label) <= HARDLY);
      if (rare.length === 1) return rare;
    } else if (++this.unclear < PATIENCE) return [];
    const least = Math.min(...common.map(share));
    return common.filter((label) => share(label) <= 2 * least + HARDLY);
  }
}
