import type { RequestInputs } from '../runners/runner';
import type { Tensor } from '../tensors/tensor';

/** Do all inputs lead with the same dimension, the rows? Only then can rows of other requests follow them. */
export function leadWithRows(inputs: RequestInputs, rows: number): boolean {
  if (rows < 1 || inputs.length === 0) return false;
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i]!.shape[0] !== rows) return false;
  }
  return true;
}

/** Have two requests of one model the same datatypes and the same dimensions after the leading one? */
export function compatible(one: RequestInputs, other: RequestInputs): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const a = one[i]!;
    const b = other[i]!;
    if (a.datatype !== b.datatype || a.shape.length !== b.shape.length) return false;
    for (let d = 1; d < a.shape.length; d++) {
      if (a.shape[d] !== b.shape[d]) return false;
    }
  }
  return true;
}

/** Bytes that a row of these inputs takes. */
export function rowBytes(inputs: RequestInputs, rows: number): number {
  let bytes = 0;
  for (let i = 0; i < inputs.length; i++) {
    const { data } = inputs[i]!;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data) bytes += text.length;
  }
  return bytes / rows;
}

/** Why these are not the outputs of a batch of `rows`; undefined when they are. */
export function rowsFault(outputs: readonly Tensor[], rows: number): string | undefined {
  for (let i = 0; i < outputs.length; i++) {
    const { name, shape, data } = outputs[i]!;
    if (shape.length === 0) return `output "${name}" is a scalar for a batch of ${rows} rows`;
    if (shape[0] !== rows) return `output "${name}" has ${shape[0]} rows for a batch of ${rows}`;
    if (data.length % rows !== 0) return `output "${name}" does not divide into ${rows} rows`;
  }
  return undefined;
}

/** The `rows` from `offset` on of a batch of `batchRows`; numbers are views, not copies. */
export function sliceRows(
  outputs: readonly Tensor[],
  offset: number,
  rows: number,
  batchRows: number,
): Tensor[] {
  const own = new Array<Tensor>(outputs.length);
  for (let i = 0; i < outputs.length; i++) {
    const { name, datatype, shape, data } = outputs[i]!;
    const size = data.length / batchRows;
    const begin = offset * size;
    const end = begin + rows * size;
    const ownShape = shape.slice();
    ownShape[0] = rows;
    own[i] = {
      name,
      datatype,
      shape: ownShape,
      data: Array.isArray(data) ? data.slice(begin, end) : data.subarray(begin, end),
    };
  }
  return own;
}
