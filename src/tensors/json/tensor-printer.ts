import * as ascii from '../numbers/ascii';
import type { NumericArray, NumericDatatype } from '../datatype';
import { putAscii, putInteger } from '../numbers/digit-printer';
import { putFloat16, putFloat32s, putFloat64 } from '../numbers/number-printer';

const { COMMA } = ascii;

/** What is read to print a tensor: its array, or the halves of 64-bit integers, low ones first. */
export type PrintableData = Exclude<NumericArray, BigInt64Array | BigUint64Array>;

/** Reading the halves of 64-bit integers makes no BigInt of each. */
export function printable(data: NumericArray): PrintableData {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data;
  return new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
}

/**
 * Writes elements as JSON with commas between them: numbers; booleans; NaN, infinities and 64-bit integers
 * beyond the safe ones as strings or, where they are to be literals, as what they are. Each takes `MOST_NUMBER_BYTES` and a comma at most.
 * @returns the position behind
 */
export function putElements(
  out: Uint8Array,
  position: number,
  data: PrintableData,
  datatype: NumericDatatype,
  from: number,
  to: number,
  literal = false,
): number {
  switch (datatype) {
    case 'FP32':
      return putFloat32s(out, position, data as Float32Array, from, to);
    case 'INT64':
      return putIntegers64(out, position, data, from, to, true, literal);
    case 'UINT64':
      return putIntegers64(out, position, data, from, to, false, literal);
    case 'FP64':
      return putEach(out, position, data, from, to, putFloat64);
    case 'FP16':
      return putEach(out, position, data, from, to, putFloat16);
    case 'BOOL':
      return putEach(out, position, data, from, to, putBoolean);
    default:
      return putEach(out, position, data, from, to, putInteger);
  }
}

function putEach(
  out: Uint8Array,
  position: number,
  data: PrintableData,
  from: number,
  to: number,
  put: (out: Uint8Array, position: number, element: number) => number,
): number {
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    at = put(out, at, data[i]!);
  }
  return at;
}

function putBoolean(out: Uint8Array, position: number, element: number): number {
  return putAscii(out, position, element === 0 ? 'false' : 'true');
}

function putIntegers64(
  out: Uint8Array,
  position: number,
  halves: PrintableData,
  from: number,
  to: number,
  signed: boolean,
  literal: boolean,
): number {
  const quote = literal ? '' : '"';
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    const low = halves[2 * i]!;
    const half = halves[2 * i + 1]!;
    if (half === 0 && low >= 0) {
      at = putInteger(out, at, low);
      continue;
    }
    const high = signed ? half : half >>> 0;
    const value = high * 2 ** 32 + (low >>> 0);
    if (Number.isSafeInteger(value)) at = putInteger(out, at, value);
    else at = putAscii(out, at, `${quote}${(BigInt(high) << 32n) | BigInt(low >>> 0)}${quote}`);
  }
  return at;
}
