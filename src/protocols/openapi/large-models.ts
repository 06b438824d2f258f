import type { LoadedModel } from '../../models/loading/loaded-model';
import { hasDeclaredExample, isReadable } from '../native/example-request';

/** Are its inputs too large for an example in JSON? A page would show megabytes of numbers. */
export function isTooLarge(model: LoadedModel): boolean {
  return model.sample !== undefined && !isReadable(model.sample) && !hasDeclaredExample(model);
}

export const TOO_LARGE =
  'Its inputs are too large to be typed: the body is a file of JSON here. The call of the Open Inference Protocol below takes the tensors in binary, with a command that works.';
