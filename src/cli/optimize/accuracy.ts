import type { Tensor } from '../../tensors/tensor';
import { type Joining, maskOf, type Row } from './rows';

/** What an output is: that says what counts of it. */
export type Kind =
  /** The direction counts. */
  | 'vector'
  /** The largest counts, once. */
  | 'classes'
  /** The largest counts, at each step. */
  | 'steps'
  /** Every number counts. */
  | 'numbers';

/** How far answers are from the original's, over all rows: of several outputs, the worst. */
export interface Accuracy {
  readonly rows: number;
  /** Cosine of the angle between the answers, its mean and its worst. */
  readonly cos: number;
  readonly cosMin: number;
  /** The largest difference, in parts of the row's largest number. */
  readonly maxRelative: number;
  /** Where the largest is the same: all, and those that the original is sure of. */
  readonly top1?: number;
  readonly top1Sure?: number;
  /** How sure the original was, at most, where another one is the largest. */
  readonly flippedMargin?: number;
  /** Rows whose nearest neighbour is the same, and how alike the order of all distances is (Spearman). */
  readonly nearest?: number;
  readonly spearman?: number;
}

/** The original is sure of a class that is so much more probable than the next. */
const SURE = 0.1;
/** Fewer have no neighbours to speak of. */
const MANY_ROWS = 8;
/** A row of fewer numbers has no direction of its own. */
const FEW = 4;
/** A row whose largest number is such a part of that of all rows. */
const NEXT_TO_NOTHING = 1e-3;

/** What is known of a model's outputs before it runs. */
export interface Nature {
  /** By name, as far as `model.yaml` declares them. */
  readonly declared: ReadonlyMap<string, Kind>;
  /** Where it stands what is put beside a shorter row. */
  readonly side: Joining['side'];
}

/** Compares the answers of another form of a model with its own. */
export function accuracyOf(
  rows: readonly Row[],
  ours: readonly (readonly Tensor[])[],
  theirs: readonly (readonly Tensor[])[],
  { declared, side }: Nature,
): Accuracy {
  const found: Accuracy[] = [];
  (ours[0] ?? []).forEach(({ name, datatype }, output) => {
    if (datatype !== 'FP32' && datatype !== 'FP64') return;
    const first = ours[0]![output]!;
    const kind = declared.get(name) ?? kindOf(first, rows[0] ?? []);
    const flat = (answers: readonly (readonly Tensor[])[]): Floats[] =>
      rows.map((row, i) => numbersOf(answers[i]![output]!, row, kind, side));
    found.push(compare(flat(ours), flat(theirs), kind, first.shape.at(-1) ?? 1));
  });
  const worst = (
    key: Exclude<keyof Accuracy, 'rows'>,
    of: (...values: number[]) => number,
  ): number | undefined => {
    const values = found.flatMap((one) => one[key] ?? []);
    return values.length === 0 ? undefined : of(...values);
  };
  const [least, most] = [Math.min, Math.max];
  return {
    rows: rows.length,
    cos: worst('cos', least) ?? 1,
    cosMin: worst('cosMin', least) ?? 1,
    maxRelative: worst('maxRelative', most) ?? 0,
    ...defined({
      top1: worst('top1', least),
      top1Sure: worst('top1Sure', least),
      flippedMargin: worst('flippedMargin', most),
      nearest: worst('nearest', least),
      spearman: worst('spearman', least),
    }),
  };
}

type Floats = Float32Array | Float64Array;

function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function kindOf({ shape }: Tensor, row: Row): Kind {
  if (shape.length === 2) return (shape[1] ?? 1) >= 2 ? 'classes' : 'numbers';
  if (shape.length === 3) return maskOf(row) === undefined ? 'steps' : 'vector';
  return 'numbers';
}

/** A row's numbers; of a vector for each token that is real, their mean. */
function numbersOf({ shape, data }: Tensor, row: Row, kind: Kind, side: Nature['side']): Floats {
  const all = data as Floats;
  if (shape.length !== 3) return all;
  const [, steps = 1, width = 1] = shape;
  const mask = maskOf(row);
  // What lies beside the row's own is of nobody's.
  const ownSteps = mask === undefined ? steps : Math.min(steps, mask.data.length);
  const first = side === 'left' ? steps - ownSteps : 0;
  const floats = all.subarray(first * width, (first + ownSteps) * width);
  if (kind !== 'vector') return floats;
  const mean = new Float64Array(width);
  let count = 0;
  for (let step = 0; step < ownSteps; step++) {
    if (mask !== undefined && Number(mask.data[step]) === 0) continue;
    count++;
    for (let i = 0; i < width; i++) mean[i]! += floats[step * width + i]!;
  }
  return mean.map((sum) => sum / Math.max(1, count));
}

