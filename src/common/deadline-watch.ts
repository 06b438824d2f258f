import type { Clock } from './clock';

/** What has a deadline; `deadlineIndex` is the watch's own, -1 while it does not watch. */
export interface Expiring {
  readonly deadlineMs: number;
  deadlineIndex: number;
}

/** The longest delay a timer takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Calls back when a deadline passes, with one timer for all of them. A heap knows the nearest; the timer is
 * not touched when a request settles in time, which nearly all do: it fires early, once, and looks again.
 */
export class DeadlineWatch<T extends Expiring> {
  private readonly heap: T[] = [];
  private timer: unknown = undefined;
  private timerMs = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly onExpired: (item: T) => void,
  ) {}

  get size(): number {
    return this.heap.length;
  }

  add(item: T): void {
    this.heap.push(item);
    this.siftUp(item, this.heap.length - 1);
    if (item.deadlineMs < this.timerMs) this.arm(item.deadlineMs);
  }

  remove(item: T): void {
    const index = item.deadlineIndex;
    if (index === -1) return;
    item.deadlineIndex = -1;
    const last = this.heap.pop()!;
    if (last === item) return;
    if (index > 0 && last.deadlineMs < this.heap[(index - 1) >> 1]!.deadlineMs) this.siftUp(last, index);
    else this.siftDown(last, index);
  }

  private arm(deadlineMs: number): void {
    if (this.timerMs !== Infinity) this.clock.clearTimeout(this.timer);
    this.timerMs = deadlineMs;
    const delayMs = Math.min(Math.max(Math.ceil(deadlineMs - this.clock.now()), 1), MAX_DELAY_MS);
    this.timer = this.clock.setTimeout(this.onTimer, delayMs);
  }

  private readonly onTimer = (): void => {
    this.timerMs = Infinity;
    const nowMs = this.clock.now();
    for (let item = this.heap[0]; item !== undefined && item.deadlineMs <= nowMs; item = this.heap[0]) {
      this.remove(item);
      this.onExpired(item);
    }
    const nearest = this.heap[0];
    if (nearest !== undefined && nearest.deadlineMs < this.timerMs) this.arm(nearest.deadlineMs);
  };

  private siftUp(item: T, from: number): void {
    const { heap } = this;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (parent.deadlineMs <= item.deadlineMs) break;
      heap[index] = parent;
      parent.deadlineIndex = index;
      index = parentIndex;
    }
    heap[index] = item;
    item.deadlineIndex = index;
  }

  private siftDown(item: T, from: number): void {
    const { heap } = this;
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && right.deadlineMs < heap[childIndex]!.deadlineMs) childIndex++;
      const child = heap[childIndex]!;
      if (child.deadlineMs >= item.deadlineMs) break;
      heap[index] = child;
      child.deadlineIndex = index;
      index = childIndex;
    }
    heap[index] = item;
    item.deadlineIndex = index;
  }
}
