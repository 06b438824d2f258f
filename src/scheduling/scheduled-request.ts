import type { RequestInputs } from '../runners/runner';
import type { RequestTrace } from '../telemetry/tracing/trace-record';
import type { Tensor } from '../tensors/tensor';
import type { RowPadding } from '../tensors/row-padding';

/** An `AbortSignal`, or any object with a flag; without a listener the flag is read when a batch forms. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener?(type: 'abort', listener: { handleEvent(): void }): void;
  removeEventListener?(type: 'abort', listener: { handleEvent(): void }): void;
}

export interface ScheduledRequest {
  readonly inputs: RequestInputs;
  /** The leading dimension of the inputs; 1 for a model that is not batched by it. */
  readonly rows: number;
  /** 1 is the most urgent, 10 the least, 0 the default (5); anything else counts as the default. */
  readonly priority: number;
  /** A moment on the scheduler's clock, by which queue and run must be over; `Infinity` for none. */
  readonly deadlineMs: number;
  readonly signal?: CancelSignal;
  /** It runs only while nothing else does: it holds up nobody, and may wait for long. */
  readonly whenIdle?: boolean;
  /** With it rows of other lengths may join; without it only those of the same dimensions. */
  readonly padding?: RowPadding;
  /** By which the logs of this server and of one behind it name the request. */
  readonly requestId?: string;
  readonly trace?: RequestTrace;
  /** Called once, when the inputs will not be read again: their arrays may be reused. Must not throw. */
  readonly onInputsConsumed?: () => void;
}

export interface ScheduledResult {
  /** The request's own rows, in declared order: views into the batch's outputs, which they keep alive. */
  readonly outputs: Tensor[];
  readonly queueMs: number;
  readonly runMs: number;
  /** Rows of the batch that the request ran in. */
  readonly batchRows: number;
}

/** Levels run from 1, the most urgent, to this one. */
export const PRIORITY_LEVELS = 10;
export const DEFAULT_PRIORITY_LEVEL = 5;

/**
 * The level of a request's `priority`, by Triton's convention: 1 is the most urgent, 0 asks for the default,
 * and so does anything out of range (`InferenceRequest::SetPriority` in triton-inference-server/core).
 */
export function priorityLevel(priority: number): number {
  return priority >= 1 && priority <= PRIORITY_LEVELS ? Math.floor(priority) : DEFAULT_PRIORITY_LEVEL;
}
