import { DomainError } from '../../errors/domain-error';
import {
  isDigit,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from '../numbers/ascii';

/** A fault in a document's syntax, at a byte of the buffer that holds it. */
export function invalidJson(position: number, message: string): DomainError {
  return new DomainError('invalid_json', `Invalid JSON at position ${position}: ${message}.`);
}

export function endedEarly(position: number, expected: string): DomainError {
  return invalidJson(position, `the document ended early, expected ${expected}`);
}

/** What kind of value a byte begins; undefined when none does. */
export function kindOf(first: number): string | undefined {
  if (first === QUOTE) return 'a string';
  if (first === OPEN_BRACE) return 'an object';
  if (first === OPEN_BRACKET) return 'an array';
  if (first === MINUS || isDigit(first)) return 'a number';
  if (first === LOWER_T) return 'true';
  if (first === LOWER_F) return 'false';
  if (first === LOWER_N) return 'null';
  return undefined;
}

/** The same of what stands at a place: `text=...`, as a form has it, begins as `true` does, and is nothing. */
export function kindAt(bytes: Buffer, position: number): string | undefined {
  const kind = kindOf(bytes[position] ?? -1);
  const isWord = kind === 'true' || kind === 'false' || kind === 'null';
  return isWord && bytes.toString('latin1', position, position + kind.length) !== kind ? undefined : kind;
}

/** A byte as people read it. */
export function nameByte(bytes: Buffer, position: number): string {
  const byte = bytes[position]!;
  if (byte === QUOTE) return `'"'`;
  if (byte > SPACE && byte < 0x7f) return `"${String.fromCharCode(byte)}"`;
  if (byte === 0xef && bytes[position + 1] === 0xbb) return 'a byte order mark';
  return `byte 0x${byte.toString(16).padStart(2, '0')}`;
}

/** A text for an error message, in quotes, and cut so that it does not flood it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
