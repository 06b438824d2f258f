import { type NumericArray, type TensorData } from '../tensors/datatype';
import { DomainError } from '../errors/domain-error';
import { elementCount, isSameShape, printShape } from '../tensors/shape';
import type { Tensor } from '../tensors/tensor';

/** What came of some rows of a request. */
export interface FinishedPart {
  readonly tensors: readonly Tensor[];
  /** Which rows these are; undefined: all of them. */
  readonly rows: readonly number[] | undefined;
}

/** Ends of the names of outputs that have a number for each row, of how many elements the others have for it. */
const COUNTS = '.counts';

/**
 * The rows of several runs, as one run would have given them. An output with counts has as many elements for a row as
 * they say; any other has one.
 */
export function joinParts(parts: readonly FinishedPart[]): readonly Tensor[] {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first?.tensors ?? [];
  const places = placesOf(parts);
  return first.tensors.map((_, index) => {
    const pieces = parts.map(({ tensors }) => tensors[index]!);
    const odd = pieces.find(
      ({ shape }) => !isSameShape(shape.slice(1), first.tensors[index]!.shape.slice(1)),
    );
    if (odd !== undefined) throw unlike(odd);
    return joined(
      pieces,
      places.map(({ part, row }) => ({ part, ...rangeOf(parts[part]!.tensors, pieces[part]!, row) })),
    );
  });
}

/** Vectors of each token, say, of texts of several lengths. */
function unlike({ name, shape }: Tensor): DomainError {
  return new DomainError(
    'shape_mismatch',
    `Output "${name}" has shapes that do not go together, such as ${printShape(shape)}; send these inputs one by one.`,
  );
}

interface Place {
  readonly part: number;
  readonly row: number;
}

/** Where each row of the request is, in its order. */
function placesOf(parts: readonly FinishedPart[]): Place[] {
  const places: Place[] = [];
  parts.forEach(({ rows = [] }, part) => {
    rows.forEach((place, row) => (places[place] = { part, row }));
  });
  return places;
}

interface Range {
  readonly first: number;
  readonly count: number;
}

/** Which elements of the leading dimension a row has. */
function rangeOf(tensors: readonly Tensor[], { name }: Tensor, row: number): Range {
  const counts = tensors.find(
    (one) => one.name.endsWith(COUNTS) && name !== one.name && isOf(name, one.name.slice(0, -COUNTS.length)),
  );
  if (counts === undefined) return { first: row, count: 1 };
  const numbers = Array.from(counts.data as BigInt64Array, Number);
  const first = numbers.slice(0, row).reduce((sum, count) => sum + count, 0);
  return { first, count: numbers[row] ?? 0 };
}

/** Is it a tensor of the output of this name? */
function isOf(name: string, output: string): boolean {
  return name === output || name.startsWith(`${output}.`);
}

function joined(pieces: readonly Tensor[], ranges: readonly (Range & { readonly part: number })[]): Tensor {
  const [{ name, datatype, shape }] = pieces as readonly [Tensor, ...Tensor[]];
  const size = elementCount(shape.slice(1));
  const count = ranges.reduce((sum, range) => sum + range.count, 0);
  const slices = ranges.map(({ part, first, count }) =>
    pieces[part]!.data.slice(first * size, (first + count) * size),
  );
  return { name, datatype, shape: [count, ...shape.slice(1)], data: concatenated(slices, count * size) };
}

function concatenated(slices: readonly TensorData[], length: number): TensorData {
  const [first] = slices;
  if (first === undefined || Array.isArray(first)) return slices.flatMap((slice) => slice as string[]);
  const whole = new (first.constructor as new (length: number) => NumericArray)(length);
  let at = 0;
  for (const slice of slices) {
    (whole as Uint8Array).set(slice as Uint8Array, at);
    at += slice.length;
  }
  return whole;
}
