import { isUtf8 } from 'node:buffer';
import { DomainError } from '../../errors/domain-error';
import { acquireInput, LEAST_POOLED_BYTES } from '../../tensors/array-pool';
import {
  type Datatype,
  elementBytes,
  type NumericArray,
  type TensorData,
  viewOf,
} from '../../tensors/datatype';
import { printShape, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { inputFault } from './faults';

/** Bytes of the length that stands before each element of a BYTES tensor. */
const LENGTH_BYTES = 4;
const REPLACEMENT = '\ufffd';

/**
 * The bytes behind a request's JSON part: its binary tensors one after the other, in the order in which the
 * JSON names them. Little-endian, without padding.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export class BinaryPart {
  /** @param position where the next tensor begins in the body */
  constructor(
    private readonly body: Buffer,
    private position: number,
  ) {}

  /**
   * The next tensor's elements, as a view of the body where its place is aligned, else as a copy.
   * @param sizeBytes what the input's `binary_data_size` says
   * @throws body_truncated, and what `elementsOf` throws
   */
  take(spec: TensorSpec, shape: Shape, count: number, sizeBytes: number): TensorData {
    return elementsOf(this.body, this.place(spec.name, sizeBytes), sizeBytes, spec, shape, count);
  }

  /**
   * The next tensor's elements of BYTES as they are: views of the body.
   * @throws as `take` does
   */
  takeElements(name: string, shape: Shape, count: number, sizeBytes: number): Buffer[] {
    const start = this.place(name, sizeBytes);
    return bytesElements(this.body, start, sizeBytes, name, shape, count, (from, to) =>
      this.body.subarray(from, to),
    );
  }

  /** @throws invalid_request when bytes are left over */
  expectEnd(): void {
    const left = this.body.length - this.position;
    if (left === 0) return;
    throw new DomainError('invalid_request', `The body has ${left} bytes that belong to no input.`);
  }

  /** Where the next `sizeBytes` begin. @throws body_truncated */
  private place(name: string, sizeBytes: number): number {
    const start = this.position;
    const left = this.body.length - start;
    if (sizeBytes > left) {
      throw inputFault(
        'body_truncated',
        name,
        `its binary_data_size is ${sizeBytes}, but only ${left} bytes of the body are left for it`,
      );
    }
    this.position = start + sizeBytes;
    return start;
  }
}

/**
 * The `count` elements in `sizeBytes` bytes of `body`.
 * @throws shape_mismatch when the size is not that of the shape; out_of_range for a BOOL beyond 1;
 *   body_truncated and wrong_datatype for BYTES
 */
export function elementsOf(
  body: Buffer,
  start: number,
  sizeBytes: number,
  spec: TensorSpec,
  shape: Shape,
  count: number,
): TensorData {
  const { name, datatype } = spec;
  if (datatype === 'BYTES') {
    return bytesElements(body, start, sizeBytes, name, shape, count, (from, to, index) =>
      textOf(body, from, to, name, index),
    );
  }
  const expectedBytes = count * elementBytes(datatype);
  if (sizeBytes !== expectedBytes) {
    throw inputFault(
      'shape_mismatch',
      name,
      `${datatype} of shape ${printShape(shape)} takes ${expectedBytes} bytes, its binary data has ${sizeBytes}`,
    );
  }
  const data = alignedElements(body, start, sizeBytes, datatype, count);
  if (datatype === 'BOOL') checkBooleans(data as Uint8Array, name);
  return data;
}

function alignedElements(
  body: Buffer,
  start: number,
  sizeBytes: number,
  datatype: Exclude<Datatype, 'BYTES'>,
  count: number,
): NumericArray {
  const offset = body.byteOffset + start;
  const alignment = elementBytes(datatype);
  if (offset % alignment === 0) return viewOf(datatype, body.buffer, offset, count);
  if (sizeBytes >= LEAST_POOLED_BYTES) {
    const elements = acquireInput(datatype, count);
    new Uint8Array(elements.buffer, elements.byteOffset, sizeBytes).set(
      body.subarray(start, start + sizeBytes),
    );
    return elements;
  }
  // A small buffer is a part of Node's pool, which costs a third of an ArrayBuffer of its own.
  const memory = Buffer.allocUnsafe(sizeBytes + alignment);
  const shift = alignment - (memory.byteOffset % alignment);
  body.copy(memory, shift, start, start + sizeBytes);
  return viewOf(datatype, memory.buffer, memory.byteOffset + shift, count);
}

function checkBooleans(data: Uint8Array, name: string): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! > 1) {
      throw inputFault('out_of_range', name, `BOOL is a byte of 0 or 1, element ${i} is ${data[i]}`);
    }
  }
}

/** The elements of BYTES, each with its length before it. */
function bytesElements<Element>(
  body: Buffer,
  start: number,
  sizeBytes: number,
  name: string,
  shape: Shape,
  count: number,
  elementOf: (from: number, to: number, index: number) => Element,
): Element[] {
  const end = start + sizeBytes;
  const elements: Element[] = [];
  let position = start;
  while (position < end) {
    if (elements.length === count) {
      throw inputFault(
        'shape_mismatch',
        name,
        `shape ${printShape(shape)} takes ${count} elements, its binary data has ${end - position} bytes beyond them`,
      );
    }
    const from = position + LENGTH_BYTES;
    const length = from <= end ? body.readUInt32LE(position) : Infinity;
    if (length > end - from) {
      throw inputFault(
        'body_truncated',
        name,
        `element ${elements.length} goes beyond the end of its binary data`,
      );
    }
    position = from + length;
    elements.push(elementOf(from, position, elements.length));
  }
  if (elements.length < count) {
    throw inputFault(
      'shape_mismatch',
      name,
      `shape ${printShape(shape)} takes ${count} elements, its binary data has ${elements.length}`,
    );
  }
  return elements;
}

/**
 * One element of BYTES.
 * @throws wrong_datatype for bytes that are not UTF-8
 */
export function textOf(body: Buffer, from: number, to: number, name: string, index: number): string {
  const text = body.toString('utf8', from, to);
  if (text.includes(REPLACEMENT) && !isUtf8(body.subarray(from, to))) {
    throw inputFault(
      'wrong_datatype',
      name,
      `element ${index} is not UTF-8, and the runtime carries BYTES as text only`,
    );
  }
  return text;
}

/** A tensor's elements in their binary form: a view of their memory, or a new buffer for BYTES. */
export function bytesOf({ datatype, data }: Tensor): Buffer {
  if (datatype === 'BYTES') return bytesOfStrings(data as string[]);
  const { buffer, byteOffset, byteLength } = data as NumericArray;
  return Buffer.from(buffer, byteOffset, byteLength);
}

function bytesOfStrings(strings: readonly string[]): Buffer {
  let sizeBytes = 0;
  for (const text of strings) sizeBytes += LENGTH_BYTES + Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let position = 0;
  for (const text of strings) {
    const length = bytes.write(text, position + LENGTH_BYTES);
    bytes.writeUInt32LE(length, position);
    position += LENGTH_BYTES + length;
  }
  return bytes;
}
