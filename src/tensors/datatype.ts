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
