import type { RequestInputs } from '../runner';
import { allocate, type NumericArray, type TensorData } from '../../tensors/datatype';
import type { Tensor } from '../../tensors/tensor';

/** The requests' inputs one behind the other along the leading dimension; a single request's as they are. */
export function joinBatch(batch: readonly RequestInputs[]): readonly Tensor[] {
  const [first = [], ...others] = batch;
  if (others.length === 0) return first;
  return first.map((tensor, i) => {
    let rows = 0;
    for (const inputs of batch) rows += inputs[i]!.shape[0]!;
    const parts = batch.map((inputs) => inputs[i]!.data);
    return { ...tensor, shape: [rows, ...tensor.shape.slice(1)], data: concatenate(tensor.datatype, parts) };
  });
}

/** The elements of all parts in one array. */
export function concatenate(datatype: Tensor['datatype'], parts: readonly TensorData[]): TensorData {
  if (datatype === 'BYTES') return (parts as readonly string[][]).flat();
  let count = 0;
  for (const part of parts) count += part.length;
  const whole = allocate(datatype, count);
  let offset = 0;
  for (const part of parts) {
    // Of the same type, which the compiler cannot know.
    (whole as Float64Array).set(part as NumericArray as Float64Array, offset);
    offset += part.length;
  }
  return whole;
}
