import type { RequestInputs } from '../runners/runner';
import type { RunTrace } from '../telemetry/tracing/run-trace';
import type { RequestRecord, ScheduledRequest, ScheduledResult } from './scheduled-request';

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
export class QueuedRequest implements RequestRecord {
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
    request.record = this;
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
    this.request.record = undefined;
    this.request.signal?.removeEventListener?.('abort', this);
    this.releaseInputs();
  }

  cancel(): void {
    this.giveUp(this, 'cancelled');
  }

  /** The client's signal was raised. */
  handleEvent(): void {
    this.giveUp(this, 'cancelled');
  }
}

function noMemory(): void {
  // They are not to be used again.
}
