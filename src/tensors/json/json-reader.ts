import { DomainError } from '../../errors/domain-error';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DOT,
  isDigit,
  isWhiteSpace,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  QUOTE,
  SPACE,
  ZERO,
} from '../numbers/ascii';
import { endedEarly, invalidJson, kindAt, kindOf, nameByte, quote } from './json-fault';
import type { JsonValue } from '../../config/yaml/json-value';
import { checkString, decodeString } from './json-string';

/** How deep arrays and objects may nest, in all. */
export const MAX_DEPTH = 64;

const LEAST_VIEW_BYTES = 256;
const EMPTY_VIEW = new DataView(new ArrayBuffer(0));

const NON_FINITE = /^-?(nan|inf(inity)?)/i;

/**
 * A strict RFC 8259 cursor over UTF-8 bytes: what it passes over has been checked. Positions count bytes
 * from the start of the buffer. Every method but `seek` throws `invalid_json` where the document is not
 * JSON, and `invalid_request` where it holds another kind of value than the one asked for.
 *
 * The keys of an object may come in any order: keep the `position` of a value, `skipValue()` it, and
 * `seek()` there once what it needs is known.
 */
export class JsonReader {
  /** The next byte to read. */
  position: number;
  /** Behind the last byte of the document, white space at its end left out. */
  readonly end: number;
  /**
   * Ends the document in a bracket or brace, as all but scalars and broken ones do? Then a loop that only
   * passes over numbers, commas and white space stops before `end` without looking at it.
   */
  readonly closed: boolean;
  private depth = 0;
  /** Just behind an opening bracket or brace, where no comma is due. */
  private fresh = false;
  private dataView: DataView | undefined;

  constructor(
    readonly bytes: Buffer,
    start = 0,
    end = bytes.length,
  ) {
    let last = end - 1;
    while (last >= start && isWhiteSpace(bytes[last]!)) last--;
    this.position = start;
    this.end = last + 1;
    this.closed = last >= start && (bytes[last] === CLOSE_BRACKET || bytes[last] === CLOSE_BRACE);
  }

  /** The whole buffer, for loads of several bytes at once; empty where so few bytes do not repay its making. */
  get view(): DataView {
    return (this.dataView ??= this.bytes.length < LEAST_VIEW_BYTES ? EMPTY_VIEW : viewBytes(this.bytes));
  }

  /** Passes over white space; the next byte, -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let position = this.position;
    let byte = -1;
    while (position < end) {
      byte = bytes[position]!;
      if (byte > SPACE || !isWhiteSpace(byte)) break;
      position++;
      byte = -1;
    }
    this.position = position;
    return byte;
  }

  /** Goes to the start of a value met before, or back to behind one. */
  seek(position: number): void {
    this.position = position;
    this.fresh = false;
  }

  enterObject(): void {
    this.enter(OPEN_BRACE, 'an object');
  }

  /** The next key of the object, the cursor then standing at its value; undefined behind the closing brace. */
  nextKey(): string | undefined {
    if (!this.nextItem(CLOSE_BRACE, '"," or "}"')) return undefined;
    if (this.peek() !== QUOTE) this.fail('a key in double quotes');
    const key = this.readName();
    if (this.peek() !== COLON) this.fail('":"');
    this.position++;
    return key;
  }

  enterArray(): void {
    this.enter(OPEN_BRACKET, 'an array');
  }

  /** Does another element follow? If not, the cursor stands behind the closing bracket. */
  nextElement(): boolean {
    return this.nextItem(CLOSE_BRACKET, '"," or "]"');
  }

  readString(): string {
    return this.readText(false);
  }

  /** A string that is the name of something, and so comes again and again. */
  readName(): string {
    return this.readText(true);
  }

  /** A number as the nearest double; beyond its range, an infinity. */
  readNumber(): number {
    const first = this.peek();
    if (first !== MINUS && !isDigit(first)) this.failKind('a number');
    const { bytes, end } = this;
    const start = this.position;
    let whole = 0;
    let position = start;
    while (position < end && isDigit(bytes[position]!)) whole = whole * 10 + (bytes[position++]! - ZERO);
    this.skipNumber();
    // Digits alone, and few enough to be exact: most of the numbers outside of tensors.
    if (this.position === position && position - start <= 15) return whole;
    return Number(bytes.toString('latin1', start, this.position));
  }

  readBoolean(): boolean {
    const first = this.peek();
    if (first !== LOWER_T && first !== LOWER_F) this.failKind('true or false');
    this.skipLiteral(first);
    return first === LOWER_T;
  }

  readNull(): null {
    if (this.peek() !== LOWER_N) this.failKind('null');
    this.skipLiteral(LOWER_N);
    return null;
  }

