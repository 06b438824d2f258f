import * as ascii from './ascii';

const { DOT, LOWER_E, MINUS, PLUS, ZERO } = ascii;

/** "00" to "99", one behind the other. */
const PAIRS = Uint8Array.from(
  { length: 200 },
  (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10),
);

/** From here on numbers are written with an exponent, as in JavaScript; likewise below 1e-6. */
const MOST_PLAIN_DIGITS = 21;
const MOST_PLAIN_ZEROS = 5;

// All functions here write at a position of a buffer that has the room, and return the position behind.

export function putAscii(out: Uint8Array, position: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[position++] = text.charCodeAt(i);
  return position;
}

/** Writes a safe integer; -0 as `-0`. */
export function putInteger(out: Uint8Array, position: number, value: number): number {
  let at = position;
  let magnitude = value;
  if (value < 0 || (value === 0 && 1 / value < 0)) {
    out[at++] = MINUS;
    magnitude = -value;
  }
  if (magnitude < 1e9) return putDigits(out, at, magnitude, digitCount(magnitude));
  const high = Math.floor(magnitude / 1e9);
  at = putDigits(out, at, high, digitCount(high));
  return putDigits(out, at, magnitude - high * 1e9, 9);
}

/** How many digits an integer of 0 to 10^9 has. */
export function digitCount(value: number): number {
  if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1e6) return value < 1e5 ? 5 : 6;
  if (value < 1e8) return value < 1e7 ? 7 : 8;
  return value < 1e9 ? 9 : 10;
}

/** Writes the last `size` digits of an integer below 2^31. */
export function putDigits(out: Uint8Array, position: number, value: number, size: number): number {
  const end = position + size;
  let rest = value | 0;
  let at = end;
  while (at - position >= 2) {
    const quotient = (rest / 100) | 0;
    const pair = 2 * (rest - quotient * 100);
    out[--at] = PAIRS[pair + 1]!;
    out[--at] = PAIRS[pair]!;
    rest = quotient;
  }
  if (at > position) out[position] = ZERO + (rest % 10);
  return end;
}

// A decimal is `0.<digits> * 10^point`, its digits an integer of nine: the first `size` of them count, the
// others are zeros, and may be left behind the end. It is written in JavaScript's form.

export function putDecimal(
  out: Uint8Array,
  position: number,
  nine: number,
  size: number,
  point: number,
): number {
  if (point <= 0) return putFraction(out, position, nine, size, point);
  if (point > MOST_PLAIN_DIGITS) return putScientific(out, position, nine, size, point);
  if (point < size) return putMixed(out, position, nine, size, point);
  putNine(out, position, nine);
  return putZeros(out, position + size, point - size);
}

/** Writes a decimal below 1. */
export function putFraction(
  out: Uint8Array,
  position: number,
  nine: number,
  size: number,
  point: number,
): number {
  if (point < -MOST_PLAIN_ZEROS) return putScientific(out, position, nine, size, point);
  out[position] = ZERO;
  out[position + 1] = DOT;
  // Not `-point`: of zero, that is no integer to the compiler.
  const at = putZeros(out, position + 2, 0 - point);
  putNine(out, at, nine);
  return at + size;
}

/** Writes a decimal of which `point` digits stand before the dot, and more behind it. */
function putMixed(out: Uint8Array, position: number, nine: number, size: number, point: number): number {
  putNine(out, position + 1, nine);
  for (let i = position; i < position + point; i++) out[i] = out[i + 1]!;
  out[position + point] = DOT;
  return position + 1 + size;
}

function putScientific(out: Uint8Array, position: number, nine: number, size: number, point: number): number {
  let at = putMixed(out, position, nine, size, 1);
  if (size === 1) at--;
  const exponent = point - 1;
  out[at] = LOWER_E;
  out[at + 1] = exponent < 0 ? MINUS : PLUS;
  return putDigits(out, at + 2, Math.abs(exponent), digitCount(Math.abs(exponent)));
}

/** Writes nine digits, each pair without waiting for the one before. */
function putNine(out: Uint8Array, position: number, nine: number): void {
  const first = (nine / 1e8) | 0;
  const eight = nine - first * 1e8;
  const high = (eight / 10_000) | 0;
  const low = eight - high * 10_000;
  const second = (high / 100) | 0;
  const fourth = (low / 100) | 0;
  const third = high - second * 100;
  const fifth = low - fourth * 100;
  out[position] = ZERO + first;
  out[position + 1] = PAIRS[2 * second]!;
  out[position + 2] = PAIRS[2 * second + 1]!;
  out[position + 3] = PAIRS[2 * third]!;
  out[position + 4] = PAIRS[2 * third + 1]!;
  out[position + 5] = PAIRS[2 * fourth]!;
  out[position + 6] = PAIRS[2 * fourth + 1]!;
  out[position + 7] = PAIRS[2 * fifth]!;
  out[position + 8] = PAIRS[2 * fifth + 1]!;
}

function putZeros(out: Uint8Array, position: number, count: number): number {
  for (let i = 0; i < count; i++) out[position + i] = ZERO;
  return position + count;
}
