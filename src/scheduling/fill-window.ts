import type { Clock } from '../common/clock';

/** How long a batch may yet wait for more rows although a slot is free (`max_queue_delay`), and the timer that ends the wait. */
export class FillWindow {
  private untilMs = Infinity;
  private timer: unknown = undefined;

  /** @param onEnd called when a wait that was begun is over */
  constructor(
    private readonly delayMs: number,
    private readonly clock: Clock,
    private readonly onEnd: () => void,
  ) {}

  get enabled(): boolean {
    return this.delayMs > 0;
  }

  /** The moment until which a request that came now may wait: never so long that its own run would be late. */
  endFor(nowMs: number, deadlineMs: number, runMs: number): number {
    return Math.min(nowMs + this.delayMs, deadlineMs - runMs);
  }

  /** A request joined the queue: the batch waits no longer than the most pressing of them may. */
  include(untilMs: number): void {
    if (untilMs >= this.untilMs) return;
    this.stopTimer();
    this.untilMs = untilMs;
  }

  /** Is there time left? If so, a timer is set for its end. */
  open(nowMs: number): boolean {
    if (nowMs >= this.untilMs) return false;
    this.timer ??= this.clock.setTimeout(this.onTimer, Math.ceil(this.untilMs - nowMs));
    return true;
  }

  /** The batch started, or its requests left. */
  reset(): void {
    this.stopTimer();
    this.untilMs = Infinity;
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.onEnd();
  };

  private stopTimer(): void {
    if (this.timer === undefined) return;
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }
}
