import { isUtf8 } from 'node:buffer';
import { DomainError } from '../../../errors/domain-error';
import { elementBytes, type NumericArray, type TensorData, viewOf } from '../../../tensors/datatype';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';

/** Bytes of the length that stands before each element of a BYTES tensor. */
const LENGTH_BYTES = 4;

/** How many bytes a tensor's elements take in binary. */
export function binarySize({ datatype, data }: Tensor): number {
  if (datatype !== 'BYTES') return (data as NumericArray).byteLength;
  let sizeBytes = 0;
  for (const text of data as string[]) sizeBytes += LENGTH_BYTES + Buffer.byteLength(text);
  return sizeBytes;
}

/** Writes the elements in binary, little-endian and without padding; returns the place behind them. */
export function writeBinary({ datatype, data }: Tensor, target: Buffer, offset: number): number {
  if (datatype !== 'BYTES') {
    const { buffer, byteOffset, byteLength } = data as NumericArray;
    target.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    return offset + byteLength;
  }
  let position = offset;
  for (const text of data as string[]) {
    const length = target.write(text, position + LENGTH_BYTES);
    target.writeUInt32LE(length, position);
    position += LENGTH_BYTES + length;
  }
  return position;
}

/**
 * Reads `count` elements, numbers as a view of the bytes where they are aligned.
 * @throws DomainError shape_mismatch when the bytes are not as many as that; out_of_range for a BOOL beyond 1;
 *   wrong_datatype for BYTES that are not UTF-8
 */
export function readBinary(bytes: Buffer, spec: TensorSpec, count: number): TensorData {
  const { name, datatype } = spec;
  if (datatype === 'BYTES') return readStrings(bytes, name, count);
  if (bytes.length !== count * elementBytes(datatype)) throw wrongSize(name, bytes.length, count);
  const aligned = bytes.byteOffset % elementBytes(datatype) === 0 ? bytes : Buffer.copyBytesFrom(bytes);
  const data = viewOf(datatype, aligned.buffer, aligned.byteOffset, count);
  if (datatype === 'BOOL' && (data as Uint8Array).some((element) => element > 1)) {
    throw new DomainError('out_of_range', `Output "${name}": a BOOL is a byte of 0 or 1.`);
  }
  return data;
}

function readStrings(bytes: Buffer, name: string, count: number): string[] {
  const strings: string[] = [];
  let position = 0;
  while (position + LENGTH_BYTES <= bytes.length && strings.length < count) {
    const from = position + LENGTH_BYTES;
    position = from + bytes.readUInt32LE(position);
    const element = bytes.subarray(from, position);
    if (!isUtf8(element)) {
      throw new DomainError('wrong_datatype', `Output "${name}": element ${strings.length} is not UTF-8.`);
    }
    strings.push(element.toString());
  }
  if (strings.length !== count || position !== bytes.length) throw wrongSize(name, bytes.length, count);
  return strings;
}

function wrongSize(name: string, sizeBytes: number, count: number): DomainError {
  return new DomainError(
    'shape_mismatch',
    `Output "${name}": ${sizeBytes} bytes are not its ${count} elements.`,
  );
}