function compare(ours: readonly Floats[], theirs: readonly Floats[], kind: Kind, width: number): Accuracy {
  const all = Math.max(...ours.map(largest));
  let maxRelative = 0;
  const cosines: number[] = [];
  const same = { all: 0, sure: 0, of: 0, ofSure: 0, flipped: 0 };
  ours.forEach((our, i) => {
    const their = theirs[i]!;
    maxRelative = Math.max(
      maxRelative,
      difference(our, their) / Math.max(largest(our), all * NEXT_TO_NOTHING, Number.MIN_VALUE),
    );
    // A row of next to nothing, as a picture without text has it, points nowhere.
    const isNothing = largest(our) < all * NEXT_TO_NOTHING && largest(their) < all * NEXT_TO_NOTHING;
    if (our.length >= FEW) cosines.push(isNothing ? 1 : cosine(our, their));
    if (kind !== 'classes' && kind !== 'steps') return;
    for (let at = 0; at + width <= our.length; at += width) {
      const [one, other] = [our.subarray(at, at + width), their.subarray(at, at + width)];
      const margin = marginOf(one);
      const isSame = top(one) === top(other);
      same.of++;
      if (isSame) same.all++;
      else same.flipped = Math.max(same.flipped, margin);
      if (margin <= SURE) continue;
      same.ofSure++;
      if (isSame) same.sure++;
    }
  });
  if (cosines.length === 0) cosines.push(cosine(joined(ours), joined(theirs)));
  return {
    rows: ours.length,
    cos: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
    cosMin: Math.min(...cosines),
    maxRelative,
    ...(same.of > 0 && { top1: same.all / same.of, flippedMargin: same.flipped }),
    ...(same.ofSure > 0 && { top1Sure: same.sure / same.ofSure }),
    ...(kind === 'vector' && ours.length >= MANY_ROWS && neighbours(ours, theirs)),
  };
}

/** NaN where a number is none that the original is. */
function difference(our: Floats, their: Floats): number {
  if (our.length !== their.length) return NaN;
  let most = 0;
  for (let i = 0; i < our.length; i++) {
    if (Object.is(our[i], their[i])) continue;
    const off = Math.abs(our[i]! - their[i]!);
    if (!(off <= most)) most = off;
  }
  return most;
}

function largest(values: Floats): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

function dot(one: Floats, other: Floats): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i]! * other[i]!;
  return sum;
}

export function cosine(one: Floats, other: Floats): number {
  const lengths = Math.sqrt(dot(one, one) * dot(other, other));
  // Two rows of zeros are alike.
  return lengths === 0 ? (dot(one, one) === dot(other, other) ? 1 : 0) : dot(one, other) / lengths;
}

function joined(rows: readonly Floats[]): Float64Array {
  return Float64Array.from(rows.flatMap((row) => [...row]));
}

function top(values: Floats): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** How much more probable the first is than the second; what are no probabilities yet become some (softmax). */
function marginOf(values: Floats): number {
  let [first, second] = [-Infinity, -Infinity];
  let [sum, least] = [0, Infinity];
  for (const value of values) {
    sum += value;
    least = Math.min(least, value);
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  if (least >= 0 && Math.abs(sum - 1) < 1e-3) return first - second;
  let total = 0;
  for (const value of values) total += Math.exp(value - first);
  return (1 - Math.exp(second - first)) / total;
}

function neighbours(
  ours: readonly Floats[],
  theirs: readonly Floats[],
): { nearest: number; spearman: number } {
  const [our, their]: [number[], number[]] = [[], []];
  let same = 0;
  ours.forEach((one, i) => {
    let [near, nearThere, best, bestThere] = [-1, -1, -Infinity, -Infinity];
    ours.forEach((other, j) => {
      if (i === j) return;
      const [here, there] = [cosine(one, other), cosine(theirs[i]!, theirs[j]!)];
      if (here > best) [best, near] = [here, j];
      if (there > bestThere) [bestThere, nearThere] = [there, j];
      if (j <= i) return;
      our.push(here);
      their.push(there);
    });
    if (near === nearThere) same++;
  });
  return { nearest: same / ours.length, spearman: rankCorrelation(our, their) };
}

function rankCorrelation(one: readonly number[], other: readonly number[]): number {
  const ranks = (values: readonly number[]): Float64Array => {
    const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
    const rank = new Float64Array(values.length);
    order.forEach((place, i) => (rank[place] = i));
    return rank;
  };
  const [a, b] = [ranks(one), ranks(other)];
  const count = one.length;
  const squares = a.reduce((sum, rank, i) => sum + (rank - b[i]!) ** 2, 0);
  return count < 2 ? 1 : 1 - (6 * squares) / (count * (count ** 2 - 1));
}
