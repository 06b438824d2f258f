export type TensorData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

type ArrayType = new (buffer: ArrayBuffer) => Exclude<TensorData, readonly string[]>;

/** BOOL is a byte of 0 or 1 for each element, FP16 its 16 bits. */
const ARRAYS = {
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
} as const satisfies Record<string, ArrayType>;

export type Datatype = keyof typeof ARRAYS | 'BYTES';

/** The datatype of an array that names none. */
const DATATYPES = new Map<unknown, Datatype>([
  [Uint8Array, 'UINT8'],
  [Uint16Array, 'UINT16'],
  [Uint32Array, 'UINT32'],
  [BigUint64Array, 'UINT64'],
  [Int8Array, 'INT8'],
  [Int16Array, 'INT16'],
  [Int32Array, 'INT32'],
  [BigInt64Array, 'INT64'],
  [Float32Array, 'FP32'],
  [Float64Array, 'FP64'],
]);

/** Elements in row-major order. As an input it travels in binary, and so do the answer's outputs. */
export class Tensor {
  readonly datatype: Datatype;

  /**
   * @param datatype left out: as the array says, or BYTES for strings; name BOOL and FP16, whose arrays say otherwise
   * @throws RangeError where shape and data differ in length
   */
  constructor(
    readonly data: TensorData,
    readonly shape: readonly number[],
    datatype?: Datatype,
  ) {
    const own = Array.isArray(data) ? 'BYTES' : DATATYPES.get(data.constructor);
    if (own === undefined) throw new TypeError('A tensor holds a typed array or strings.');
    const elements = shape.reduce((product, size) => product * size, 1);
    if (elements !== data.length) {
      throw new RangeError(
        `The shape [${shape.join(', ')}] has ${elements} elements, the data ${data.length}.`,
      );
    }
    this.datatype = datatype ?? own;
  }

  /** The elements as they travel: little-endian, texts each after their length in four bytes. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const { data } = this;
    if (isTexts(data)) return textBytes(data);
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }

  static fromBytes(bytes: Uint8Array<ArrayBuffer>, shape: readonly number[], datatype: Datatype): Tensor {
    if (datatype === 'BYTES') return new Tensor(textsOf(bytes), shape, datatype);
    // A copy: an array of wider elements must begin at a multiple of their size.
    return new Tensor(new ARRAYS[datatype](bytes.slice().buffer), shape, datatype);
  }
}

function isTexts(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}

function textBytes(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = texts.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

function textsOf(bytes: Uint8Array): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    texts.push(decoder.decode(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return texts;
}
