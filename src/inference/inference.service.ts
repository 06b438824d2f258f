import { Injectable } from '@nestjs/common';
import { type CachedAnswer, type CachedRequest, PredictionCache } from '../cache/prediction-cache';
import { DomainError, ERRORS, toDomainError } from '../errors/domain-error';
import type { LoadedModel } from '../models/loading/loaded-model';
import { emptyInput, outputsOfNoRows, refusalOf } from '../scheduling/empty-inputs';
import type { RawRequest } from '../processing/model-processing';
import { ModelsService } from '../models/models.service';
import type { Protocol } from '../telemetry/metrics/outcome';
import { type ModelRecorder, Recorder } from '../telemetry/metrics/recorder';
import type { ScheduledRequest, ScheduledResult } from '../scheduling/scheduled-request';
import type { Tensor } from '../tensors/tensor';
import { clientMistake } from './client-mistake';
import { rawOutputs, runOf } from './declared-run';
import { ShadowRuns } from './shadow-runs';
import { split } from './traffic-split';
import { EventLoopYield } from '../common/event-loop-yield';
import { type InferenceCall, type InferenceRequest, type InferenceResult, rowsOf } from './inference-call';

interface NamedOutput {
  readonly name: string;
}

/** One call, whatever its protocol: from the name of a model to an answer. Knows no bytes and no connection. */
@Injectable()
export class InferenceService {
  constructor(
    private readonly models: ModelsService,
    private readonly cache: PredictionCache,
    private readonly recorder: Recorder,
    private readonly pacer: EventLoopYield,
    private readonly shadows: ShadowRuns,
  ) {}

  /**
   * Finds the model, which is loaded first if need be, refuses what it could not answer in time, and has the cache or a
   * run answer the rest.
   * @throws model_not_found, version_not_found, model_unavailable, unknown_output, shape_mismatch for an input without
   *   elements, overloaded, deadline_exceeded, client_closed_request, and what the call's `decode` and `encode` and the
   *   run throw
   */
  async infer<Answer>(call: InferenceCall<Answer>): Promise<Answer> {
    let { noModel: recorder } = this.recorder;
    try {
      const turn = this.pacer.wait();
      if (turn !== undefined) await turn;
      const found = this.models.acquire(call.model, call.version, call.deadlineMs);
      let model = found instanceof Promise ? await found : found;
      if (call.version === undefined && model.config.traffic !== undefined)
        model = split(this.models, model, call);
      recorder = model.recorder;
      try {
        call.accepted(model);
        call.trace?.record?.accepted(model);
        this.refuseEarly(model, call);
        return await this.answer(model, call);
      } finally {
        this.models.release(model);
      }
    } catch (thrown) {
      countFailure(recorder, call, thrown);
      throw thrown;
    }
  }

  /**
   * Refuses a call by its model alone, before anything else of it is looked at. Undefined: there is such a model.
   * @throws model_not_found, version_not_found, model_unavailable, deadline_exceeded
   */
  refuseUnknown(model: string, version: string | undefined, deadlineMs: number): Promise<void> | undefined {
    return this.models.requireKnown(model, version, deadlineMs);
  }

  /** Counts a call that failed before it named a model. @param startedAt of `performance.now()` */
  refused(protocol: Protocol, startedAt: number, thrown: unknown): void {
    countFailure(this.recorder.noModel, { protocol, startedAt }, thrown);
  }

  /** Under overload most calls are refused: it is not worth while to decode those that only a run could answer. */
  private refuseEarly(model: LoadedModel, call: InferenceCall<unknown>): void {
    const refusal = model.queue.foreseeRefusal(call.deadlineMs);
    if (refusal === undefined || this.cache.keeps(model) || call.mayBeUrgent()) return;
    call.release();
    throw model.queue.refused(refusal);
  }

  private async answer<Answer>(model: LoadedModel, call: InferenceCall<Answer>): Promise<Answer> {
    const record = call.trace?.record;
    const decodingMs = performance.now();
    record?.decoding(decodingMs);
    const decoded = call.decode(model);
    const request = decoded instanceof Promise ? await decoded : decoded;
    const decodedMs = performance.now();
    record?.decoded(decodedMs, rowsOf(request));
    const result = await this.run(model, call, request);
    // A large batch's calls all go on at once.
    const turn = this.pacer.wait();
    if (turn !== undefined) await turn;
    const encodingMs = performance.now();
    record?.encoding(encodingMs, result.cache);
    const encoded = call.encode(model, result);
    const answer = encoded instanceof Promise ? await encoded : encoded;
    if (call.protocol !== undefined) {
      const endMs = performance.now();
      model.recorder.succeeded(
        call.protocol,
        rowsOf(request),
        decodedMs - decodingMs,
        endMs - encodingMs,
        endMs - call.startedAt,
        endMs,
        result.run,
        record?.traceId,
      );
    }
    return answer;
  }

