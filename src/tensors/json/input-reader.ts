import { DomainError } from '../../errors/domain-error';
import { acquireInput } from '../array-pool';
import type { JsonReader } from './json-reader';
import { elementCount, inferShape, isHollow, printShape, type Shape, shapeFits } from '../shape';
import type { Tensor, TensorSpec } from '../tensor';
import { readTensorData } from './tensor-reader';

/**
 * Reads one input in the native form: nested arrays, whose nesting is the shape, or a flat array (or a bare
 * scalar) where the declared shape leaves at most one dimension open.
 * @param maxCount the most elements that the input may have
 * @param maxTexts the most, where they are texts
 */
export function readInput(reader: JsonReader, spec: TensorSpec, maxCount: number, maxTexts?: number): Tensor {
  const { data, shape } = readTensorData(reader, spec.datatype, spec.name, {
    expectedCount: leastCount(spec.shape),
    maxCount,
    allocate: acquireInput,
    maxTexts,
  });
  const resolved = resolveShape(shape, spec);
  if (isHollow(resolved)) {
    throw new DomainError(
      'shape_mismatch',
      `Input "${spec.name}": shape ${printShape(resolved)} has no elements, but too many places for them.`,
    );
  }
  return { name: spec.name, datatype: spec.datatype, shape: resolved, data };
}

/** The elements of one row: what a typical request brings. */
function leastCount(declared: Shape): number {
  let count = 1;
  for (const size of declared) if (size > 0) count *= size;
  return count;
}

function resolveShape(shape: Shape, spec: TensorSpec): Shape {
  if (shapeFits(shape, spec.shape)) return shape;
  if (shape.length <= 1) {
    const inferred = inferShape(elementCount(shape), spec.shape);
    if (inferred !== undefined) return inferred;
  }
  // An array without elements says nothing of the dimensions below it.
  const empty = shape.indexOf(0);
  if (empty !== -1 && shape.length < spec.shape.length) {
    const completed = spec.shape.map((size, i) => shape[i] ?? Math.max(size, 0));
    if (shapeFits(completed, spec.shape)) return completed;
  }
  throw new DomainError(
    'shape_mismatch',
    `Input "${spec.name}": expected shape ${printShape(spec.shape)} (-1 is any size), got ${printShape(shape)}.`,
  );
}
