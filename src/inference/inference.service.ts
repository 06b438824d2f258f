import { Injectable } from '@nestjs/common';
import { type CachedAnswer, type CachedRequest, PredictionCache } from '../cache/prediction-cache';
import { DomainError } from '../errors/domain-error';
import type { RunTimes } from '../telemetry/metrics/model-recorder';
import type { CacheOutcome } from '../telemetry/metrics/outcome';
import type { LoadedModel } from '../models/loading/loaded-model';
import type { RawRequest } from '../processing/model-processing';
import { emptyInput, outputsOfNoRows, refusalOf } from '../scheduling/empty-inputs';
import type { ScheduledResult } from '../scheduling/scheduled-request';
import type { Tensor } from '../tensors/tensor';
import { rawOutputs, runDeclared } from './declared-run';
import { clientMistake } from './client-mistake';

export interface InferenceResult {
  /** The wanted outputs, in the order in which they were asked for, else in the model's. */
  readonly outputs: readonly Tensor[];
  readonly cache: CacheOutcome;
  /** How old the answer is, if the cache had it. */
  readonly ageSeconds?: number;
  /** The request's own run; undefined when it needed none. */
  readonly run: RunTimes | undefined;
}

/** A request, and what it asks of the model's declaration. */
export interface InferenceRequest extends CachedRequest {
  readonly raw?: RawRequest;
}

interface NamedOutput {
  readonly name: string;
}

/** What both protocols call: one decoded request in, its tensors out. */
@Injectable()
export class InferenceService {
  constructor(private readonly cache: PredictionCache) {}

  /** Could a request be answered without a run of its own? */
  mayBeKnown(model: LoadedModel): boolean {
    return this.cache.keeps(model);
  }

  /**
   * @throws unknown_output, shape_mismatch for an input without elements, and what the steps of a declaration, the queue
   *   and the run of the model throw
   */
  async infer(model: LoadedModel, request: InferenceRequest): Promise<InferenceResult> {
    const known = request.raw === undefined ? model.outputs : rawOutputs(model, request.raw);
    for (const name of request.outputs ?? []) checkOutput(model.name, known, name);
    const outputs = this.answerWithoutRows(model, request);
    if (outputs !== undefined) {
      request.onInputsConsumed?.();
      model.recorder.cached('BYPASS', 0);
      return { outputs: selectOutputs(outputs, request.outputs), cache: 'BYPASS', run: undefined };
    }
    const answer = await this.answer(model, request);
    model.recorder.cached(answer.outcome, answer.lookupMs, answer.tier);
    return {
      outputs: selectOutputs(answer.outputs, request.outputs),
      cache: answer.outcome,
      ageSeconds: answer.ageMs === undefined ? undefined : Math.floor(answer.ageMs / 1000),
      run: answer.run,
    };
  }

  private async answer(model: LoadedModel, request: InferenceRequest): Promise<CachedAnswer> {
    try {
      return await this.cache.answer(model, request, () => runOf(model, request));
    } catch (error) {
      throw clientMistake(error, model.inputs, request.inputs);
    }
  }

  /**
   * What a batch of no rows gets, which needs no run; undefined for any other request.
   * @throws shape_mismatch for other inputs without elements, unless the model is said to take them
   */
  private answerWithoutRows(model: LoadedModel, { inputs, raw }: InferenceRequest): Tensor[] | undefined {
    const empty = emptyInput(inputs);
    if (empty === undefined || model.config.allowEmpty) return undefined;
    const isKnown = model.batching.enabled && model.seen !== undefined && raw === undefined;
    const outputs = isKnown ? outputsOfNoRows(model.outputs, inputs, model.seen) : undefined;
    if (outputs === undefined) throw refusalOf(empty);
    return outputs;
  }
}

function runOf(model: LoadedModel, request: InferenceRequest): Promise<ScheduledResult> {
  const { raw } = request;
  return raw === undefined || model.processing === undefined
    ? model.queue.submit(request)
    : runDeclared(model, model.processing, request, raw);
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
