import type { OutgoingTrace } from '../telemetry/tracing/trace-record';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** The inputs of one request, in the order in which the model declares them. */
export type RequestInputs = readonly Tensor[];

/** What those who wait for a run have to tell one that happens elsewhere. */
export interface RunContext {
  /** Raised when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** When the last of them stops waiting, in milliseconds of the scheduler's clock; `Infinity` for never. */
  readonly deadlineMs: number;
  /** Of the requests that have an id, the most urgent first. */
  readonly requestIds: readonly string[];
  /** For those who would go on with a trace of theirs; undefined where none has one. */
  readonly trace?: OutgoingTrace;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** Where a model version's runs happen: on session threads, or on another server. */
export interface ModelRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** How many runs may be under way at once. */
  readonly concurrency: number;
  /**
   * Runs the requests joined along the leading dimension as one batch; a single one runs as it is.
   * The inputs are read before the first `await` and may be reused once the call has returned.
   * Resolves to all outputs of the whole batch, in declared order, in memory that the caller owns.
   */
  run(batch: readonly RequestInputs[], context?: RunContext): Promise<Tensor[]>;
  /**
   * After a batch failed so: may its requests be run one by one, as only one of them may be to blame?
   * Absent: whenever the failure can be an input's fault.
   */
  mayRunApart?(error: unknown): boolean;
  /** Could a run succeed now? Answers at once, from what is known. Absent: always. */
  readiness?(): Readiness;
  /** Lets a run in progress finish, then gives everything back. */
  close(): Promise<void>;
}
