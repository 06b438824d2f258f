import { EXAMPLE_ELEMENTS } from '../native/model-description';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { elementCount } from '../../tensors/shape';
import { encodeV2 } from './response';

/**
 * A request body that a model was seen to accept; undefined where it would be too large to read, or where an
 * input has no JSON form.
 */
export function exampleRequestV2({ name, version, sample, outputs }: LoadedModel): object | undefined {
  if (sample === undefined || sample.some(({ datatype }) => datatype === 'FP16')) return undefined;
  let elements = 0;
  for (const { shape } of sample) elements += elementCount(shape);
  if (elements > EXAMPLE_ELEMENTS) return undefined;
  // An input of a request looks like an output of a response.
  const { body } = encodeV2({ model: name, version, id: undefined, outputs: sample, binaryOutputs: [] });
  const { outputs: inputs } = JSON.parse(Buffer.concat(body).toString()) as { outputs: object[] };
  const binaryOnly = outputs.some(({ datatype }) => datatype === 'FP16');
  return { ...(binaryOnly && { parameters: { binary_data_output: true } }), inputs };
}
