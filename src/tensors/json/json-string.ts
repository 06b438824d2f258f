import { isUtf8 } from 'node:buffer';
import { BACKSLASH, QUOTE, SPACE } from '../numbers/ascii';
import { endedEarly, invalidJson } from './json-fault';

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * Checks a string that begins (behind its opening quote) at `start`.
 * @returns the position of its closing quote
 * @throws invalid_json
 */
export function checkString(bytes: Buffer, start: number, end: number): number {
  let position = start;
  let plain = true;
  for (; position < end; position++) {
    const byte = bytes[position]!;
    if (byte === QUOTE) {
      if (!plain) checkUtf8(bytes, start, position);
      return position;
    }
    if (byte < SPACE) throw invalidJson(position, 'a control character in a string must be escaped');
    if (byte >= 0x80) plain = false;
    else if (byte === BACKSLASH) position += escapeLength(bytes, position, end) - 1;
  }
  throw endedEarly(end, 'the closing quote of a string');
}

function escapeLength(bytes: Buffer, position: number, end: number): number {
  const [, letter, ...digits] = bytes.toString('latin1', position, Math.min(position + 6, end));
  if (letter === undefined) throw endedEarly(end, 'the rest of an escape');
  if (letter !== 'u') {
    if (ESCAPES.has(letter)) return 2;
    throw invalidJson(position, `there is no escape "\\${letter}"`);
  }
  if (!digits.every((digit) => /[\da-f]/i.test(digit))) {
    throw invalidJson(position, 'expected four hexadecimal digits after "\\u"');
  }
  if (digits.length < 4) throw endedEarly(end, 'the rest of an escape');
  return 6;
}

function checkUtf8(bytes: Buffer, start: number, end: number): void {
  if (isUtf8(bytes.subarray(start, end))) return;
  throw invalidJson(utf8Fault(bytes, start, end), 'the bytes of the string are not UTF-8');
}

/** The first byte that is not well-formed UTF-8, found by halves: the time stays linear whatever is sent. */
function utf8Fault(bytes: Buffer, start: number, end: number): number {
  let from = start;
  let to = end;
  while (to - from > 8) {
    let middle = (from + to) >>> 1;
    for (let i = 0; i < 3 && (bytes[middle]! & 0xc0) === 0x80; i++) middle--;
    if (isUtf8(bytes.subarray(from, middle))) from = middle;
    else to = middle;
  }
  for (;;) {
    const lead = bytes[from]!;
    const next = from + (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
    if (!isUtf8(bytes.subarray(from, Math.min(next, end)))) return from;
    from = next;
  }
}

/** The text of a string that `checkString` has passed; `end` is its closing quote. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  let text = '';
  let from = start;
  for (let slash = nextBackslash(bytes, from, end); slash < end; slash = nextBackslash(bytes, from, end)) {
    if (slash > from) text += bytes.toString('utf8', from, slash);
    const letter = String.fromCharCode(bytes[slash + 1]!);
    if (letter === 'u') {
      text += String.fromCharCode(parseInt(bytes.toString('latin1', slash + 2, slash + 6), 16));
      from = slash + 6;
    } else {
      text += ESCAPES.get(letter)!;
      from = slash + 2;
    }
  }
  return from < end ? text + bytes.toString('utf8', from, end) : text;
}

function nextBackslash(bytes: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end && bytes[position] !== BACKSLASH) position++;
  return position;
}
