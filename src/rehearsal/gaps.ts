import { setTimeout as sleep } from 'node:timers/promises';

/** How long nobody may have come before the rehearsal goes on. */
const QUIET_MS = 25;

/** What the front door knows of real requests. */
export interface Traffic {
  /** Requests since the start. */
  readonly begun: number;
  /** Requests that have no answer yet. */
  readonly underWay: number;
}

/** The times in which nobody asks for anything. */
export class Gaps {
  private seen: number;
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly traffic: Traffic,
    private readonly signal: AbortSignal,
  ) {
    this.seen = traffic.begun;
  }

  /** Undefined while it is quiet; else resolves when it is time to ask again. @throws when the signal is raised */
  next(): Promise<void> | undefined {
    if (this.waiting === undefined && this.isBusy()) {
      this.seen = this.traffic.begun;
      this.waiting = sleep(QUIET_MS, undefined, { ref: false, signal: this.signal }).finally(() => {
        this.waiting = undefined;
      });
    }
    return this.waiting;
  }

  private isBusy(): boolean {
    return this.traffic.begun !== this.seen || this.traffic.underWay > 0;
  }
}
