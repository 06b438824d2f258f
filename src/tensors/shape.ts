/** Sizes of the dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a shape without dynamic dimensions; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** Places that a shape may have beside a dimension of 0, which hides them: each is a row, or a pair of brackets to print. */
const MOST_HOLLOW_PLACES = 2 ** 20;

/** Has a shape without elements more places for them than anybody means? */
export function isHollow(shape: Shape): boolean {
  let places = 1;
  let empty = false;
  for (const size of shape) {
    if (size === 0) empty = true;
    else places *= size;
  }
  return empty && places > MOST_HOLLOW_PLACES;
}

/** A shape as people read it: `[-1, 8, 8]`. */
export function printShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function isSameShape(one: Shape, other: Shape): boolean {
  if (one.length !== other.length) return false;
  for (let axis = 0; axis < one.length; axis++) if (one[axis] !== other[axis]) return false;
  return true;
}

/** Does a concrete shape fit a declared one, in which `-1` stands for any size? */
export function shapeFits(shape: Shape, declared: Shape): boolean {
  if (shape.length !== declared.length) return false;
  for (let i = 0; i < shape.length; i++) {
    if (declared[i] !== -1 && declared[i] !== shape[i]) return false;
  }
  return true;
}

/**
 * The shape that `count` elements without nesting take in a declared one, whose one dynamic dimension
 * (if it has one) is inferred; undefined when they do not fit, or more than one dimension is dynamic.
 */
export function inferShape(count: number, declared: Shape): number[] | undefined {
  const dynamic = declared.indexOf(-1);
  if (dynamic === -1) return elementCount(declared) === count ? [...declared] : undefined;
  if (declared.indexOf(-1, dynamic + 1) !== -1) return undefined;
  let known = 1;
  for (const size of declared) if (size !== -1) known *= size;
  if (known === 0 || count % known !== 0) return undefined;
  return declared.map((size) => (size === -1 ? count / known : size));
}
