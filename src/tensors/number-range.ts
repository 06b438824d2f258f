import type { NumericDatatype } from './datatype';

export type FloatDatatype = 'FP16' | 'FP32' | 'FP64';
export type IntegerDatatype = Exclude<NumericDatatype, FloatDatatype | 'BOOL'>;

/** The least and the most of anything, both included. */
export type Range<T> = readonly [least: T, most: T];

export const INTEGER_RANGES: Readonly<Record<IntegerDatatype, Range<bigint>>> = {
  INT8: signed(8n),
  INT16: signed(16n),
  INT32: signed(32n),
  INT64: signed(64n),
  UINT8: unsigned(8n),
  UINT16: unsigned(16n),
  UINT32: unsigned(32n),
  UINT64: unsigned(64n),
};

/** The last double before the middle between the largest finite number and the power of two above it. */
const FLOAT_LIMITS: Readonly<Record<FloatDatatype, number>> = {
  FP16: 65520 - 2 ** -37,
  FP32: 2 ** 128 - 2 ** 103 - 2 ** 75,
  FP64: Number.MAX_VALUE,
};

export function isFloat(datatype: NumericDatatype): datatype is FloatDatatype {
  return datatype === 'FP32' || datatype === 'FP64' || datatype === 'FP16';
}

/** The doubles that become a finite element, of the 64-bit integers only those that are surely meant. */
export function doubleRange(datatype: FloatDatatype | IntegerDatatype): Range<number> {
  if (isFloat(datatype)) return [-FLOAT_LIMITS[datatype], FLOAT_LIMITS[datatype]];
  const [least, most] = INTEGER_RANGES[datatype];
  return [Math.max(Number(least), Number.MIN_SAFE_INTEGER), Math.min(Number(most), Number.MAX_SAFE_INTEGER)];
}

function signed(bits: bigint): Range<bigint> {
  return [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function unsigned(bits: bigint): Range<bigint> {
  return [0n, (1n << bits) - 1n];
}
