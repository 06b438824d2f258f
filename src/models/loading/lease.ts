/** Who holds a loaded version: it is not unloaded under them. */
export class Lease {
  /** Requests that hold it. */
  leases = 0;
  /** Of `performance.now()`. */
  lastUsedAtMs = performance.now();
  private waiting: (() => void)[] = [];

  take(): void {
    this.leases++;
    this.lastUsedAtMs = performance.now();
  }

  release(): void {
    this.leases--;
    if (this.leases > 0) return;
    for (const resume of this.waiting.splice(0)) resume();
  }

  /** Resolves when nobody holds it. */
  idle(): Promise<void> {
    if (this.leases === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
