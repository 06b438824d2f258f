import type { Tensor } from '../tensors/tensor';

/** An answer that is kept. Its tensors are read by many and never written. */
export interface CacheEntry {
  /** The wanted outputs in the model's order. */
  readonly outputs: readonly Tensor[];
  /** When the model gave them, in milliseconds of this process's `performance.now()`. */
  readonly bornMs: number;
}

// What V8 needs besides the elements, roughly and rather too much: a bound of bytes has to hold.
const ENTRY_BYTES = 400;
const TENSOR_BYTES = 300;
const STRING_BYTES = 32;
const BYTES_PER_CODE_UNIT = 2;

/** Memory that an entry takes, about. */
export function entryBytes(outputs: readonly Tensor[]): number {
  let bytes = ENTRY_BYTES;
  for (const { data } of outputs) {
    bytes += TENSOR_BYTES;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data) bytes += STRING_BYTES + text.length * BYTES_PER_CODE_UNIT;
  }
  return bytes;
}

/** The same outputs in memory of their own: those of a run are parts of its whole batch, which they would keep. */
export function ownCopy(outputs: readonly Tensor[]): readonly Tensor[] {
  return Object.freeze(
    outputs.map(({ name, datatype, shape, data }) =>
      Object.freeze({ name, datatype, shape: Object.freeze([...shape]), data: data.slice() }),
    ),
  );
}
