import * as ascii from './ascii';
import { digitCount, putAscii, putDecimal, putDigits, putInteger } from './digit-printer';
import { halfToNumber } from './float16';

const { MINUS } = ascii;

/** Room for any number printed here; the longest is a double, `-0.0000012345678901234567`. */
export const MOST_NUMBER_BYTES = 25;

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

const LEAST_SCALE = -31;
/** 10^-31 to 10^53: from the largest FP32 to the smallest, any of them scales to nine digits. */
const SCALES = Float64Array.from({ length: 85 }, (_, i) => Number(`1e${i + LEAST_SCALE}`));
/** By an FP32's biased exponent: the power of ten that makes the least such number one of nine digits. */
const SCALE_EXPONENTS = Int8Array.from({ length: 255 }, (_, e) => 8 - Math.floor(Math.log10(2 ** (e - 127))));
/** Half the distance between two FP32s of a biased exponent. */
const HALF_STEPS = Float64Array.from({ length: 255 }, (_, e) => 2 ** (Math.max(e, 1) - 151));
const UNITS = Float64Array.from({ length: 9 }, (_, i) => 10 ** i);
const PARTS = Float64Array.from({ length: 9 }, (_, i) => Number(`1e-${i}`));
/** More than two roundings can do to a number of nine digits. */
const DOUBT = 1e-6;
/** Powers of two as they are printed, by their biased exponent, once one has been. */
const powerTexts: string[] = [];

/**
 * Writes a finite FP32 with the fewest digits that read back to it.
 *
 * Scaled to nine digits, which always do, it is rounded to six (the least that tell all short decimals
 * apart; among subnormals, one), then to more, until it falls within half a step of the number. Text helps
 * out where that is too close to call, and for powers of two, whose neighbours are not equally far.
 */
export function putFloat32(out: Uint8Array, position: number, value: number): number {
  single[0] = value;
  const bits = singleBits[0]!;
  let at = position;
  if (bits < 0) out[at++] = MINUS;
  const magnitude = Math.abs(value);
  const whole = magnitude | 0;
  if (whole === magnitude && whole < 2 ** 24) return putDigits(out, at, whole, digitCount(whole));
  const exponent = (bits >>> 23) & 0xff;
  if ((bits & 0x7fffff) === 0) {
    return putAscii(out, at, (powerTexts[exponent] ??= shortestFloat32(magnitude)));
  }

  let scale = SCALE_EXPONENTS[exponent]!;
  let dropped = 3;
  if (exponent === 0) {
    scale = 46;
    dropped = 8;
    while (magnitude * SCALES[scale - LEAST_SCALE]! < 1e8) scale++;
  } else if (magnitude * SCALES[scale - LEAST_SCALE]! >= 1e9) {
    scale--;
  }
  const power = SCALES[scale - LEAST_SCALE]!;
  const scaled = magnitude * power;
  const halfStep = HALF_STEPS[exponent]! * power;
  let digits = 0;
  let distance = 0;
  const most = dropped;
  for (; ; dropped--) {
    digits = (scaled * PARTS[dropped]! + 0.5) | 0;
    distance = Math.abs(scaled - digits * UNITS[dropped]!);
    if (distance < halfStep + DOUBT) break;
  }
  if (distance > halfStep - DOUBT) return putAscii(out, at, shortestFloat32(magnitude));
  let size = 9 - dropped;
  let point = 9 - scale;
  if (dropped === most) {
    // Only here can there be zeros at the end, or a carry into one more digit.
    if (digits === UNITS[size]) point++;
    while (digits % 10 === 0) digits = (digits / 10) | 0;
    size = digitCount(digits);
  }
  return putDecimal(out, at, digits, size, point);
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

/** Writes the number of a finite binary16 pattern with the fewest digits that read back to the pattern. */
export function putFloat16(out: Uint8Array, position: number, half: number): number {
  let at = position;
  if (half & 0x8000) out[at++] = MINUS;
  const pattern = half & 0x7fff;
  const magnitude = halfToNumber(pattern);
  const whole = magnitude | 0;
  if (whole === magnitude && whole < 2 ** 11) return putDigits(out, at, whole, digitCount(whole));
  // Scaled to five digits, which always do. All of this is exact; a border belongs to an even pattern.
  let scale = 0;
  while (magnitude * SCALES[scale - LEAST_SCALE]! < 1e4) scale++;
  const power = SCALES[scale - LEAST_SCALE]!;
  const scaled = magnitude * power;
  const halfStep = 2 ** (Math.max(pattern >> 10, 1) - 26) * power;
  const halfStepBelow = (pattern & 0x3ff) === 0 && pattern > 0x400 ? halfStep / 2 : halfStep;
  const even = pattern % 2 === 0;
  for (let dropped = 4; ; dropped--) {
    const unit = UNITS[dropped]!;
    let digits = Math.floor(scaled / unit);
    const below = scaled - digits * unit;
    const above = unit - below;
    const fitsBelow = below < halfStepBelow || (below === halfStepBelow && even);
    const fitsAbove = above < halfStep || (above === halfStep && even);
    if (!fitsBelow && !fitsAbove) continue;
    if (!fitsBelow || (fitsAbove && above < below)) digits++;
    const point = digitCount(digits) + dropped - scale;
    while (digits % 10 === 0) digits /= 10;
    return putDecimal(out, at, digits, digitCount(digits), point);
  }
}

/** Writes a finite double with the fewest digits that read back to it. */
export function putFloat64(out: Uint8Array, position: number, value: number): number {
  const whole = value | 0;
  if (whole === value) return putInteger(out, position, value);
  return putAscii(out, position, String(value));
}

/** Writes NaN or an infinity as the string that stands for it. */
export function putNonFinite(out: Uint8Array, position: number, value: number): number {
  return putAscii(out, position, value > 0 ? '"Infinity"' : value < 0 ? '"-Infinity"' : '"NaN"');
}
