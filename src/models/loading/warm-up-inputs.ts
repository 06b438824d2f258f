import { reasonOf } from '../../errors/domain-error';
import { allocate } from '../../tensors/datatype';
import { MOST_MADE_UP_ELEMENTS } from '../../tensors/made-up';
import { elementCount, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';

/** Inputs for one row, in the model's order. */
export type WarmUpInputs = readonly Tensor[];

/** An example with more elements than this helps nobody who reads it. */
export const EXAMPLE_ELEMENTS = 4096;

/** Sizes tried for dynamic dimensions other than the rows, of which the graph may accept only some. */
const DYNAMIC_SIZES = [1, 8, 32, 64, 128, 224];

/** The same for pictures, of which one pixel runs as well, but is no picture. */
const PICTURE_SIZES = [32, 64, 128, 224, 8, 1];

/**
 * Which dimension of an input may be its rows: the leading one, or else the first that is dynamic, as in the
 * `[layers, rows, width]` of a recurrent state.
 */
const ROWS: readonly ((declared: Shape) => number)[] = [() => 0, (declared) => declared.indexOf(-1)];

/** With every dynamic dimension at `size`, that of the rows at 1. */
function sized(declared: Shape, size: number, rows: number): number[] {
  return declared.map((each, i) => (each >= 0 ? each : i === rows ? 1 : size));
}

/** Pictures of any size, `[rows, channels, height, width]` or with the channels last. */
function isOpenPicture({ shape }: TensorSpec): boolean {
  const isChannels = (size: number | undefined): boolean => size === 1 || size === 3;
  const [, second, third, last] = shape;
  if (shape.length !== 4 || third !== -1) return false;
  return (isChannels(second) && last === -1) || (second === -1 && isChannels(last));
}

/** Zeros, empty strings, false. */
function zeros({ name, datatype }: TensorSpec, shape: number[]): Tensor {
  const count = elementCount(shape);
  const data = datatype === 'BYTES' ? new Array<string>(count).fill('') : allocate(datatype, count);
  return { name, datatype, shape, data };
}

/** One after the other, as one may be larger than the next is wanted: what is too large to make is left out. */
function* zeroSamples(specs: readonly TensorSpec[]): Iterable<WarmUpInputs> {
  const hasOpenSizes = specs.some((spec) => spec.shape.slice(1).includes(-1));
  for (const rowsOf of hasOpenSizes ? ROWS : ROWS.slice(0, 1)) {
    const sizes = specs.some(isOpenPicture) ? PICTURE_SIZES : DYNAMIC_SIZES;
    for (const size of hasOpenSizes ? sizes : [1]) {
      const shapes = specs.map(({ shape }) => sized(shape, size, rowsOf(shape)));
      if (shapes.some((shape) => elementCount(shape) > MOST_MADE_UP_ELEMENTS)) continue;
      yield specs.map((spec, i) => zeros(spec, shapes[i]!));
    }
  }
}

/**
 * The first inputs that the model runs: the given sample, else zeros, trying sizes for the dimensions
 * that the model leaves open.
 * @returns what ran, or why nothing did
 */
export async function findWarmUpInputs(
  specs: readonly TensorSpec[],
  given: WarmUpInputs | undefined,
  run: (inputs: WarmUpInputs) => Promise<unknown>,
): Promise<{ sample: WarmUpInputs } | { reason: string }> {
  let reason = 'every size that was tried is too large to make';
  for (const sample of given ? [given] : zeroSamples(specs)) {
    try {
      await run(sample);
      return { sample };
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  return { reason };
}
