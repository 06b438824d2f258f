import type { QueuedRequest } from './queued-request';

/** One run under way. */
export class BatchRun {
  /** @param expectedMs what it is likely to take; 0 when nothing is known */
  constructor(
    readonly requests: readonly QueuedRequest[],
    readonly rows: number,
    readonly startMs: number,
    readonly expectedMs: number,
  ) {}

  /** What is likely left of it. One that overran may take as long again as it has overrun. */
  remainingMs(nowMs: number): number {
    return Math.abs(this.startMs + this.expectedMs - nowMs);
  }
}
