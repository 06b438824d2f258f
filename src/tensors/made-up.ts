import { allocate, type NumericArray } from './datatype';
import { numberToHalf } from './numbers/float16';
import { elementCount } from './shape';
import type { Tensor } from './tensor';

/**
 * What made-up rows hold. `wide`: normally distributed floats, whole numbers of either sign, words. `narrow`: the same
 * floats, but whole numbers of 0 and 1, which are valid indices of nearly any table. `timid`: the row that the model is
 * known to run where there is one, and fractions of [0, 1), 0 and 1, one-letter words.
 */
export type ProbeStyle = 'wide' | 'narrow' | 'timid';
/** From those that tell most to those that most models take. */
export const PROBE_STYLES: readonly ProbeStyle[] = ['wide', 'narrow', 'timid'];

/** `wild` rows are thirty times as far from 0 as `plain` ones, `high` and `low` ones all on one side of it. */
export type ProbeKind = 'plain' | 'wild' | 'high' | 'low';
export const OUTLIERS: readonly ProbeKind[] = ['wild', 'high', 'low'];
const OUTLIER_SCALE = 30;

/** How a row is made up. */
export interface RowPlan {
  readonly style: ProbeStyle;
  readonly kind: ProbeKind;
  /** A different row for each. */
  readonly seed: number;
}

/** Elements that a made-up input may have: more are not tried, as only a request knows whether they are meant. */
export const MOST_MADE_UP_ELEMENTS = 2 ** 24;

/** A tensor of this shape, filled by the plan. */
export function madeUp(spec: Pick<Tensor, 'name' | 'datatype'>, shape: number[], plan: RowPlan): Tensor {
  const { name, datatype } = spec;
  const count = elementCount(shape);
  if (datatype === 'BYTES') {
    return { name, datatype, shape, data: Array.from({ length: count }, (_, i) => wordAt(i, plan)) };
  }
  const data = allocate(datatype, count);
  if (datatype === 'FP32' || datatype === 'FP64') fill(data, (i) => floatAt(i, plan));
  else if (datatype === 'FP16') fill(data, (i) => numberToHalf(floatAt(i, plan)));
  else if (datatype === 'BOOL' || plan.style !== 'wide') fill(data, (i) => switchAt(i, plan));
  else fill(data, (i) => integerAt(i, plan, datatype.startsWith('U')));
  return { name, datatype, shape, data };
}

function fill(data: NumericArray, elementAt: (index: number) => number): void {
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) {
    if (isBig) data[i] = BigInt(elementAt(i));
    else (data as Float64Array)[i] = elementAt(i);
  }
}

function floatAt(index: number, { style, kind, seed }: RowPlan): number {
  if (style === 'timid') return fractionAt(index, seed);
  const value = normalAt(index, seed);
  if (kind === 'plain') return value;
  if (kind === 'wild') return OUTLIER_SCALE * value;
  const size = OUTLIER_SCALE * (1 + Math.abs(value));
  return kind === 'high' ? size : -size;
}

/** In the same way; none is beyond 100, as it may be a size. */
function integerAt(index: number, { kind, seed }: RowPlan, unsigned: boolean): number {
  const fraction = fractionAt(index, seed);
  if (kind === 'plain' || kind === 'wild') {
    const size = 1 + Math.floor(fraction * (kind === 'plain' ? 3 : 99));
    return unsigned || bitAt(index, seed) === 0 ? size : -size;
  }
  const size = 50 + Math.floor(fraction * 50);
  return unsigned || kind === 'high' ? size : -size;
}

const WORDS = ['a', 'red', 'Nestor', 'two words', 'q7'];

function wordAt(index: number, { style, seed }: RowPlan): string {
  if (style !== 'wide') return bitAt(index, seed) ? 'a' : 'b';
  return WORDS[(scatter(index) + seed) % WORDS.length]!;
}

/** 0 or 1. */
function switchAt(index: number, { kind, seed }: RowPlan): number {
  if (kind === 'high') return 1;
  return kind === 'low' ? 0 : bitAt(index, seed);
}

/** 0 or 1, as if by chance; seeds that follow each other give opposite bits, so that such rows differ everywhere. */
function bitAt(index: number, seed: number): number {
  return (scatter(index) ^ seed) & 1;
}

/** As if of the normal distribution (Box and Muller 1958), and never 0. */
function normalAt(index: number, seed: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - fractionAt(2 * index, seed)));
  return (radius || 1) * Math.cos(2 * Math.PI * fractionAt(2 * index + 1, seed)) || 1;
}

/** A number of [0, 1), as if by chance. */
function fractionAt(index: number, seed: number): number {
  return scatter(index * 31 + seed * 7919 + 1) / 2 ** 32;
}

/** Spreads whole numbers over 32 bits (the finaliser of MurmurHash3, Appleby, public domain). */
function scatter(value: number): number {
  let hash = value + 0x9e3779b9;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
