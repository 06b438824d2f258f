import { sliceRows } from '../../scheduling/batch';
import { padded, type RowPadding } from '../../tensors/row-padding';
import { allocate, type NumericDatatype } from '../../tensors/datatype';
import { madeUp } from '../../tensors/made-up';
import { elementCount, type Shape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

/** Inputs of one row, in the model's order. */
export type Row = readonly Tensor[];

/** How rows run together: what stands beside shorter ones, and where. */
export type Joining = Omit<RowPadding, 'bucket'>;

/** Where nobody says. */
export const ZEROS_BEHIND: Joining = { fill: {}, side: 'right' };

/** The sizes of a row: those that are equal can be run together as they are. */
function sizesOf(row: Row): string {
  return row.map(({ shape }) => shape.slice(1).join('x')).join(' ');
}

/** The input that tells what of a row is real, in numbers of 0 and 1: what is put beside it is not looked at then. */
export function maskOf(row: Row): Tensor | undefined {
  return row.find(
    ({ name, shape, data }) => /mask$/i.test(name) && shape.length === 2 && !Array.isArray(data),
  );
}

/** Rows as one batch; where there is a mask, shorter ones are padded, as a server does. */
export function together(rows: readonly Row[], joining: Joining): Row {
  const [first = []] = rows;
  return first.map((_, i) => {
    const parts = rows.map((row) => row[i]!);
    const longest = parts[0]!.shape.map((_, axis) => Math.max(...parts.map(({ shape }) => shape[axis] ?? 0)));
    const alike = parts.map((part) => padTo(part, [part.shape[0] ?? 1, ...longest.slice(1)], joining));
    const { name, datatype } = alike[0]!;
    const count = alike.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
    const shape = [count, ...longest.slice(1)];
    if (datatype === 'BYTES')
      return { name, datatype, shape, data: alike.flatMap(({ data }) => data as string[]) };
    const data = allocate(datatype, elementCount(shape));
    let at = 0;
    for (const part of alike) {
      (data as Float32Array).set(part.data as Float32Array, at);
      at += part.data.length;
    }
    return { name, datatype, shape, data };
  });
}

/** A tensor with longer rows; one of more dimensions with zeros behind each of them. */
function padTo(tensor: Tensor, wanted: Shape, joining: Joining): Tensor {
  const { name, datatype, shape, data } = tensor;
  if (datatype === 'BYTES' || shape.every((size, axis) => size === wanted[axis])) return tensor;
  if (shape.length === 2) return padded(tensor, wanted[1]!, joining);
  const target = allocate(datatype, elementCount(wanted));
  const run = shape.at(-1) ?? 1;
  const lines = elementCount(shape) / Math.max(1, run);
  for (let line = 0; line < lines; line++) {
    let rest = line;
    let at = 0;
    let stride = wanted.at(-1) ?? 1;
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      at += (rest % shape[axis]!) * stride;
      rest = Math.floor(rest / shape[axis]!);
      stride *= wanted[axis]!;
    }
    (target as Float32Array).set((data as Float32Array).subarray(line * run, (line + 1) * run), at);
  }
  return { name, datatype, shape: wanted, data: target };
}

/** One row of a batch's inputs or outputs. */
export function rowOf(tensors: readonly Tensor[], row: number, rows: number): Tensor[] {
  return rows === 1 ? [...tensors] : sliceRows(tensors, row, 1, rows);
}

/** Rows in groups that can run together, in order. @param joining undefined: none may */
export function groupsOf(rows: readonly Row[], most: number, joining: Joining | undefined): Row[][] {
  if (joining === undefined) return rows.map((row) => [row]);
  const groups: Row[][] = [];
  const open = new Map<string, Row[]>();
  for (const row of rows) {
    const key = maskOf(row) === undefined ? sizesOf(row) : '';
    const group = open.get(key);
    if (group !== undefined && group.length < most) group.push(row);
    else {
      const begun = [row];
      open.set(key, begun);
      groups.push(begun);
    }
  }
  return groups;
}

/**
 * Eight rows that show whether one changes another: as they are, thirty and a million times as large, nothing but
 * zeros; where sizes differ, of the two lengths that differ most.
 */
export function contrasts(rows: readonly Row[]): Row[] {
  const length = (row: Row): number => row.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const byLength = [...rows].sort((a, b) => length(a) - length(b));
  const shortest = byLength[0]!;
  const longest = byLength.at(-1)!;
  // Without a mask nothing can be put beside a row.
  const alike =
    maskOf(longest) === undefined ? rows.filter((row) => sizesOf(row) === sizesOf(longest)) : byLength;
  const other = alike[0] ?? longest;
  const third = alike[Math.floor(alike.length / 2)] ?? longest;
  return [
    longest,
    maskOf(longest) === undefined ? other : shortest,
    scaled(other, 30),
    other,
    scaled(longest, 0),
    third,
    scaled(third, 1e6),
    scaled(longest, 30),
  ];
}

/** A row with its floats so many times as large. */
function scaled(row: Row, factor: number): Row {
  return row.map((tensor) =>
    tensor.datatype === 'FP32'
      ? { ...tensor, data: (tensor.data as Float32Array).map((value) => value * factor) }
      : tensor,
  );
}

/** Made-up rows of the sizes of one that the model takes; what masks a row says that all of it is real. */
export function madeUpRows(sample: Row, count: number): Row[] {
  const mask = maskOf(sample);
  return Array.from({ length: count }, (_, seed) =>
    sample.map((tensor) => {
      const shape = [1, ...tensor.shape.slice(1)];
      return tensor === mask
        ? { ...tensor, shape, data: ones(tensor) }
        : madeUp(tensor, shape, { style: 'narrow', kind: 'plain', seed });
    }),
  );
}

function ones({ datatype, shape }: Tensor): Tensor['data'] {
  const data = allocate(datatype as NumericDatatype, elementCount(shape.slice(1)));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(1n);
  else data.fill(1);
  return data;
}
