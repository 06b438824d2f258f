import { isDigit, ZERO } from './ascii';

/** Beyond it, no number of 24 digits is a finite FP32 that is not zero. */
export const MOST_EXPONENT = 70;

/** Powers of ten as the nearest doubles; up to `EXACT_EXPONENT` they are exact. */
export const POWERS_OF_TEN = Float64Array.from({ length: MOST_EXPONENT + 1 }, (_, exponent) =>
  Number(`1e${exponent}`),
);

/** The largest exponent whose power of ten is a double without rounding. */
export const EXACT_EXPONENT = 22;

/** Above it, not every integer is a double. */
export const EXACT_INTEGERS = 2 ** 53;

/**
 * A double that gathers this many digits one by one (a dot among them) may have been rounded 18 times, the
 * power of ten and its product add two roundings, of 2^-53 each: less than `FLOAT_SLACK`. Where both ends
 * of that interval round to the same FP32, it is the one nearest to the number, and to its nearest double.
 */
export const FLOAT_DIGITS = 24;
export const FLOAT_SLACK = 2 ** -48;

/** As far as a decimal is scaled without its text; twice the digits of a double still are normal numbers. */
const FARTHEST_EXPONENT = 220;

/** More than ten scaling steps may be wrong by, in parts of the correction where it matters (2^-55). */
const CORRECTION_SLACK = 2 ** -40;

const SPLITTER = 2 ** 27 + 1;

/**
 * The double nearest to a decimal number of any length.
 * @param start the first digit; a dot may stand among them
 * @param digitsEnd behind the last digit
 * @param end behind the whole number, an exponent included
 * @param exponent the power of ten by which the digits, read as an integer, are multiplied
 */
export function nearestDouble(
  bytes: Buffer,
  start: number,
  digitsEnd: number,
  end: number,
  exponent: number,
): number {
  const value = longDecimal(bytes, start, digitsEnd, exponent);
  return value === value ? value : Number(bytes.toString('latin1', start, end));
}

/**
 * The double nearest to a decimal number of up to 19 digits, `NaN` where this way cannot tell.
 *
 * The digits, more than a double holds, are the sum of two doubles without an error. That sum is multiplied
 * or divided by exact powers of ten into a value and a correction (Dekker 1971), good to about 2^-100. Where
 * moving the correction by its possible error moves the value, it lies too near the middle of two doubles.
 */
function longDecimal(bytes: Uint8Array, start: number, end: number, exponent: number): number {
  let steps = Math.abs(exponent);
  if (steps > FARTHEST_EXPONENT) return NaN;
  let leading = 0;
  let trailing = 0;
  let shift = 1;
  for (let position = start; position < end; position++) {
    const byte = bytes[position]!;
    if (!isDigit(byte)) continue;
    if (leading < 1e14) {
      leading = leading * 10 + (byte - ZERO);
    } else {
      trailing = trailing * 10 + (byte - ZERO);
      shift *= 10;
    }
  }
  if (shift > 1e4) return NaN;

  let value = leading * shift;
  let correction = productError(leading, shift, value) + trailing;
  for (; steps > 0; steps -= EXACT_EXPONENT) {
    const high = value + correction;
    const low = correction - (high - value);
    const power = POWERS_OF_TEN[Math.min(steps, EXACT_EXPONENT)]!;
    if (exponent < 0) {
      value = high / power;
      const back = value * power;
      correction = (high - back - productError(value, power, back) + low) / power;
    } else {
      value = high * power;
      correction = productError(high, power, value) + low * power;
    }
  }
  const nearest = value + correction * (1 - CORRECTION_SLACK);
  return nearest === value + correction * (1 + CORRECTION_SLACK) ? nearest : NaN;
}

/** What rounding took from `a * b`: the exact product is `product` plus this. */
function productError(a: number, b: number, product: number): number {
  const aWide = SPLITTER * a;
  const aHigh = aWide - (aWide - a);
  const aLow = a - aHigh;
  const bWide = SPLITTER * b;
  const bHigh = bWide - (bWide - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** Is the JSON number whole? Its digits decide: as a double, 0.99999999999999999 would be. */
export function isWhole(text: string): boolean {
  const [digits = '', exponent = '0'] = text.split(/e/i);
  let last = digits.length - 1;
  while (last >= 0 && !/[1-9]/.test(digits.charAt(last))) last--;
  if (last < 0) return true;
  const dot = digits.indexOf('.');
  const units = dot === -1 ? digits.length - 1 : dot - 1;
  const place = last <= units ? units - last : units + 1 - last;
  return place + Number(exponent) >= 0;
}
