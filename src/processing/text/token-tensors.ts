import { allocate } from '../../tensors/datatype';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { RowPadding } from '../../tensors/row-padding';
import type { PaddingSide } from '../prepared';
import type { TextPlan } from './text-plan';
import type { TokenRow } from './text-tokenizer';

/** What stands beside a shorter row. */
export interface Padding {
  readonly id: number;
  readonly typeId: number;
  readonly side: PaddingSide;
}

type TokenInputs = Pick<TextPlan, 'ids' | 'mask' | 'types' | 'positions'>;

/** The same by the names of the model's inputs. */
export function fillOf({ ids, types, positions }: TokenInputs, { id, typeId }: Padding): RowPadding['fill'] {
  return {
    [ids.name]: id,
    ...(types !== undefined && typeId !== 0 && { [types.name]: typeId }),
    // transformers has it so: `position_ids.masked_fill_(attention_mask == 0, 1)`.
    ...(positions !== undefined && { [positions.name]: 1 }),
  };
}

/** The model's inputs for rows of tokens, `[rows, length]`, the shorter rows padded. */
export function tokenTensors(
  inputs: TokenInputs,
  rows: readonly TokenRow[],
  length: number,
  pad: Padding,
): Tensor[] {
  const fill = fillOf(inputs, pad);
  const tensor = (spec: TensorSpec | undefined, valueOf: (row: TokenRow, at: number) => number): Tensor[] =>
    spec === undefined ? [] : [tensorOf(spec, rows, length, fill[spec.name] ?? 0, pad.side, valueOf)];
  return [
    ...tensor(inputs.ids, ({ ids }, at) => ids[at]!),
    ...tensor(inputs.mask, () => 1),
    ...tensor(inputs.types, ({ typeIds }, at) => typeIds[at]!),
    ...tensor(inputs.positions, (_, at) => at),
  ];
}

function tensorOf(
  { name, datatype }: TensorSpec,
  rows: readonly TokenRow[],
  length: number,
  pad: number,
  side: PaddingSide,
  valueOf: (row: TokenRow, at: number) => number,
): Tensor {
  const shape = [rows.length, length];
  const startOf = (row: TokenRow, r: number): number =>
    r * length + (side === 'left' ? length - row.ids.length : 0);
  if (datatype === 'INT32') {
    const data = allocate('INT32', rows.length * length) as Int32Array;
    if (pad !== 0) data.fill(pad);
    rows.forEach((row, r) => {
      const start = startOf(row, r);
      for (let i = 0; i < row.ids.length; i++) data[start + i] = valueOf(row, i);
    });
    return { name, datatype, shape, data };
  }
  const data = new BigInt64Array(rows.length * length);
  if (pad !== 0) data.fill(BigInt(pad));
  rows.forEach((row, r) => {
    const start = startOf(row, r);
    for (let i = 0; i < row.ids.length; i++) data[start + i] = BigInt(valueOf(row, i));
  });
  return { name, datatype: 'INT64', shape, data };
}
