import type { RequestInputs } from '../runners/runner';
import { madeUp, MOST_MADE_UP_ELEMENTS, type RowPlan } from '../tensors/made-up';
import { elementCount } from '../tensors/shape';
import type { TensorSpec } from '../tensors/tensor';
import { sliceRows } from './batch';

/** Makes one row for each input. */
export type MakeRow = (plan: RowPlan) => RequestInputs;

/** @param size stands for the dynamic dimensions after the leading one; undefined where that is too large to make */
export function madeUpRows(specs: readonly TensorSpec[], size: number): MakeRow | undefined {
  const shapes = specs.map(({ shape }) =>
    shape.map((declared, axis) => (axis === 0 ? 1 : declared === -1 ? size : declared)),
  );
  if (shapes.some((shape) => elementCount(shape) > MOST_MADE_UP_ELEMENTS)) return undefined;
  return (plan) => specs.map((spec, i) => madeUp(spec, shapes[i]!, plan));
}

/** Rows of the sizes of a request that the model is known to run, whose own first row is the first timid one. */
export function rowsLike(sample: RequestInputs): MakeRow {
  return (plan) =>
    sample.map((tensor) => {
      const rows = tensor.shape[0] ?? 0;
      if (plan.style === 'timid' && plan.seed === 0 && rows > 0) return sliceRows([tensor], 0, 1, rows)[0]!;
      return madeUp(tensor, [1, ...tensor.shape.slice(1)], plan);
    });
}
