/** The largest number that rounds to a finite half: below the middle between 65504 and the next power of two. */
export const HALF_LIMIT = 65520;

const HALF_INFINITY = 0x7c00;
const HALF_NAN = 0x7e00;
const SMALLEST_NORMAL = 2 ** -14;
const SMALLEST_SUBNORMAL = 2 ** -24;

const POWERS_OF_TWO = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (exponent - 25));

/** The number that an IEEE 754 binary16 pattern stands for. */
export function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  let magnitude: number;
  if (exponent === 0) magnitude = fraction * SMALLEST_SUBNORMAL;
  else if (exponent === 0x1f) magnitude = fraction === 0 ? Infinity : NaN;
  else magnitude = (0x400 + fraction) * POWERS_OF_TWO[exponent]!;
  return (half & 0x8000) === 0 ? magnitude : -magnitude;
}

const double = new Float64Array(1);
// The second is the high one: ONNX Runtime's platforms are all little-endian.
const words = new Int32Array(double.buffer);

/**
 * The binary16 pattern nearest to a double, ties to even, in one rounding (by way of FP32 there would be
 * two); from `HALF_LIMIT` on an infinity.
 */
export function numberToHalf(value: number): number {
  double[0] = value;
  const high = words[1]!;
  const sign = (high >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude >= HALF_LIMIT) return sign | HALF_INFINITY;
  if (magnitude < SMALLEST_NORMAL) {
    // One unit of 2^28 as a double is the spacing of the subnormals: the addition rounds.
    return sign | ((magnitude + 2 ** 28 - 2 ** 28) / SMALLEST_SUBNORMAL);
  }
  if (value !== value) return HALF_NAN;
  // 1 to 31, as halves have it. The sum's last bit is the half's, 2^(exponent - 25).
  const exponent = ((high >>> 20) & 0x7ff) - 1023 + 15;
  const spacing = POWERS_OF_TWO[exponent]!;
  const rounder = spacing * 2 ** 52;
  const steps = (magnitude + rounder - rounder) / spacing;
  // 1024 steps are the leading bit; rounding up to 2048 carries into the exponent, as it must.
  return sign | (((exponent - 1) << 10) + steps);
}
