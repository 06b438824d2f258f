import type { NumericDatatype } from '../datatype';

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

/**
 * The doubles that become a finite element (once rounded to it); of the 64-bit integers only those that
 * surely are what was meant.
 */
export const DOUBLE_RANGES: Readonly<Record<FloatDatatype | IntegerDatatype, Range<number>>> = {
  FP16: around0(65520 - 2 ** -37),
  FP32: around0(2 ** 128 - 2 ** 103 - 2 ** 75),
  FP64: around0(Number.MAX_VALUE),
  INT8: safe(INTEGER_RANGES.INT8),
  INT16: safe(INTEGER_RANGES.INT16),
  INT32: safe(INTEGER_RANGES.INT32),
  INT64: safe(INTEGER_RANGES.INT64),
  UINT8: safe(INTEGER_RANGES.UINT8),
  UINT16: safe(INTEGER_RANGES.UINT16),
  UINT32: safe(INTEGER_RANGES.UINT32),
  UINT64: safe(INTEGER_RANGES.UINT64),
};

export function isFloat(datatype: NumericDatatype): datatype is FloatDatatype {
  return datatype === 'FP32' || datatype === 'FP64' || datatype === 'FP16';
}

/** The limit is the last double before the middle between the largest element and the power of two above. */
function around0(limit: number): Range<number> {
  return [-limit, limit];
}

function safe([least, most]: Range<bigint>): Range<number> {
  return [Math.max(Number(least), Number.MIN_SAFE_INTEGER), Math.min(Number(most), Number.MAX_SAFE_INTEGER)];
}

function signed(bits: bigint): Range<bigint> {
  return [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function unsigned(bits: bigint): Range<bigint> {
  return [0n, (1n << bits) - 1n];
}
