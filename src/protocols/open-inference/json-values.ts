import { DomainError } from '../../errors/domain-error';
import { isDigit, LOWER_N, MINUS, ZERO, OPEN_BRACKET } from '../../tensors/numbers/ascii';
import { kindOf } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import { acquireInput } from '../../tensors/array-pool';
import type { TensorData } from '../../tensors/datatype';
import { printShape, type Shape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { readTensorData } from '../../tensors/json/tensor-reader';
import { inputFault } from './faults';

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

/** What FP16 is refused with wherever it would have to be JSON. */
export const NO_JSON_FP16 = 'FP16 has no JSON form in this protocol';

/**
 * Reads the `data` of an input at the cursor: its `count` elements in row-major order, in one flat array or
 * nested as its shape is.
 * @throws shape_mismatch for another number of elements or another nesting; wrong_datatype for FP16; what
 *   `readTensorData` throws
 */
export function readJsonData(reader: JsonReader, spec: TensorSpec, shape: Shape, count: number): TensorData {
  const { name, datatype } = spec;
  if (datatype === 'FP16') {
    throw inputFault(
      'wrong_datatype',
      name,
      `${NO_JSON_FP16}; send it in binary, with parameters.binary_data_size and the header Inference-Header-Content-Length`,
    );
  }
  if (shape.length > 0 && reader.peek() !== OPEN_BRACKET) reader.enterArray();
  // An element takes two bytes at the least: a shape that promises more than there can be costs nothing.
  const { data, shape: nesting } = readTensorData(reader, datatype, name, {
    expectedCount: count,
    maxCount: count,
    allocate: acquireInput,
  });
  if (data.length !== count) {
    throw inputFault(
      'shape_mismatch',
      name,
      `shape ${printShape(shape)} takes ${count} elements, data has ${data.length}`,
    );
  }
  if (count > 0 && nesting.length > 1 && !sameButForOnes(nesting, shape)) {
    throw inputFault(
      'shape_mismatch',
      name,
      `data is nested as ${printShape(nesting)}, which contradicts its shape ${printShape(shape)}`,
    );
  }
  return data;
}

/** Are two shapes the same once dimensions of 1, which change no order, are left out? */
function sameButForOnes(a: Shape, b: Shape): boolean {
  let i = 0;
  let j = 0;
  for (;;) {
    while (a[i] === 1) i++;
    while (b[j] === 1) j++;
    if (i === a.length || j === b.length) return i === a.length && j === b.length;
    if (a[i++] !== b[j++]) return false;
  }
}
