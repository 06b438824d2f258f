import { halfToNumber } from '../../tensors/numbers/float16';
import type { Tensor } from '../../tensors/tensor';

/** The elements of a tensor of numbers, row-major. Integers beyond 2^53 lose their last digits. */
export function numbersOf({ datatype, data }: Tensor): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (Array.isArray(data)) throw new Error('Texts are no numbers.');
  return datatype === 'FP16' ? Float32Array.from(data, halfToNumber) : data;
}
