import { allocate } from '../../tensors/datatype';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { PaddingSide } from '../prepared';
import type { TextPlan } from './text-plan';
import type { TokenRow } from './text-tokenizer';

/** What stands beside a shorter row. */
export interface Padding {
  readonly id: number;
  readonly side: PaddingSide;
}

/** The model's inputs for rows of tokens, `[rows, length]`, the shorter rows padded. */
export function tokenTensors(
  { ids, mask, types }: Pick<TextPlan, 'ids' | 'mask' | 'types'>,
  rows: readonly TokenRow[],
  length: number,
  { id: padId, side }: Padding,
): Tensor[] {
  const tensors = [tensorOf(ids, rows, length, padId, side, (row) => row.ids)];
  if (mask !== undefined) tensors.push(tensorOf(mask, rows, length, 0, side, () => undefined));
  if (types !== undefined) tensors.push(tensorOf(types, rows, length, 0, side, (row) => row.typeIds));
  return tensors;
}

/** @param valuesOf undefined stands for ones */
function tensorOf(
  { name, datatype }: TensorSpec,
  rows: readonly TokenRow[],
  length: number,
  pad: number,
  side: PaddingSide,
  valuesOf: (row: TokenRow) => readonly number[] | undefined,
): Tensor {
  const shape = [rows.length, length];
  const startOf = (row: TokenRow, r: number): number =>
    r * length + (side === 'left' ? length - row.ids.length : 0);
  if (datatype === 'INT32') {
    const data = allocate('INT32', rows.length * length) as Int32Array;
    if (pad !== 0) data.fill(pad);
    rows.forEach((row, r) => {
      const values = valuesOf(row);
      const start = startOf(row, r);
      for (let i = 0; i < row.ids.length; i++) data[start + i] = values?.[i] ?? 1;
    });
    return { name, datatype, shape, data };
  }
  const data = new BigInt64Array(rows.length * length);
  if (pad !== 0) data.fill(BigInt(pad));
  rows.forEach((row, r) => {
    const values = valuesOf(row);
    const start = startOf(row, r);
    for (let i = 0; i < row.ids.length; i++) data[start + i] = BigInt(values?.[i] ?? 1);
  });
  return { name, datatype: 'INT64', shape, data };
}
