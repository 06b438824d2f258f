import { Injectable } from '@nestjs/common';
import { DomainError } from '../errors/domain-error';
import type { ServedModel } from '../models/served-model';
import type { ScheduledRequest } from '../scheduling/scheduled-request';
import type { Tensor } from '../tensors/tensor';

/** How the answer came about; the value of the header `x-cache`. */
export type CacheOutcome = 'HIT' | 'MISS' | 'BYPASS' | 'SHARED';

export interface InferenceRequest extends ScheduledRequest {
  /** Names of the outputs that are wanted; all of them when absent. */
  readonly outputs?: readonly string[];
  readonly useCache: boolean;
}

export interface InferenceResult {
  /** The wanted outputs, in the order in which they were asked for, else in the model's. */
  readonly outputs: readonly Tensor[];
  readonly cache: CacheOutcome;
}

/** What both protocols call: one decoded request in, its tensors out. */
@Injectable()
export class InferenceService {
  async infer(model: ServedModel, request: InferenceRequest): Promise<InferenceResult> {
    const result = await model.queue.submit(request);
    return { outputs: selectOutputs(model, result.outputs, request.outputs), cache: 'BYPASS' };
  }
}

function selectOutputs(
  model: ServedModel,
  outputs: readonly Tensor[],
  names: readonly string[] | undefined,
): readonly Tensor[] {
  if (names === undefined) return outputs;
  return names.map((name) => {
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) throw unknownOutput(model, name);
    return output;
  });
}

/** The refusal of an output that the model does not have. */
export function unknownOutput(model: Pick<ServedModel, 'name' | 'outputs'>, name: string): DomainError {
  const known = model.outputs.map((output) => `"${output.name}"`).join(', ');
  return new DomainError(
    'unknown_output',
    `Model "${model.name}" has no output "${name}"; its outputs are ${known}.`,
  );
}
