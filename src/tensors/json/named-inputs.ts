import { DomainError } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../tensor';
import { JsonReader } from './json-reader';
import { acquireInput } from '../array-pool';
import { elementCount, inferShape, isHollow, printShape, type Shape, shapeFits } from '../shape';
import { readTensorData } from './tensor-reader';

const OPEN_BRACE = 0x7b;

/**
 * Reads inputs by name, `{"<input>": values, ...}` or the bare values of a model's only input.
 * @param maxTexts elements that an input of BYTES may have; any number where that is not said
 * @returns the tensors in the order of `specs`
 * @throws invalid_json, missing_input, unknown_input, and what `readInput` throws
 */
export function readNamedInputs(body: Buffer, specs: readonly TensorSpec[], maxTexts?: number): Tensor[] {
  const reader = new JsonReader(body);
  const only = specs[0];
  if (specs.length === 1 && only !== undefined && reader.peek() !== OPEN_BRACE) {
    const tensor = readInput(reader, only, body.length, maxTexts);
    reader.expectEnd();
    return [tensor];
  }
  const tensors = readByName(reader, specs, body.length, maxTexts);
  reader.expectEnd();
  const missing = specs.filter((_, i) => tensors[i] === undefined);
  if (missing.length > 0) {
    throw new DomainError('missing_input', `Missing ${list(missing)}; the model takes ${list(specs)}.`);
  }
  return tensors as Tensor[];
}

function readByName(
  reader: JsonReader,
  specs: readonly TensorSpec[],
  maxCount: number,
  maxTexts: number | undefined,
): (Tensor | undefined)[] {
  const tensors = new Array<Tensor | undefined>(specs.length).fill(undefined);
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    const index = specs.findIndex((spec) => spec.name === key);
    const spec = specs[index];
    if (spec === undefined) {
      throw new DomainError(
        'unknown_input',
        `Unknown input ${JSON.stringify(key.slice(0, 100))}; the model takes ${list(specs)}.`,
      );
    }
    if (tensors[index] !== undefined) {
      throw new DomainError(
        'invalid_json',
        `Input "${key}" is given twice (again before position ${reader.position}).`,
      );
    }
    tensors[index] = readInput(reader, spec, maxCount, maxTexts);
  }
  return tensors;
}

function list(specs: readonly TensorSpec[]): string {
  return specs.map((spec) => `"${spec.name}"`).join(', ') || 'no inputs';
}

/** The same from values that were parsed already, as model.yaml gives them: an input that is left out is `null`. */
export function namedInputsOf(
  values: Readonly<Record<string, unknown>>,
  specs: readonly TensorSpec[],
): Tensor[] {
  return specs.map((spec) => {
    const body = Buffer.from(JSON.stringify(values[spec.name] ?? null));
    return readInput(new JsonReader(body), spec, body.length);
  });
}

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
