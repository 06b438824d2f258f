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
  let magnitude = value;
  if (value < 0 || Object.is(value, -0)) {
    out[position++] = MINUS;
    magnitude = -value;
  }
  if (magnitude < 1e9) return putDigits(out, position, magnitude, digitCount(magnitude));
  const high = Math.floor(magnitude / 1e9);
  const end = putDigits(out, position, high, digitCount(high));
  return putDigits(out, end, magnitude - high * 1e9, 9);
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

/**
 * Writes `0.<digits> * 10^point` in JavaScript's form.
 * @param digits an integer of `size` digits, at most 9, without zeros at its end
 */
export function putDecimal(
  out: Uint8Array,
  position: number,
  digits: number,
  size: number,
  point: number,
): number {
  if (point > 0 && point <= MOST_PLAIN_DIGITS) {
    if (point >= size) return putZeros(out, putDigits(out, position, digits, size), point - size);
    // All digits one place too far right, then those before the point one back.
    const end = putDigits(out, position + 1, digits, size);
    for (let i = position; i < position + point; i++) out[i] = out[i + 1]!;
    out[position + point] = DOT;
    return end;
  }
  if (point <= 0 && point >= -MOST_PLAIN_ZEROS) {
    out[position] = ZERO;
    out[position + 1] = DOT;
    return putDigits(out, putZeros(out, position + 2, -point), digits, size);
  }
  let end = putDigits(out, position + 1, digits, size);
  out[position] = out[position + 1]!;
  if (size === 1) end--;
  else out[position + 1] = DOT;
  const exponent = point - 1;
  out[end] = LOWER_E;
  out[end + 1] = exponent < 0 ? MINUS : PLUS;
  return putDigits(out, end + 2, Math.abs(exponent), digitCount(Math.abs(exponent)));
}

function putZeros(out: Uint8Array, position: number, count: number): number {
  for (let i = 0; i < count; i++) out[position++] = ZERO;
  return position;
}
