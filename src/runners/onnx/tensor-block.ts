import { elementBytes, viewOf, type NumericArray } from '../../tensors/datatype';
import { elementCount, isSameShape, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';

/*
 * Tensors of known names and datatypes in one block of memory that two threads share or hand over.
 *
 * A header of `Float64` (exact up to 2^53): a number that changes with every new set of shapes, the bytes
 * in use, and for each tensor its rank, its dimensions and the byte offset of its data. Then the data,
 * aligned to 8 bytes. Text has a shape and no data here.
 *
 * Runs mostly repeat the shapes of the one before. Both sides keep what they made of them (header, views),
 * so that such a run costs them nothing but the copy of its data.
 */

const EDITION = 0;
const USED_BYTES = 1;
const FIRST_TENSOR = 2;
const ALIGNMENT_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Bytes of a block for tensors of these shapes. */
export function blockBytes(specs: readonly TensorSpec[], shapes: readonly Shape[]): number {
  let bytes = FIRST_TENSOR * ALIGNMENT_BYTES;
  specs.forEach((spec, position) => {
    const shape = shapes[position] ?? [];
    bytes += (shape.length + 2) * ALIGNMENT_BYTES + dataBytes(spec, shape);
  });
  return bytes;
}

/** The side of a block that says what is in it. */
export class BlockWriter {
  private readonly header: Float64Array;
  private shapes: readonly Shape[] | undefined;
  private tensors: readonly Tensor[] = [];

  constructor(
    private readonly specs: readonly TensorSpec[],
    private readonly memory: ArrayBufferLike,
  ) {
    this.header = new Float64Array(memory);
  }

  /** Views for the data of tensors of these shapes; undefined when the block is too small for them. */
  place(shapes: readonly Shape[]): readonly Tensor[] | undefined {
    if (this.shapes !== undefined && sameShapes(shapes, this.shapes)) return this.tensors;
    const bytes = blockBytes(this.specs, shapes);
    if (bytes > this.memory.byteLength) return undefined;
    this.writeHeader(shapes, bytes);
    this.shapes = shapes.map((shape) => [...shape]);
    this.tensors = tensorsOf(this.specs, this.header, this.memory);
    return this.tensors;
  }

  /** Somebody else wrote to the block: what is in it is said anew the next time. */
  forget(): void {
    this.shapes = undefined;
  }

  private writeHeader(shapes: readonly Shape[], bytes: number): void {
    const { header, specs } = this;
    header[EDITION] = (header[EDITION] ?? 0) + 1;
    header[USED_BYTES] = bytes;
    const dimensions = shapes.reduce((sum, shape) => sum + shape.length, 0);
    let at = FIRST_TENSOR;
    let byteOffset = (FIRST_TENSOR + dimensions + 2 * shapes.length) * ALIGNMENT_BYTES;
    specs.forEach((spec, position) => {
      const shape = shapes[position] ?? [];
      header[at++] = shape.length;
      for (const size of shape) header[at++] = size;
      header[at++] = byteOffset;
      byteOffset += dataBytes(spec, shape);
    });
  }
}

/** The side of a block that learns from it what is in it. */
export class BlockReader {
  private readonly header: Float64Array;
  private readonly local: Uint8Array | undefined;
  private edition = 0;
  private tensors: readonly Tensor[] = [];
  private used: Uint8Array;

  /** With `local`, as large as the block, what is read is copied to it first. */
  constructor(
    private readonly specs: readonly TensorSpec[],
    private readonly memory: ArrayBufferLike,
    local?: ArrayBuffer,
  ) {
    this.header = new Float64Array(memory);
    this.used = new Uint8Array(memory, 0, 0);
    this.local = local && new Uint8Array(local);
  }

  /** The tensors as views that the next edition or copy overwrites; text comes with an empty list. */
  read(): readonly Tensor[] {
    const { header, local, memory } = this;
    if (header[EDITION] !== this.edition) {
      this.edition = header[EDITION] ?? 0;
      this.used = new Uint8Array(memory, 0, header[USED_BYTES]);
      this.tensors = tensorsOf(this.specs, header, local?.buffer ?? memory);
    }
    local?.set(this.used);
    return this.tensors;
  }
}

/** The tensor in memory of its own, which no later edition overwrites. */
export function copyTensor({ name, datatype, shape, data }: Tensor): Tensor {
  return { name, datatype, shape, data: data.slice() };
}

/** Copies elements of one datatype to `offset` of an array of the same one. */
export function copyElements(source: NumericArray, target: NumericArray, offset = 0): void {
  // Both are of one type, which the union of all types cannot say; were they not, `set` would convert or throw.
  (target as Float64Array).set(source as Float64Array, offset);
}

function tensorsOf(specs: readonly TensorSpec[], header: Float64Array, memory: ArrayBufferLike): Tensor[] {
  let at = FIRST_TENSOR;
  return specs.map(({ name, datatype }) => {
    const rank = header[at++] ?? 0;
    const shape = [...header.subarray(at, at + rank)];
    at += rank;
    const byteOffset = header[at++] ?? 0;
    const data = datatype === 'BYTES' ? [] : viewOf(datatype, memory, byteOffset, elementCount(shape));
    return { name, datatype, shape, data };
  });
}

/** With padding to the next tensor. */
function dataBytes({ datatype }: TensorSpec, shape: Shape): number {
  if (datatype === 'BYTES') return 0;
  return Math.ceil((elementCount(shape) * elementBytes(datatype)) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function sameShapes(some: readonly Shape[], others: readonly Shape[]): boolean {
  if (some.length !== others.length) return false;
  for (let position = 0; position < others.length; position++) {
    if (!isSameShape(some[position]!, others[position]!)) return false;
  }
  return true;
}
