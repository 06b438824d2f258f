import { PRIORITY_LEVELS } from './priority';
import { RETRY_LANE, type QueuedRequest } from './queued-request';

const LANES = PRIORITY_LEVELS + 1;

/**
 * The waiting requests of one model: a list for each priority level, oldest first, and one for retries.
 * Adding and removing cost the same however many wait; taking looks at the heads of the occupied lists.
 */
export class RequestQueue {
  requests = 0;
  rows = 0;
  private readonly heads = new Array<QueuedRequest | undefined>(LANES).fill(undefined);
  private readonly tails = new Array<QueuedRequest | undefined>(LANES).fill(undefined);
  private readonly cursors = new Array<QueuedRequest | undefined>(LANES).fill(undefined);
  private readonly requestsIn = new Array<number>(LANES).fill(0);
  private readonly rowsIn = new Array<number>(LANES).fill(0);
  /** A bit for each lane that is not empty, and for each that the scan has not exhausted. */
  private occupied = 0;
  private unscanned = 0;

  get hasRetries(): boolean {
    return this.heads[RETRY_LANE] !== undefined;
  }

  push(entry: QueuedRequest): void {
    const { lane } = entry;
    const tail = this.tails[lane];
    entry.previous = tail;
    entry.next = undefined;
    if (tail === undefined) {
      this.heads[lane] = entry;
      this.occupied |= 1 << lane;
    } else {
      tail.next = entry;
    }
    this.tails[lane] = entry;
    this.count(entry, 1);
  }

  remove(entry: QueuedRequest): void {
    const { lane, previous, next } = entry;
    if (previous === undefined) this.heads[lane] = next;
    else previous.next = next;
    if (next === undefined) this.tails[lane] = previous;
    else next.previous = previous;
    if (this.heads[lane] === undefined) this.occupied &= ~(1 << lane);
    entry.previous = undefined;
    entry.next = undefined;
    this.count(entry, -1);
  }

  /** The most urgent request. */
  head(): QueuedRequest | undefined {
    return first(this.heads, this.occupied);
  }

  beginScan(): void {
    this.unscanned = this.occupied;
    for (let lane = 0; lane < LANES; lane++) this.cursors[lane] = this.heads[lane];
  }

  /** The next request in order of urgency; the caller may remove it before it asks for another. */
  scan(): QueuedRequest | undefined {
    const entry = first(this.cursors, this.unscanned);
    if (entry === undefined) return undefined;
    this.cursors[entry.lane] = entry.next;
    if (entry.next === undefined) this.unscanned &= ~(1 << entry.lane);
    return entry;
  }

  /** Requests that go before a new one of `level`. */
  requestsAhead(level: number): number {
    return sumTo(this.requestsIn, level);
  }

  /** Rows that go before a new request of `level`. */
  rowsAhead(level: number): number {
    return sumTo(this.rowsIn, level);
  }

  private count(entry: QueuedRequest, sign: 1 | -1): void {
    this.requests += sign;
    this.rows += sign * entry.rows;
    this.requestsIn[entry.lane]! += sign;
    this.rowsIn[entry.lane]! += sign * entry.rows;
  }
}

/** The entry of smallest rank among the lanes of `mask`; the retry lane goes first. */
function first(lanes: readonly (QueuedRequest | undefined)[], mask: number): QueuedRequest | undefined {
  let best: QueuedRequest | undefined;
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    const lane = 31 - Math.clz32(rest & -rest);
    const entry = lanes[lane];
    if (lane === RETRY_LANE) return entry;
    if (entry !== undefined && (best === undefined || entry.rank < best.rank)) best = entry;
  }
  return best;
}

function sumTo(values: readonly number[], last: number): number {
  let sum = 0;
  for (let i = 0; i <= last; i++) sum += values[i]!;
  return sum;
}
