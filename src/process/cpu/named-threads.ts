import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const TASKS = '/proc/self/task';
/** New ones are looked for that often at most. */
const LOOK_MS = 1000;

/** Threads of this process that a library starts by itself, told by their name; on Linux, elsewhere there are none. */
export class NamedThreads {
  private seen = new Set<string>();
  private lookedAtMs = -Infinity;

  constructor(
    private readonly name: string,
    private readonly niceness: number,
  ) {}

  /** Lowers the priority of those that have come since the last look. To be called off the event loop. */
  lowerPriority(nowMs = performance.now()): void {
    if (this.niceness === 0 || nowMs - this.lookedAtMs < LOOK_MS) return;
    this.lookedAtMs = nowMs;
    const all = tasks();
    for (const id of all)
      if (!this.seen.has(id) && nameOf(id) === this.name) lower(Number(id), this.niceness);
    // Whoever has gone makes room for another one of the same number.
    this.seen = new Set(all);
  }
}

function tasks(): string[] {
  try {
    return readdirSync(TASKS);
  } catch {
    return [];
  }
}

function nameOf(id: string): string | undefined {
  try {
    return readFileSync(`${TASKS}/${id}/comm`, 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

function lower(id: number, niceness: number): void {
  try {
    setPriority(id, niceness);
  } catch {
    // It has ended, or that is not allowed: then it keeps its priority.
  }
}
