import type { CacheUse } from '../cache/prediction-cache';
import type { LoadedModel } from '../models/loading/loaded-model';
import type { RawRequest } from '../processing/model-processing';
import type { CancelSignal } from '../scheduling/scheduled-request';
import type { RunTimes } from '../telemetry/metrics/recorder';
import type { CacheOutcome, Protocol } from '../telemetry/metrics/outcome';
import type { RequestTrace } from '../telemetry/tracing/trace-record';
import type { Tensor } from '../tensors/tensor';

/** What a call asks of a model, its tensors read. */
export interface InferenceRequest {
  /** In the model's order. */
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted, in the order of the answer; undefined: all of the model's. */
  readonly outputs?: readonly string[];
  /** 1 is the most urgent, 0 the default. */
  readonly priority: number;
  /** Of this call alone, from its arrival; it can only shorten `deadlineMs`. */
  readonly timeoutMs?: number;
  /** What is asked of the model's declaration, by raw inputs or for the answer alone; then `inputs` may be empty. */
  readonly raw?: RawRequest;
}

/** The leading dimension of the inputs; 1 for a model without one. */
export function rowsOf({ inputs, raw }: InferenceRequest): number {
  return inputs[0]?.shape[0] ?? raw?.inputs[0]?.pieces.length ?? 1;
}

export interface InferenceResult {
  /** The wanted outputs, in the order in which they were asked for, else in the model's. */
  readonly outputs: readonly Tensor[];
  readonly cache: CacheOutcome;
  /** How old the answer is, if the cache had it. */
  readonly ageSeconds?: number;
  /** The request's own run; undefined when it needed none. */
  readonly run: RunTimes | undefined;
}

/**
 * One call of a model, whatever it came in by: what it names, and how its bytes become tensors and its tensors an
 * answer once the model is there.
 */
export interface InferenceCall<Answer> {
  readonly model: string;
  /** Undefined: the one that serves requests which name none. */
  readonly version: string | undefined;
  /** What it is counted as; undefined: it is nobody's, and not counted. */
  readonly protocol: Protocol | undefined;
  /** When it arrived, and by when its answer is worth having; of `performance.now()`. */
  readonly startedAt: number;
  readonly deadlineMs: number;
  /** What the caller says of itself under a name, by which traffic may be split: a header, over HTTP. */
  attribute?(name: string): string | undefined;
  /** Says when nobody waits for the answer any more. */
  readonly signal?: CancelSignal;
  /** By which the logs name it. */
  readonly requestId?: string;
  /** Of which trace it is; undefined: of none. */
  readonly trace?: RequestTrace;
  /** What serves it is found. */
  accepted(model: LoadedModel): void;
  /** May it be more urgent than others, as far as can be told without decoding it? Asked under overload only. */
  mayBeUrgent(): boolean;
  /** Its tensors. @throws DomainError for what does not fit the model */
  decode(model: LoadedModel): InferenceRequest | Promise<InferenceRequest>;
  /** What the cache may do with it. Asked once it is decoded. */
  readonly cacheUse: CacheUse;
  /** Nothing that it came with will be read any more: its memory may be used again. May be called twice. */
  release(): void;
  encode(model: LoadedModel, result: InferenceResult): Answer | Promise<Answer>;
}
