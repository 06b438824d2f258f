import { PRIORITY_LEVELS, type ScheduledRequest, type ScheduledResult } from './scheduled-request';
import type { RequestInputs } from '../runners/runner';
import type { RunTrace } from '../telemetry/tracing/run-trace';

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

/** Where a request's batch of more than one failed, it runs alone, ahead of the levels 1 to 10. */
export const RETRY_LANE = 0;

/** Why nobody waits for a request any more: its client has left, or its deadline has passed. */
export type GivenUp = 'cancelled' | 'expired';

/** The run that a request takes part in, with others. */
interface SharedRun {
  /** Nobody waits any more for one of its requests. */
  gaveUp(): void;
}

/**
 * A request in the scheduler's hands. It is its own link in its lane's list and knows its place among the
 * deadlines, so that leaving early costs no search.
 */
export class QueuedRequest {
  state: 'queued' | 'running' | 'settled' = 'queued';
  /** As they run: padded, once that is so. */
  inputs: RequestInputs;
  readonly rows: number;
  readonly deadlineMs: number;
  lane: number;
  /** Until when it may wait for others to fill its batch. */
  fillUntilMs: number;
  next: QueuedRequest | undefined = undefined;
  previous: QueuedRequest | undefined = undefined;
  deadlineIndex = -1;
  /** The run that it is in, where that one wants to know when nobody waits for it any more. */
  run: SharedRun | undefined = undefined;
  /** Its next run, where it is traced. */
  traced: RunTrace | undefined;
  resolve!: (result: ScheduledResult) => void;
  reject!: (reason: unknown) => void;
  private onInputsConsumed: (() => void) | undefined;

  /**
   * @param giveUp tells whoever has the requests of the model in hand; one function for all of them
   * @param forecastMs when it was likely to be answered, as of its arrival
   * @param rank orders requests of one model, smaller first: the moment of arrival plus what its level costs
   * @param joinable may share a run with others
   */
  constructor(
    readonly giveUp: (entry: QueuedRequest, why: GivenUp) => void,
    readonly request: ScheduledRequest,
    readonly level: number,
    readonly enqueuedMs: number,
    readonly forecastMs: number,
    readonly rank: number,
    readonly joinable: boolean,
  ) {
    this.inputs = request.inputs;
    this.rows = request.rows;
    this.deadlineMs = request.deadlineMs < Infinity ? request.deadlineMs : Infinity;
    this.lane = level;
    this.fillUntilMs = enqueuedMs;
    this.onInputsConsumed = request.onInputsConsumed;
    this.traced = request.trace?.record?.queued(enqueuedMs);
    request.signal?.addEventListener?.('abort', this);
  }

  /** The inputs will not be read again. */
  releaseInputs(): void {
    const consumed = this.onInputsConsumed;
    if (consumed === undefined) return;
    this.onInputsConsumed = undefined;
    consumed();
  }

  /** Whoever calls this reads the inputs beyond the request's end. @returns what to call when they have been read */
  keepInputs(): () => void {
    const consumed = this.onInputsConsumed;
    this.onInputsConsumed = undefined;
    return consumed ?? noMemory;
  }

  /** Ends the scheduler's hold of the request; its promise is the caller's to settle, in the same turn. */
  close(): void {
    this.state = 'settled';
    this.request.signal?.removeEventListener?.('abort', this);
    this.releaseInputs();
  }

  /** The client's signal was raised. */
  handleEvent(): void {
    this.giveUp(this, 'cancelled');
  }
}

function noMemory(): void {
  // They are not to be used again.
}
