import { isUtf8 } from 'node:buffer';
import { BACKSLASH, QUOTE, SPACE } from '../numbers/ascii';
import { endedEarly, invalidJson } from './json-fault';

const LOWER_U = 0x75;
const HIGH_SURROGATES = 0xd800;
const LOW_SURROGATES = 0xdc00;
const LAST_SURROGATE = 0xdfff;

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

/**
 * The text of a string that `checkString` has passed; `end` is its closing quote.
 * @throws invalid_json for half of a surrogate pair, which no UTF-8 can carry: it would become another character
 */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  let text = '';
  let from = start;
  for (let slash = nextBackslash(bytes, from, end); slash < end; slash = nextBackslash(bytes, from, end)) {
    if (slash > from) text += bytes.toString('utf8', from, slash);
    const letter = String.fromCharCode(bytes[slash + 1]!);
    if (letter === 'u') {
      const unit = codeUnitAt(bytes, slash);
      from = slash + 6;
      if (isSurrogate(unit)) {
        const low = from < end ? codeUnitAt(bytes, from) : 0;
        if (unit >= LOW_SURROGATES || low < LOW_SURROGATES || !isSurrogate(low))
          throw invalidJson(slash, 'half of a surrogate pair is no character');
        text += String.fromCharCode(unit, low);
        from += 6;
      } else {
        text += String.fromCharCode(unit);
      }
    } else {
      text += ESCAPES.get(letter)!;
      from = slash + 2;
    }
  }
  return from < end ? text + bytes.toString('utf8', from, end) : text;
}

/** Of `\uXXXX` at that place; 0 where another character or escape stands. */
function codeUnitAt(bytes: Buffer, position: number): number {
  if (bytes[position] !== BACKSLASH || bytes[position + 1] !== LOWER_U) return 0;
  return parseInt(bytes.toString('latin1', position + 2, position + 6), 16);
}

function isSurrogate(unit: number): boolean {
  return unit >= HIGH_SURROGATES && unit <= LAST_SURROGATE;
}

function nextBackslash(bytes: Buffer, from: number, end: number): number {
  let position = from;
  while (position < end && bytes[position] !== BACKSLASH) position++;
  return position;
}
