import * as ascii from './ascii';
import { digitCount, putAscii, putDecimal, putDigits, putFraction, putInteger } from './digit-printer';
import { halfToNumber } from './float16';

const { COMMA, MINUS } = ascii;

/** Room for any number printed here; the longest is a double, `-0.0000012345678901234567`. */
export const MOST_NUMBER_BYTES = 25;

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

const MINUS_ZERO_BITS = 0x80000000 | 0;

const LEAST_POWER = -31;
/** 10^-31 to 10^53: from the largest FP32 to the smallest, one of them makes it a number of nine digits. */
const POWERS = Float64Array.from({ length: 85 }, (_, i) => Number(`1e${i + LEAST_POWER}`));
/** By biased exponent: the power of ten that makes the least FP32 a number of nine digits. */
const FLOAT32_SCALES = Int8Array.from({ length: 255 }, (_, e) => 8 - Math.floor(Math.log10(2 ** (e - 127))));
/** By biased exponent: half the distance of two FP32s. */
const FLOAT32_HALF_STEPS = Float64Array.from({ length: 255 }, (_, e) => 2 ** (Math.max(e, 1) - 151));
/** By biased exponent: the power of ten that makes the least half a number of five digits; of subnormals, any. */
const FLOAT16_SCALES = Int8Array.from({ length: 31 }, (_, e) => 4 - Math.floor(Math.log10(2 ** (e - 15))));
/** By biased exponent: half the distance of two halves. */
const FLOAT16_HALF_STEPS = Float64Array.from({ length: 31 }, (_, e) => 2 ** (Math.max(e, 1) - 26));
const UNITS = Float64Array.from({ length: 10 }, (_, i) => 10 ** i);
/** More than two roundings can do to a number of nine digits. */
const DOUBT = 1e-6;
/** Powers of two as they are printed, by their biased exponent, once one has been. */
const powerTexts: string[] = [];

/**
 * Writes FP32s with commas between them, each with the fewest digits that read back to it; NaN and the
 * infinities as strings.
 *
 * Scaled to nine digits, which always do, a number is rounded to seven. If that lies farther from it than
 * half a step to the next FP32, to eight; otherwise to six, which tell all short decimals apart. Text helps
 * out where it is too close to call, and for powers of two, whose neighbours are not equally far. It is one
 * loop, as a call for each number would put it into an object on the heap.
 */
export function putFloat32s(
  out: Uint8Array,
  position: number,
  data: Float32Array,
  from: number,
  to: number,
): number {
  let at = position;
  for (let i = from; i < to; i++) {
    if (i > from) out[at++] = COMMA;
    const value = data[i]!;
    const whole = value | 0;
    single[0] = value;
    const bits = singleBits[0]!;
    if (whole === value && whole < 2 ** 24 && whole > -(2 ** 24) && bits !== MINUS_ZERO_BITS) {
      at = putInteger(out, at, whole);
      continue;
    }
    const exponent = (bits >>> 23) & 0xff;
    if (exponent === 0xff || exponent === 0 || (bits & 0x7fffff) === 0) {
      at = putSpecial(out, at, bits);
      continue;
    }
    if (bits < 0) out[at++] = MINUS;
    const magnitude = Math.abs(value);
    let scale = FLOAT32_SCALES[exponent]!;
    if (magnitude * POWERS[scale - LEAST_POWER]! >= 1e9) scale--;
    const scaled = magnitude * POWERS[scale - LEAST_POWER]!;
    const halfStep = FLOAT32_HALF_STEPS[exponent]! * POWERS[scale - LEAST_POWER]!;
    let point = 9 - scale;
    let size = 7;
    let nine = ((scaled * 1e-2 + 0.5) | 0) * 100;
    let distance = Math.abs(scaled - nine);
    if (distance < halfStep + DOUBT) {
      let six = (scaled * 1e-3 + 0.5) | 0;
      const sixDistance = Math.abs(scaled - six * 1000);
      if (sixDistance < halfStep + DOUBT) {
        // Only six digits can carry into a seventh, or end in zeros.
        if (six === 1e6) {
          six = 1e5;
          point++;
        }
        nine = six * 1000;
        distance = sixDistance;
        for (size = 6; six % 10 === 0; size--) six = (six / 10) | 0;
      }
    } else {
      size = 8;
      nine = ((scaled * 1e-1 + 0.5) | 0) * 10;
      distance = Math.abs(scaled - nine);
      if (distance >= halfStep + DOUBT) {
        size = 9;
        nine = (scaled + 0.5) | 0;
        distance = 0;
      }
    }
    if (distance > halfStep - DOUBT) at = putAscii(out, at, shortestFloat32(magnitude));
    else if (point <= 0) at = putFraction(out, at, nine, size, point);
    else at = putDecimal(out, at, nine, size, point);
  }
  return at;
}

