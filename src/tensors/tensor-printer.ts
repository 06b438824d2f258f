import * as ascii from './ascii';
import type { NumericArray, NumericDatatype } from './datatype';
import { putAscii, putInteger } from './digit-printer';
import { halfToNumber } from './float16';
import { putFloat16, putFloat32, putFloat64, putNonFinite } from './number-printer';

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
 * beyond the safe ones as strings. Each takes `MOST_NUMBER_BYTES` and a comma at most.
 * @returns the position behind
 */
export function putElements(
  out: Uint8Array,
  position: number,
  data: PrintableData,
  datatype: NumericDatatype,
  from: number,
  to: number,
): number {
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    switch (datatype) {
      case 'FP32': {
        const value = (data as Float32Array)[i]!;
        at = Number.isFinite(value) ? putFloat32(out, at, value) : putNonFinite(out, at, value);
        break;
      }
      case 'FP64': {
        const value = (data as Float64Array)[i]!;
        at = Number.isFinite(value) ? putFloat64(out, at, value) : putNonFinite(out, at, value);
        break;
      }
      case 'FP16': {
        const half = (data as Uint16Array)[i]!;
        const finite = (half & 0x7c00) !== 0x7c00;
        at = finite ? putFloat16(out, at, half) : putNonFinite(out, at, halfToNumber(half));
        break;
      }
      case 'INT64':
        at = putInteger64(out, at, data[2 * i + 1]!, data[2 * i]!);
        break;
      case 'UINT64':
        at = putInteger64(out, at, data[2 * i + 1]! >>> 0, data[2 * i]!);
        break;
      case 'BOOL':
        at = putAscii(out, at, data[i] === 0 ? 'false' : 'true');
        break;
      case 'INT32':
      case 'INT16':
      case 'INT8':
      case 'UINT32':
      case 'UINT16':
      case 'UINT8':
        at = putInteger(out, at, data[i]!);
        break;
    }
  }
  return at;
}

function putInteger64(out: Uint8Array, position: number, high: number, low: number): number {
  const value = high * 2 ** 32 + (low >>> 0);
  if (Number.isSafeInteger(value)) return putInteger(out, position, value);
  return putAscii(out, position, `"${(BigInt(high) << 32n) | BigInt(low >>> 0)}"`);
}
