import { Injectable } from '@nestjs/common';
import { type CachedRequest, PredictionCache } from '../cache/prediction-cache';
import { DomainError } from '../errors/domain-error';
import type { RunTimes } from '../telemetry/metrics/model-recorder';
import type { CacheOutcome } from '../telemetry/metrics/outcome';
import type { LoadedModel } from '../models/loading/loaded-model';
import type { Tensor } from '../tensors/tensor';

export interface InferenceResult {
  /** The wanted outputs, in the order in which they were asked for, else in the model's. */
  readonly outputs: readonly Tensor[];
  readonly cache: CacheOutcome;
  /** How old the answer is, if the cache had it. */
  readonly ageSeconds?: number;
  /** The request's own run; undefined when it needed none. */
  readonly run: RunTimes | undefined;
}

/** What both protocols call: one decoded request in, its tensors out. */
@Injectable()
export class InferenceService {
  constructor(private readonly cache: PredictionCache) {}

  /** Could a request be answered without a run of its own? */
  mayBeKnown(model: LoadedModel): boolean {
    return this.cache.keeps(model);
  }

  /** @throws unknown_output, and what the queue and the run of the model throw */
  async infer(model: LoadedModel, request: CachedRequest): Promise<InferenceResult> {
    for (const name of request.outputs ?? []) checkOutput(model, name);
    const answer = await this.cache.answer(model, request, () => model.queue.submit(request));
    model.recorder.cached(answer.outcome, answer.lookupMs, answer.tier);
    return {
      outputs: selectOutputs(answer.outputs, request.outputs),
      cache: answer.outcome,
      ageSeconds: answer.ageMs === undefined ? undefined : Math.floor(answer.ageMs / 1000),
      run: answer.run,
    };
  }
}

function checkOutput(model: LoadedModel, name: string): void {
  if (!model.outputs.some((output) => output.name === name)) throw unknownOutput(model, name);
}

function selectOutputs(outputs: readonly Tensor[], names: readonly string[] | undefined): readonly Tensor[] {
  return names?.map((name) => outputs.find((output) => output.name === name)!) ?? outputs;
}

/** The refusal of an output that the model does not have. */
export function unknownOutput(model: Pick<LoadedModel, 'name' | 'outputs'>, name: string): DomainError {
  const known = model.outputs.map((output) => `"${output.name}"`).join(', ');
  return new DomainError(
    'unknown_output',
    `Model "${model.name}" has no output "${name}"; its outputs are ${known}.`,
  );
}
