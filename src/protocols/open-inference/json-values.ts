import { DomainError } from '../../errors/domain-error';
import { isDigit, LOWER_N, MINUS, ZERO } from '../../tensors/numbers/ascii';
import { kindOf } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';

/** The most digits that are surely a safe integer. */
const SAFE_DIGITS = 15;

/** `read` unless the value is `null`, which some clients send for what they leave out. */
export function readOptional<T>(reader: JsonReader, read: (reader: JsonReader) => T): T | undefined {
  if (reader.peek() !== LOWER_N) return read(reader);
  reader.readNull();
  return undefined;
}

/**
 * A whole number of at least 0.
 * @throws invalid_request naming `what` for any other number
 */
export function readWholeNumber(reader: JsonReader, what: string, most: number): number {
  const start = reader.position;
  const first = reader.peek();
  const kind = first === MINUS || isDigit(first) ? undefined : kindOf(first);
  if (kind !== undefined) {
    throw new DomainError(
      'invalid_request',
      `${what} at position ${reader.position}: expected a number, a whole one from 0 to ${most}, found ${kind}.`,
    );
  }
  const value = readDigits(reader) ?? reader.readNumber();
  if (Number.isInteger(value) && value >= 0 && value <= most) return value + 0;
  throw new DomainError(
    'invalid_request',
    `${what} before position ${reader.position}: expected a whole number from 0 to ${most}, found ${reader.bytes.toString('latin1', start, Math.min(reader.position, start + 40)).trim()}.`,
  );
}

/** A short number of digits alone, without a text in between; undefined, and nothing read, for any other value. */
function readDigits(reader: JsonReader): number | undefined {
  let byte = reader.peek();
  const { bytes, end } = reader;
  const start = reader.position;
  let position = start;
  let value = 0;
  while (isDigit(byte)) {
    value = value * 10 + (byte - ZERO);
    position++;
    byte = position < end ? bytes[position]! : -1;
  }
  const digits = position - start;
  const leadingZero = digits > 1 && bytes[start] === ZERO;
  // A dot or an exponent goes on with the number.
  if (digits === 0 || digits > SAFE_DIGITS || leadingZero || byte === 0x2e || (byte | 0x20) === 0x65) {
    return undefined;
  }
  reader.position = position;
  return value;
}
