import { allocate } from '../../tensors/datatype';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { TextPlan } from './text-plan';
import type { TokenRow } from './text-tokenizer';

/** The model's inputs for rows of tokens, `[rows, length]`, the shorter rows padded at their ends. */
export function tokenTensors(
  { ids, mask, types }: Pick<TextPlan, 'ids' | 'mask' | 'types'>,
  rows: readonly TokenRow[],
  length: number,
  padId: number,
): Tensor[] {
  const tensors = [tensorOf(ids, rows, length, padId, (row) => row.ids)];
  if (mask !== undefined) tensors.push(tensorOf(mask, rows, length, 0, () => undefined));
  if (types !== undefined) tensors.push(tensorOf(types, rows, length, 0, (row) => row.typeIds));
  return tensors;
}

/** @param valuesOf undefined stands for ones */
function tensorOf(
  { name, datatype }: TensorSpec,
  rows: readonly TokenRow[],
  length: number,
  pad: number,
  valuesOf: (row: TokenRow) => readonly number[] | undefined,
): Tensor {
  const shape = [rows.length, length];
  if (datatype === 'INT32') {
    const data = allocate('INT32', rows.length * length) as Int32Array;
    if (pad !== 0) data.fill(pad);
    rows.forEach((row, r) => {
      const values = valuesOf(row);
      for (let i = 0; i < row.ids.length; i++) data[r * length + i] = values?.[i] ?? 1;
    });
    return { name, datatype, shape, data };
  }
  const data = new BigInt64Array(rows.length * length);
  if (pad !== 0) data.fill(BigInt(pad));
  rows.forEach((row, r) => {
    const values = valuesOf(row);
    for (let i = 0; i < row.ids.length; i++) data[r * length + i] = BigInt(values?.[i] ?? 1);
  });
  return { name, datatype: 'INT64', shape, data };
}