/** Writes an FP32 that is a power of two, subnormal, -0 or not finite. */
function putSpecial(out: Uint8Array, position: number, bits: number): number {
  singleBits[0] = bits & 0x7fffffff;
  const magnitude = single[0]!;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0xff) return putNonFinite(out, position, bits < 0 ? -magnitude : magnitude);
  let at = position;
  if (bits < 0) out[at++] = MINUS;
  if (magnitude === 0) return putInteger(out, at, 0);
  if (exponent === 0) return putSubnormal(out, at, magnitude);
  return putAscii(out, at, (powerTexts[exponent] ??= shortestFloat32(magnitude)));
}

/** Writes one of the smallest numbers by the same way; of those, one digit may do. */
function putSubnormal(out: Uint8Array, position: number, magnitude: number): number {
  let scale = 46;
  while (magnitude * POWERS[scale - LEAST_POWER]! < 1e8) scale++;
  const scaled = magnitude * POWERS[scale - LEAST_POWER]!;
  const halfStep = 2 ** -150 * POWERS[scale - LEAST_POWER]!;
  for (let size = 1; size < 9; size++) {
    const unit = UNITS[9 - size]!;
    const nine = (Math.round(scaled / unit) * unit) | 0;
    const distance = Math.abs(scaled - nine);
    if (distance > halfStep + DOUBT) continue;
    if (distance > halfStep - DOUBT) break;
    if (nine === 1e9) return putDecimal(out, position, 1e8, 1, 10 - scale);
    return putDecimal(out, position, nine, size, 9 - scale);
  }
  return putAscii(out, position, shortestFloat32(magnitude));
}

/** Tries every number of digits by text, and the next decimal above, should the nearest lie too far below. */
function shortestFloat32(magnitude: number): string {
  for (let size = 1; size < 9; size++) {
    const [digits = '', exponent = ''] = magnitude.toExponential(size - 1).split('e');
    const whole = Number(digits.replace('.', ''));
    for (const candidate of [whole, whole + 1]) {
      const decimal = Number(`${candidate}e${Number(exponent) - size + 1}`);
      if (Math.fround(decimal) === magnitude) return String(decimal);
    }
  }
  return String(Number(magnitude.toPrecision(9)));
}

/** Writes the number of a binary16 pattern with the fewest digits that read back to the pattern. */
export function putFloat16(out: Uint8Array, position: number, half: number): number {
  if ((half & 0x7c00) === 0x7c00) return putNonFinite(out, position, halfToNumber(half));
  let at = position;
  if (half & 0x8000) out[at++] = MINUS;
  const pattern = half & 0x7fff;
  const magnitude = halfToNumber(pattern);
  const whole = magnitude | 0;
  if (whole === magnitude && whole < 2 ** 11) return putDigits(out, at, whole, digitCount(whole));
  // Scaled to five digits, which always do. All of this is exact; a border belongs to an even pattern.
  let scale = FLOAT16_SCALES[pattern >> 10]!;
  while (magnitude * POWERS[scale - LEAST_POWER]! < 1e4) scale++;
  if (magnitude * POWERS[scale - LEAST_POWER]! >= 1e5) scale--;
  const power = POWERS[scale - LEAST_POWER]!;
  const scaled = magnitude * power;
  const halfStep = FLOAT16_HALF_STEPS[pattern >> 10]! * power;
  const halfStepBelow = (pattern & 0x3ff) === 0 && pattern > 0x400 ? halfStep / 2 : halfStep;
  const even = pattern % 2 === 0;
  for (let dropped = 4; ; dropped--) {
    const unit = UNITS[dropped]!;
    let digits = (scaled / unit) | 0;
    const below = scaled - digits * unit;
    const above = unit - below;
    const fitsBelow = below < halfStepBelow || (below === halfStepBelow && even);
    const fitsAbove = above < halfStep || (above === halfStep && even);
    if (!fitsBelow && !fitsAbove) continue;
    if (!fitsBelow || (fitsAbove && above < below)) digits++;
    const point = digitCount(digits) + dropped - scale;
    while (digits % 10 === 0) digits = (digits / 10) | 0;
    const size = digitCount(digits);
    return putDecimal(out, at, (digits * UNITS[9 - size]!) | 0, size, point);
  }
}

/** Writes a double with the fewest digits that read back to it; NaN and the infinities as strings. */
export function putFloat64(out: Uint8Array, position: number, value: number): number {
  if (!Number.isFinite(value)) return putNonFinite(out, position, value);
  if ((value | 0) === value) return putInteger(out, position, value);
  return putAscii(out, position, String(value));
}

/** Writes NaN or an infinity as the string that stands for it. */
function putNonFinite(out: Uint8Array, position: number, value: number): number {
  return putAscii(out, position, value > 0 ? '"Infinity"' : value < 0 ? '"-Infinity"' : '"NaN"');
}