  /**
   * Any value, for the small parts of a document. A key given twice is refused.
   * @param maxDepth how deep arrays and objects may nest in it; 0 allows none
   */
  readValue(maxDepth = MAX_DEPTH): JsonValue {
    const first = this.peek();
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (maxDepth === 0) throw invalidJson(this.position, 'the value is nested too deep');
      return first === OPEN_BRACE ? this.readObject(maxDepth - 1) : this.readArray(maxDepth - 1);
    }
    if (first === QUOTE) return this.readString();
    if (first === LOWER_T || first === LOWER_F) return this.readBoolean();
    if (first === LOWER_N) return this.readNull();
    if (kindOf(first) === undefined) this.fail('a value');
    const start = this.position;
    const value = this.readNumber();
    if (Number.isFinite(value)) return value;
    const digits = this.bytes.toString('latin1', start, Math.min(this.position, start + LONGEST_NAME));
    throw new DomainError(
      'out_of_range',
      `The number ${digits} at position ${start} is beyond what a double holds.`,
    );
  }

  /** Passes over a value, checking all of it. */
  skipValue(): void {
    const around: number[] = [];
    for (;;) {
      const first = this.peek();
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        this.enter(first, 'a value');
        around.push(first);
      } else {
        this.skipScalar(first);
      }
      for (;;) {
        const innermost = around[around.length - 1];
        if (innermost === undefined) return;
        if (innermost === OPEN_BRACE ? this.nextKey() !== undefined : this.nextElement()) break;
        around.pop();
      }
    }
  }

  /** Passes over a number, checking its grammar; the cursor must stand at it. */
  skipNumber(): void {
    const { bytes, end } = this;
    let position = this.position;
    if (bytes[position] === MINUS) position++;
    if (position < end && bytes[position] === ZERO) position++;
    else position = this.skipDigits(position);
    if (position < end && bytes[position] === DOT) position = this.skipDigits(position + 1);
    if (position < end && (bytes[position]! | 0x20) === LOWER_E) {
      position++;
      if (position < end && (bytes[position] === PLUS || bytes[position] === MINUS)) position++;
      position = this.skipDigits(position);
    }
    this.position = position;
  }

  /** Nothing but white space may follow. */
  expectEnd(): void {
    if (this.peek() !== -1) this.fail('the end of the document');
  }

  /** @throws invalid_json, with what stands at the cursor */
  fail(expected: string): never {
    if (this.position >= this.end) throw endedEarly(this.end, expected);
    if (NON_FINITE.test(this.bytes.toString('latin1', this.position, this.position + 4))) {
      throw invalidJson(this.position, 'NaN and infinities are written as "NaN", "Infinity" and "-Infinity"');
    }
    throw invalidJson(this.position, `expected ${expected}, found ${nameByte(this.bytes, this.position)}`);
  }

  private readText(isName: boolean): string {
    if (this.peek() !== QUOTE) this.failKind('a string');
    const { bytes, end } = this;
    const start = this.position + 1;
    let position = start;
    while (position < end) {
      const byte = bytes[position]!;
      if (byte === QUOTE) {
        this.position = position + 1;
        return isName ? nameAt(bytes, start, position) : bytes.toString('latin1', start, position);
      }
      if (byte < SPACE || byte >= 0x80 || byte === BACKSLASH) break;
      position++;
    }
    const close = checkString(bytes, start, end);
    this.position = close + 1;
    return decodeString(bytes, start, close);
  }

  private enter(opening: number, expected: string): void {
    if (this.peek() !== opening) this.failKind(expected);
    if (++this.depth > MAX_DEPTH) {
      throw invalidJson(this.position, `arrays and objects are nested deeper than ${MAX_DEPTH}`);
    }
    this.position++;
    this.fresh = true;
  }

  private nextItem(closing: number, expected: string): boolean {
    const byte = this.peek();
    const fresh = this.fresh;
    this.fresh = false;
    if (byte === closing) {
      this.position++;
      this.depth--;
      return false;
    }
    if (fresh) return true;
    if (byte !== COMMA) this.fail(expected);
    this.position++;
    return true;
  }

  private readObject(maxDepth: number): JsonValue {
    const object = Object.create(null) as { [key: string]: JsonValue };
    this.enterObject();
    for (let key = this.nextKey(); key !== undefined; key = this.nextKey()) {
      if (key in object) throw invalidJson(this.position, `the key ${quote(key)} is given twice`);
      object[key] = this.readValue(maxDepth);
    }
    return object;
  }

  private readArray(maxDepth: number): JsonValue {
    const values: JsonValue[] = [];
    this.enterArray();
    while (this.nextElement()) values.push(this.readValue(maxDepth));
    return values;
  }

  private skipScalar(first: number): void {
    if (first === QUOTE) this.position = checkString(this.bytes, this.position + 1, this.end) + 1;
    else if (first === MINUS || isDigit(first)) this.skipNumber();
    else this.skipLiteral(first);
  }

  private skipDigits(from: number): number {
    const { bytes, end } = this;
    let position = from;
    while (position < end && isDigit(bytes[position]!)) position++;
    if (position > from) return position;
    this.position = position;
    return this.fail('a digit');
  }

  private skipLiteral(first: number): void {
    const literal =
      first === LOWER_T ? 'true' : first === LOWER_F ? 'false' : first === LOWER_N ? 'null' : '';
    if (literal === '') this.fail('a value');
    for (let i = 0; i < literal.length; i++, this.position++) {
      if (this.position === this.end || this.bytes[this.position] !== literal.charCodeAt(i))
        this.fail(literal);
    }
  }

  /** The next byte does not begin the kind of value that is wanted. */
  private failKind(expected: string): never {
    this.peek();
    const found = kindAt(this.bytes, this.position);
    if (found === undefined) return this.fail(expected);
    throw new DomainError(
      'invalid_request',
      `Expected ${expected} at position ${this.position}, found ${found}.`,
    );
  }
}

function viewBytes({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

const LONGEST_NAME = 32;
const NAME_SLOTS = 256;

/** Names met lately, each in the one place that is its. */
const names = new Array<string>(NAME_SLOTS).fill('');

/**
 * The text of ASCII bytes that are the name of something. Keys, tensors and datatypes come again and again,
 * and to find a name takes a fifth of the time of making it.
 */
export function nameAt(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > LONGEST_NAME) return bytes.toString('latin1', start, end);
  const slot = (length * 31 + bytes[start]! * 7 + bytes[end - 1]!) % NAME_SLOTS;
  const known = names[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  return (names[slot] = bytes.toString('latin1', start, end));
}
