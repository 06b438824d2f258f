import type { VersionEntry } from './model-entry';

/** Keeps the number of resident versions within a limit: who goes, and who waits for somebody to go. */
export class Residency {
  private waiting: (() => void)[] = [];

  constructor(
    private readonly limit: number,
    private readonly versions: () => Iterable<VersionEntry>,
  ) {}

  /**
   * Gives `entry` a place, in which it is then loading. Where the limit is reached, the least recently used idle
   * version is unloaded first; where none is idle, this waits until one is. Required versions never go.
   */
  async makeRoom(entry: VersionEntry, unload: (victim: VersionEntry) => Promise<void>): Promise<void> {
    while (this.residents() >= this.limit) {
      const victim = leastRecentlyUsed(this.versions());
      if (victim !== undefined) await unload(victim);
      else await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    entry.state = 'LOADING';
  }

  /** Says that a version became idle, or was loaded or unloaded. */
  changed(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resume of waiting) resume();
  }

  private residents(): number {
    let count = 0;
    for (const version of this.versions()) if (version.resident) count++;
    return count;
  }
}

/** The one to unload when room is needed: the least recently used of those that may go. */
export function leastRecentlyUsed(versions: Iterable<VersionEntry>): VersionEntry | undefined {
  let victim: VersionEntry | undefined;
  for (const version of versions) {
    if (version.evictable && (victim === undefined || version.lastUsedAtMs < victim.lastUsedAtMs)) {
      victim = version;
    }
  }
  return victim;
}
