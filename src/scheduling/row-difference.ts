import { halfToNumber } from '../tensors/numbers/float16';
import { isSameShape, printShape } from '../tensors/shape';
import type { Tensor } from '../tensors/tensor';

/**
 * Kernels add in another order for another batch, so floats of the same row may differ by so much of themselves, and
 * by so much of the largest of the tensor where a sum has all but cancelled out.
 */
const TOLERANCES = {
  FP32: { ofItself: 1e-4, ofLargest: 1e-5 },
  FP64: { ofItself: 1e-4, ofLargest: 1e-5 },
  // A half has 11 bits: twice the distance of neighbours.
  FP16: { ofItself: 2 ** -9, ofLargest: 2 ** -9 },
} as const;
const ABSOLUTE_TOLERANCE = 1e-5;

/** What a row's result in a batch differs in from its result alone. */
export interface RowDifference {
  readonly reason: string;
  /** Do only whole numbers, text or booleans differ, beside floats that agree? Then it may be the break of a tie. */
  readonly mayBeTie: boolean;
}

/** Where a row's outputs alone are not its outputs in a batch; undefined when they are. */
export function rowDifference(
  alone: readonly Tensor[],
  batched: readonly Tensor[],
): RowDifference | undefined {
  if (alone.length !== batched.length)
    return { reason: 'a batch has other outputs than a row alone', mayBeTie: false };
  let discrete: string | undefined;
  let floats = 0;
  for (let i = 0; i < alone.length; i++) {
    const one = alone[i]!;
    const other = batched[i]!;
    if (!isSameShape(one.shape, other.shape)) {
      const reason = `output "${one.name}" is ${printShape(one.shape)} alone and ${printShape(other.shape)} in a batch`;
      return { reason, mayBeTie: false };
    }
    const isFloat = one.datatype in TOLERANCES;
    if (isFloat) floats++;
    if (sameElements(one, other)) continue;
    const reason = `output "${one.name}" of a row differs in a batch`;
    if (isFloat) return { reason, mayBeTie: false };
    discrete ??= reason;
  }
  return discrete === undefined ? undefined : { reason: discrete, mayBeTie: floats > 0 };
}

/** Are the elements of two tensors of one shape the same, as far as floats can be? */
export function sameElements(one: Tensor, other: Tensor): boolean {
  const { datatype, data } = one;
  if (datatype !== 'FP32' && datatype !== 'FP64' && datatype !== 'FP16') {
    for (let i = 0; i < data.length; i++) if (data[i] !== other.data[i]) return false;
    return true;
  }
  const numberOf = datatype === 'FP16' ? halfToNumber : same;
  const { ofItself, ofLargest } = TOLERANCES[datatype];
  let leeway = -1;
  for (let i = 0; i < data.length; i++) {
    if (Object.is(data[i], other.data[i])) continue;
    const a = numberOf(data[i] as number);
    const b = numberOf(other.data[i] as number);
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      if (Object.is(a, b)) continue;
      return false;
    }
    if (leeway < 0) leeway = ABSOLUTE_TOLERANCE + ofLargest * largestOf(data as ArrayLike<number>, numberOf);
    if (Math.abs(a - b) > leeway + ofItself * Math.max(Math.abs(a), Math.abs(b))) return false;
  }
  return true;
}

function largestOf(data: ArrayLike<number>, numberOf: (element: number) => number): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(numberOf(data[i]!));
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

function same(element: number): number {
  return element;
}
