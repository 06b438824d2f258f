import type { Datatype, TensorData, NumericArray, NumericDatatype } from '../datatype';
import { putAscii, putInteger } from '../numbers/digit-printer';
import { MOST_NUMBER_BYTES, putFloat64, putFloat16, putFloat32s } from '../numbers/number-printer';
import { elementCount, type Shape } from '../shape';
import * as ascii from '../numbers/ascii';

const { BACKSLASH, CLOSE_BRACKET, COMMA, OPEN_BRACKET, QUOTE, SPACE } = ascii;

const ARENA_BYTES = 64 * 1024;
/** With less left than this, an arena is given up. */
const LEAST_BYTES = 2 * 1024;
/** A larger pad is not kept for the next document. */
const MOST_PAD_BYTES = 4 * 1024 * 1024;
/** How many elements are written between two looks at the room left. */
const CHUNK_ELEMENTS = 256;

// Memory that no writer has in hand: one that begins takes it, one that ends puts it back, and a second one
// meanwhile finds none and makes its own.
let idleArena: Buffer | undefined;
/** What lies before it belongs to documents. */
let idleFrom = 0;
let idlePad: Buffer | undefined;

/**
 * Writes one JSON document as UTF-8 bytes; the caller puts the commas and colons, by `raw`.
 *
 * A small document is a slice of an arena, behind the ones before it. A larger one moves to a pad, which
 * stays warm from document to document, and ends as a copy of its own size: growing fresh memory by doubling
 * costs more than printing. No byte that was handed out is written again.
 */
export class JsonWriter {
  private out: Buffer;
  private start = 0;
  private position: number;
  private inArena = true;

  /** @param literalIntegers are 64-bit integers beyond 2^53 written as numbers, for readers that do not round them? */
  constructor(private readonly literalIntegers = false) {
    if (idleArena === undefined) {
      this.out = Buffer.allocUnsafeSlow(ARENA_BYTES);
    } else {
      this.out = idleArena;
      this.start = idleFrom;
      idleArena = undefined;
    }
    this.position = this.start;
  }

  /** Writes ASCII text as it is. */
  raw(text: string): void {
    this.reserve(text.length);
    this.position = putAscii(this.out, this.position, text);
  }

  /** Writes a string; half of a surrogate pair as an escape. */
  string(text: string): void {
    this.reserve(text.length + 2);
    const { out } = this;
    let position = this.position;
    out[position++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.utf8(JSON.stringify(text));
        return;
      }
      out[position++] = code;
    }
    out[position++] = QUOTE;
    this.position = position;
  }

  /** Writes a safe integer. */
  integer(value: number): void {
    this.reserve(MOST_NUMBER_BYTES);
    this.position = putInteger(this.out, this.position, value);
  }

  /** Writes a double; NaN and the infinities as strings. */
  number(value: number): void {
    this.reserve(MOST_NUMBER_BYTES);
    this.position = putFloat64(this.out, this.position, value);
  }

  /** Writes the first `count` elements as one array. */
  tensorFlat(data: TensorData, datatype: Datatype, count: number): void {
    this.tensorNested(data, datatype, [count]);
  }

  /** Writes the elements as arrays in arrays, as the shape says; those of a scalar as the bare value. */
  tensorNested(data: TensorData, datatype: Datatype, shape: Shape): void {
    const count = elementCount(shape);
    if (data.length < count)
      throw new RangeError(`a tensor of ${count} elements has data for ${data.length}`);
    const elements = Array.isArray(data) ? data : printable(data);
    if (shape.length === 0) this.elements(elements, datatype, 0, 1);
    else this.nest(elements, datatype, shape, 0, 0);
  }

  /** The document, in bytes that are the caller's; the writer has done its work. */
  finish(): Buffer {
    const { out, start, position } = this;
    if (this.inArena) {
      returnArena(out, position);
      return out.subarray(start, position);
    }
    if (out.length > MOST_PAD_BYTES) return out.subarray(0, position);
    const document = Buffer.allocUnsafeSlow(position);
    out.copy(document, 0, 0, position);
    if (idlePad === undefined || idlePad.length < out.length) idlePad = out;
    return document;
  }

  /** Writes one array of a level; returns the index of the element behind it. */
  private nest(
    data: PrintableData | string[],
    datatype: Datatype,
    shape: Shape,
    level: number,
    from: number,
  ): number {
    const size = shape[level]!;
    let next = from;
    this.byte(OPEN_BRACKET);
    if (level === shape.length - 1) {
      next += size;
      this.elements(data, datatype, from, next);
    } else {
      for (let i = 0; i < size; i++) {
        if (i > 0) this.byte(COMMA);
        next = this.nest(data, datatype, shape, level + 1, next);
      }
    }
    this.byte(CLOSE_BRACKET);
    return next;
  }

  private elements(data: PrintableData | string[], datatype: Datatype, from: number, to: number): void {
    if (datatype === 'BYTES' || Array.isArray(data)) {
      for (let i = from; i < to; i++) {
        if (i > from) this.byte(COMMA);
        this.string(String(data[i]));
      }
      return;
    }
    for (let next = from; next < to;) {
      const end = Math.min(next + CHUNK_ELEMENTS, to);
      if (next > from) this.byte(COMMA);
      this.reserve((end - next) * (MOST_NUMBER_BYTES + 1));
      this.position = putElements(this.out, this.position, data, datatype, next, end, this.literalIntegers);
      next = end;
    }
  }

  private byte(value: number): void {
    this.reserve(1);
    this.out[this.position++] = value;
  }

  private utf8(text: string): void {
    this.reserve(3 * text.length);
    this.position += this.out.write(text, this.position, 'utf8');
  }

  private reserve(sizeBytes: number): void {
    if (this.position + sizeBytes > this.out.length) this.grow(sizeBytes);
  }

  private grow(sizeBytes: number): void {
    const written = this.position - this.start;
    const pad = takePad(Math.max(2 * written, written + sizeBytes));
    this.out.copy(pad, 0, this.start, this.position);
    if (this.inArena) returnArena(this.out, this.start);
    this.inArena = false;
    this.out = pad;
    this.start = 0;
    this.position = written;
  }
}

