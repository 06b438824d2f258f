import type { RequestInputs } from '../runners/runner';
import { allocate } from '../tensors/datatype';
import { numberToHalf } from '../tensors/numbers/float16';
import { elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { sliceRows } from './batch';

/**
 * One row for each input, a different one for each seed.
 * @param size stands for the dynamic dimensions after the leading one
 */
export type MakeRow = (seed: number, size: number) => RequestInputs;

/** Rows of made-up values; whole numbers are 0 and 1, which are valid indices of nearly any table. */
export function madeUpRows(specs: readonly TensorSpec[]): MakeRow {
  return (seed, size) =>
    specs.map((spec) => {
      const shape = spec.shape.map((declared, d) => (d === 0 ? 1 : declared === -1 ? size : declared));
      return madeUp(spec, shape, seed);
    });
}

/** The first row of a request that the model is known to run, then made-up ones of its sizes. */
export function rowsLike(sample: RequestInputs): MakeRow {
  return (seed) =>
    sample.map((tensor) => {
      const rows = tensor.shape[0] ?? 0;
      if (seed === 0 && rows > 0) return sliceRows([tensor], 0, 1, rows)[0]!;
      return madeUp(tensor, [1, ...tensor.shape.slice(1)], seed);
    });
}

function madeUp(
  { name, datatype }: Pick<Tensor, 'name' | 'datatype'>,
  shape: number[],
  seed: number,
): Tensor {
  const count = elementCount(shape);
  if (datatype === 'BYTES') {
    return {
      name,
      datatype,
      shape,
      data: Array.from({ length: count }, (_, i) => (bitAt(i, seed) ? 'a' : 'b')),
    };
  }
  const data = allocate(datatype, count);
  for (let i = 0; i < count; i++) {
    const bit = bitAt(i, seed);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(bit);
    else if (datatype === 'FP16') data[i] = numberToHalf(fractionAt(i, seed));
    else if (datatype === 'FP32' || datatype === 'FP64') data[i] = fractionAt(i, seed);
    else data[i] = bit;
  }
  return { name, datatype, shape, data };
}

/** 0 or 1, as if by chance; seeds that follow each other give opposite bits, so that such rows differ everywhere. */
function bitAt(index: number, seed: number): number {
  return (scatter(index) ^ seed) & 1;
}

/** A number of [0, 1), as if by chance. */
function fractionAt(index: number, seed: number): number {
  return scatter(index * 31 + seed * 7919 + 1) / 2 ** 32;
}

/** Spreads whole numbers over 32 bits (the finaliser of MurmurHash3, Appleby, public domain). */
function scatter(value: number): number {
  let hash = value + 0x9e3779b9;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
