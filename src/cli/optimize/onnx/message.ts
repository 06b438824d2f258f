import { MalformedMessage, WIRE } from '../../../models/repository/onnx-file/protobuf-cursor';

/**
 * A field of a protobuf message. One that is read keeps its bytes, so that what nobody here understands is written as it
 * was; one that is made may hold a message instead, whose fields are written in its place.
 */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** What follows the tag, and the length where there is one. */
  readonly bytes?: Buffer;
  readonly message?: readonly Field[];
}

/** Of a varint at most. */
const MOST_BYTES = 10;
/** What is smaller is copied together before it is written. */
const SMALL_BYTES = 4096;

/** The fields of a message, each a view of its bytes. @throws MalformedMessage where it is cut off or none */
export function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = varintAt(bytes, at);
    const wire = tag % 8;
    let start = afterTag;
    let end: number;
    if (wire === WIRE.varint) [, end] = varintAt(bytes, start);
    else if (wire === WIRE.fixed64) end = start + 8;
    else if (wire === WIRE.fixed32) end = start + 4;
    else if (wire === WIRE.bytes) {
      const [length, afterLength] = varintAt(bytes, start);
      start = afterLength;
      end = start + length;
    } else throw new MalformedMessage('it is no ONNX model');
    if (end > bytes.length) throw new MalformedMessage('it is cut off, or no ONNX model');
    fields.push({ number: Math.floor(tag / 8), wire, bytes: bytes.subarray(start, end) });
    at = end;
  }
  return fields;
}

function varintAt(bytes: Buffer, start: number): [value: number, end: number] {
  let value = 0;
  for (let i = 0; i < MOST_BYTES; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new MalformedMessage('it ends within a number');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  throw new MalformedMessage('it has a number of more than 64 bits');
}

/** The fields of a message within another. */
export function innerOf({ bytes, message }: Field): readonly Field[] {
  return message ?? fieldsOf(bytes ?? Buffer.alloc(0));
}

export function textOf(field: Field | undefined): string {
  return field?.bytes?.toString('utf8') ?? '';
}

/** The text of the first field of this number. */
export function textIn(fields: readonly Field[], number: number): string {
  return textOf(fields.find((field) => field.number === number));
}

/** A whole number, in two's complement where it is negative. */
export function integerOf({ bytes = Buffer.alloc(0) }: Field): number {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 7n) | BigInt(bytes[i]! & 0x7f);
  return Number(BigInt.asIntN(64, value));
}

/** Those of a repeated field, packed or one by one. */
export function integersIn(fields: readonly Field[], number: number): number[] {
  const found: number[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    if (field.wire === WIRE.varint) found.push(integerOf(field));
    else {
      const bytes = field.bytes ?? Buffer.alloc(0);
      for (let at = 0; at < bytes.length;) {
        const [, end] = varintAt(bytes, at);
        found.push(integerOf({ ...field, bytes: bytes.subarray(at, end) }));
        at = end;
      }
    }
  }
  return found;
}

export function integerField(number: number, value: number): Field {
  return { number, wire: WIRE.varint, bytes: varint(value) };
}

export function textField(number: number, text: string): Field {
  return bytesField(number, Buffer.from(text));
}

export function bytesField(number: number, bytes: Buffer): Field {
  return { number, wire: WIRE.bytes, bytes };
}

export function messageField(number: number, message: readonly Field[]): Field {
  return { number, wire: WIRE.bytes, message };
}

export function floatField(number: number, value: number): Field {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return { number, wire: WIRE.fixed32, bytes };
}

export function packedField(number: number, values: readonly number[]): Field {
  return bytesField(number, Buffer.concat(values.map(varint)));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    if (!more) return Buffer.from(bytes);
  }
}

export function sizeOf(fields: readonly Field[]): number {
  let size = 0;
  for (const field of fields) {
    const own = field.message === undefined ? (field.bytes?.length ?? 0) : sizeOf(field.message);
    size += varint(field.number * 8).length + own + (field.wire === WIRE.bytes ? varint(own).length : 0);
  }
  return size;
}

/** A message piece by piece, in which large fields are what was read and never copied. */
export function* piecesOf(fields: readonly Field[]): Generator<Buffer> {
  let small: Buffer[] = [];
  for (const { number, wire, bytes = Buffer.alloc(0), message } of fields) {
    small.push(varint(number * 8 + wire));
    if (wire === WIRE.bytes) small.push(varint(message === undefined ? bytes.length : sizeOf(message)));
    if (message === undefined && bytes.length <= SMALL_BYTES) {
      small.push(bytes);
      continue;
    }
    yield Buffer.concat(small);
    small = [];
    if (message === undefined) yield bytes;
    else yield* piecesOf(message);
  }
  yield Buffer.concat(small);
}