function returnArena(arena: Buffer, from: number): void {
  if (arena.length - from < LEAST_BYTES) return;
  idleArena = arena;
  idleFrom = from;
}

function takePad(sizeBytes: number): Buffer {
  const pad = idlePad;
  if (pad === undefined || pad.length < sizeBytes) {
    return Buffer.allocUnsafeSlow(Math.max(sizeBytes, 2 * ARENA_BYTES));
  }
  idlePad = undefined;
  return pad;
}

/** What is read to print a tensor: its array, or the halves of 64-bit integers, low ones first. */
type PrintableData = Exclude<NumericArray, BigInt64Array | BigUint64Array>;

/** Reading the halves of 64-bit integers makes no BigInt of each. */
function printable(data: NumericArray): PrintableData {
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data;
  return new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
}

/**
 * Writes elements as JSON with commas between them: numbers; booleans; NaN, infinities and 64-bit integers
 * beyond the safe ones as strings or, where they are to be literals, as what they are. Each takes `MOST_NUMBER_BYTES` and a comma at most.
 * @returns the position behind
 */
function putElements(
  out: Uint8Array,
  position: number,
  data: PrintableData,
  datatype: NumericDatatype,
  from: number,
  to: number,
  literal = false,
): number {
  switch (datatype) {
    case 'FP32':
      return putFloat32s(out, position, data as Float32Array, from, to);
    case 'INT64':
      return putIntegers64(out, position, data, from, to, true, literal);
    case 'UINT64':
      return putIntegers64(out, position, data, from, to, false, literal);
    case 'FP64':
      return putEach(out, position, data, from, to, putFloat64);
    case 'FP16':
      return putEach(out, position, data, from, to, putFloat16);
    case 'BOOL':
      return putEach(out, position, data, from, to, putBoolean);
    default:
      return putEach(out, position, data, from, to, putInteger);
  }
}

function putEach(
  out: Uint8Array,
  position: number,
  data: PrintableData,
  from: number,
  to: number,
  put: (out: Uint8Array, position: number, element: number) => number,
): number {
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    at = put(out, at, data[i]!);
  }
  return at;
}

function putBoolean(out: Uint8Array, position: number, element: number): number {
  return putAscii(out, position, element === 0 ? 'false' : 'true');
}

function putIntegers64(
  out: Uint8Array,
  position: number,
  halves: PrintableData,
  from: number,
  to: number,
  signed: boolean,
  literal: boolean,
): number {
  const quote = literal ? '' : '"';
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    const low = halves[2 * i]!;
    const half = halves[2 * i + 1]!;
    if (half === 0 && low >= 0) {
      at = putInteger(out, at, low);
      continue;
    }
    const high = signed ? half : half >>> 0;
    const value = high * 2 ** 32 + (low >>> 0);
    if (Number.isSafeInteger(value)) at = putInteger(out, at, value);
    else at = putAscii(out, at, `${quote}${(BigInt(high) << 32n) | BigInt(low >>> 0)}${quote}`);
  }
  return at;
}
