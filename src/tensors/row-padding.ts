import { allocate } from './datatype';
import type { Tensor } from './tensor';

/**
 * How rows may be lengthened in their second dimension, so that shorter ones run with longer ones. Whoever asks for it
 * knows that the model takes no notice of what stands beside a row, and cuts what it gives for that.
 */
export interface RowPadding {
  /** Requests of the same one may run together. */
  readonly bucket: number;
  /** What stands beside a row, by the names of the inputs; 0 where there is none. */
  readonly fill: Readonly<Record<string, number>>;
  /** On which side of a row. */
  readonly side: 'left' | 'right';
}

/** A tensor `[rows, length]` with longer rows. */
export function padded(
  { name, datatype, shape, data }: Tensor,
  length: number,
  { fill: fills, side }: Omit<RowPadding, 'bucket'>,
): Tensor {
  const [rows = 0, own = 0] = shape;
  const fill = fills[name] ?? 0;
  const start = side === 'left' ? length - own : 0;
  if (datatype === 'BYTES' || Array.isArray(data)) throw new Error('Texts are not padded.');
  const longer = allocate(datatype, rows * length);
  if (fill !== 0) {
    if (longer instanceof BigInt64Array || longer instanceof BigUint64Array) longer.fill(BigInt(fill));
    else longer.fill(fill);
  }
  for (let row = 0; row < rows; row++) {
    // Of the same type, which the compiler cannot know.
    const values = (data as Float64Array).subarray(row * own, (row + 1) * own);
    (longer as Float64Array).set(values, row * length + start);
  }
  return { name, datatype, shape: [rows, length], data: longer };
}