  private async cached(
    model: LoadedModel,
    request: CachedRequest,
    raw: RawRequest | undefined,
  ): Promise<CachedAnswer> {
    try {
      return await this.cache.answer(model, request, () => this.runOnce(model, request, raw));
    } catch (error) {
      throw clientMistake(error, model.inputs, request.inputs);
    }
  }

  private async runOnce(
    model: LoadedModel,
    request: ScheduledRequest,
    raw: RawRequest | undefined,
  ): Promise<ScheduledResult> {
    if (model.config.shadow === undefined) return runOf(model, request, raw);
    const copy = this.shadows.copy(model, request, raw);
    try {
      const result = await runOf(model, request, raw);
      copy?.compareWith(result.outputs);
      return result;
    } catch (error) {
      copy?.forget();
      throw error;
    }
  }

  private async run(
    model: LoadedModel,
    call: InferenceCall<unknown>,
    wanted: InferenceRequest,
  ): Promise<InferenceResult> {
    const { inputs, outputs, priority, timeoutMs, raw } = wanted;
    const known = raw === undefined ? model.outputs : rawOutputs(model, raw);
    for (const name of outputs ?? []) checkOutput(model.name, known, name);
    const empty = answerWithoutRows(model, wanted);
    if (empty !== undefined) {
      call.release();
      if (call.protocol !== undefined) model.recorder.cached('BYPASS', 0);
      return { outputs: selectOutputs(empty, outputs), cache: 'BYPASS', run: undefined };
    }
    const ownDeadlineMs = call.startedAt + (timeoutMs ?? model.config.deadlineMs ?? Infinity);
    const request = {
      inputs,
      rows: rowsOf(wanted),
      priority,
      deadlineMs: Math.min(call.deadlineMs, ownDeadlineMs),
      outputs,
      raw,
      cacheUse: call.cacheUse,
      signal: call.signal,
      onInputsConsumed: () => call.release(),
      requestId: call.requestId,
      trace: call.trace,
    };
    const answer = await this.cached(model, request, raw);
    if (call.protocol !== undefined) model.recorder.cached(answer.outcome, answer.lookupMs, answer.tier);
    return {
      outputs: selectOutputs(answer.outputs, outputs),
      cache: answer.outcome,
      ageSeconds: answer.ageMs === undefined ? undefined : Math.floor(answer.ageMs / 1000),
      run: answer.run,
    };
  }
}

function countFailure(
  recorder: ModelRecorder,
  { protocol, startedAt, trace }: Pick<InferenceCall<unknown>, 'protocol' | 'startedAt' | 'trace'>,
  thrown: unknown,
): void {
  if (protocol === undefined) return;
  const { outcome } = ERRORS[toDomainError(thrown).code];
  recorder.failed(protocol, outcome, performance.now() - startedAt, trace?.record?.traceId);
}

/**
 * What a batch of no rows gets, which needs no run; undefined for any other request.
 * @throws shape_mismatch for other inputs without elements, unless the model is said to take them
 */
function answerWithoutRows(model: LoadedModel, { inputs, raw }: InferenceRequest): Tensor[] | undefined {
  const empty = emptyInput(inputs);
  if (empty === undefined || model.config.allowEmpty) return undefined;
  const isKnown = model.batching.enabled && model.seen !== undefined && raw === undefined;
  const outputs = isKnown ? outputsOfNoRows(model.outputs, inputs, model.seen) : undefined;
  if (outputs === undefined) throw refusalOf(empty);
  return outputs;
}

function checkOutput(model: string, outputs: readonly NamedOutput[], name: string): void {
  if (!outputs.some((output) => output.name === name)) throw unknownOutput({ name: model, outputs }, name);
}

function selectOutputs(outputs: readonly Tensor[], names: readonly string[] | undefined): readonly Tensor[] {
  return names?.map((name) => outputs.find((output) => output.name === name)!) ?? outputs;
}

/** The refusal of an output that the model does not have. */
export function unknownOutput(
  model: { readonly name: string; readonly outputs: readonly NamedOutput[] },
  name: string,
): DomainError {
  const known = model.outputs.map((output) => `"${output.name}"`).join(', ');
  return new DomainError(
    'unknown_output',
    `Model "${model.name}" has no output "${name}"; its outputs are ${known}.`,
  );
}
