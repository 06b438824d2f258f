import { crc32 } from 'node:zlib';
import { allocate, type Datatype, DATATYPES, elementBytes, type TensorData } from '../tensors/datatype';
import { elementCount } from '../tensors/shape';
import type { Tensor } from '../tensors/tensor';

/** An answer as it lies in Redis. */
export interface StoredEntry {
  readonly outputs: readonly Tensor[];
  /** When the model gave them, in milliseconds since 1970. */
  readonly bornAtMs: number;
}

/** The first byte. Entries of another version are no entries. */
const FORMAT_VERSION = 1;
/** Format version and checksum. */
const HEAD_BYTES = 5;

/**
 * Base64 of: format version, CRC-32 of the rest, the key, the time of birth and the tensors (docs/cache.md,
 * "What lies in Redis"). Text, because the store makes JSON of it, and base64, because nothing else is as fast there.
 */
export function encodeEntry(key: string, { outputs, bornAtMs }: StoredEntry): string {
  const writer = new EntryWriter(HEAD_BYTES + sizeOf(key, outputs));
  writer.skip(HEAD_BYTES);
  writer.text(key);
  writer.f64(bornAtMs);
  writer.u32(outputs.length);
  for (const { name, datatype, shape, data } of outputs) {
    writer.text(name);
    writer.u32(DATATYPES.indexOf(datatype));
    writer.u32(shape.length);
    for (const size of shape) writer.f64(size);
    if (Array.isArray(data)) for (const element of data) writer.text(element);
    else writer.raw(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const { bytes } = writer;
  bytes.writeUInt8(FORMAT_VERSION);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD_BYTES)), 1);
  return bytes.toString('base64');
}

/**
 * What `encodeEntry` was given; undefined for anything else: cut off, changed, of another format, or the answer
 * to another key, as a connection gives that has lost count of its replies.
 */
export function decodeEntry(key: string, text: string): StoredEntry | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT_VERSION) return undefined;
  if (bytes.readUInt32LE(1) !== crc32(bytes.subarray(HEAD_BYTES))) return undefined;
  const reader = new EntryReader(bytes, HEAD_BYTES);
  try {
    if (reader.text() !== key) return undefined;
    const bornAtMs = reader.f64();
    const outputs = Array.from({ length: reader.count() }, () => readTensor(reader));
    return reader.atEnd ? { outputs, bornAtMs } : undefined;
  } catch {
    // The checksum is right, but whoever wrote it meant something else.
    return undefined;
  }
}

function readTensor(reader: EntryReader): Tensor {
  const name = reader.text();
  const datatype = DATATYPES[reader.u32()];
  if (datatype === undefined) throw new RangeError('an unknown datatype');
  const shape = Array.from({ length: reader.count() }, () => reader.f64());
  return { name, datatype, shape, data: readData(reader, datatype, elementCount(shape)) };
}

function readData(reader: EntryReader, datatype: Datatype, count: number): TensorData {
  if (datatype === 'BYTES') {
    reader.require(count * 4);
    return Array.from({ length: count }, () => reader.text());
  }
  reader.require(count * elementBytes(datatype));
  const data = allocate(datatype, count);
  reader.into(new Uint8Array(data.buffer));
  return data;
}

function sizeOf(key: string, outputs: readonly Tensor[]): number {
  let bytes = 4 + Buffer.byteLength(key) + 8 + 4;
  for (const { name, shape, data } of outputs) {
    bytes += 4 + Buffer.byteLength(name) + 4 + 4 + 8 * shape.length;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const element of data) bytes += 4 + Buffer.byteLength(element);
  }
  return bytes;
}

class EntryWriter {
  readonly bytes: Buffer;
  private at = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafe(sizeBytes);
  }

  skip(count: number): void {
    this.at += count;
  }

  u32(value: number): void {
    this.at = this.bytes.writeUInt32LE(value, this.at);
  }

  f64(value: number): void {
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  text(value: string): void {
    const sizeBytes = this.bytes.write(value, this.at + 4);
    this.u32(sizeBytes);
    this.at += sizeBytes;
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.at);
    this.at += value.length;
  }
}

/** Throws a `RangeError` where the bytes end. */
class EntryReader {
  constructor(
    private readonly bytes: Buffer,
    private at: number,
  ) {}

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  require(count: number): void {
    if (!(count <= this.bytes.length - this.at)) throw new RangeError('the bytes end');
  }

  u32(): number {
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  /** A number of things that take a byte each at the least. */
  count(): number {
    const value = this.u32();
    this.require(value);
    return value;
  }

  f64(): number {
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  text(): string {
    const sizeBytes = this.u32();
    this.require(sizeBytes);
    this.at += sizeBytes;
    return this.bytes.toString('utf8', this.at - sizeBytes, this.at);
  }

  into(target: Uint8Array): void {
    target.set(this.bytes.subarray(this.at, this.at + target.length));
    this.at += target.length;
  }
}
