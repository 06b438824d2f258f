/**
 * The tensor datatypes of the Open Inference Protocol that ONNX Runtime's Node binding can carry.
 * https://github.com/kserve/open-inference-protocol (Tensor Data Types)
 *
 * BOOL is one byte (0 or 1) in a `Uint8Array`; FP16 is its two raw bytes in a `Uint16Array`;
 * BYTES is a list of strings, as the binding carries text only.
 */
export const DATATYPES = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;

export type Datatype = (typeof DATATYPES)[number];
export type NumericDatatype = Exclude<Datatype, 'BYTES'>;

export type NumericArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export type TensorData = NumericArray | string[];

interface NumericArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): NumericArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray;
}

const ARRAY_TYPES: Record<NumericDatatype, NumericArrayConstructor> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

export function isDatatype(text: string): text is Datatype {
  return (DATATYPES as readonly string[]).includes(text);
}

/** Bytes of one element; BYTES has no fixed size. */
export function elementBytes(datatype: NumericDatatype): number {
  return ARRAY_TYPES[datatype].BYTES_PER_ELEMENT;
}

/** A zeroed array for `count` elements. */
export function allocate(datatype: NumericDatatype, count: number): NumericArray {
  return new ARRAY_TYPES[datatype](count);
}

/** The elements that lie at `byteOffset` of `buffer`, without a copy; the offset must be aligned to the element. */
export function viewOf(
  datatype: NumericDatatype,
  buffer: ArrayBufferLike,
  byteOffset: number,
  count: number,
): NumericArray {
  return new ARRAY_TYPES[datatype](buffer, byteOffset, count);
}

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
