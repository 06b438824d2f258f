import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Clock } from '../../common/clock';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  private timeMs = 0;
  private readonly pending = new Set<Timer>();
  private immediates: (() => void)[] = [];

  /** Timers that are set. */
  get timers(): number {
    return this.pending.size;
  }

  now(): number {
    return this.timeMs;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { dueMs: this.timeMs + Math.max(1, delayMs), callback };
    this.pending.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.pending.delete(timer as Timer);
  }

  setImmediate(callback: () => void): void {
    this.immediates.push(callback);
  }

  /** Lets promises settle and the turn of the event loop end, until nothing more happens at this moment. */
  async settle(): Promise<void> {
    do {
      const due = this.immediates;
      this.immediates = [];
      for (const callback of due) callback();
      await turnOfTheLoop();
    } while (this.immediates.length > 0);
  }

  /** Moves on by `ms`, stopping at every timer on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.timeMs + ms;
    await this.settle();
    for (let timer = this.nextBefore(endMs); timer !== undefined; timer = this.nextBefore(endMs)) {
      this.pending.delete(timer);
      this.timeMs = timer.dueMs;
      timer.callback();
      await this.settle();
    }
    this.timeMs = endMs;
  }

  private nextBefore(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.pending) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
