import { DomainError } from '../../../errors/domain-error';
import type { TensorData } from '../../../tensors/datatype';
import { quote } from '../../../tensors/json/json-fault';
import { JsonReader } from '../../../tensors/json/json-reader';
import { elementCount, inferShape, printShape, type Shape, shapeFits } from '../../../tensors/shape';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import { readTensorData } from '../../../tensors/json/tensor-reader';
import { type AnswerPath, EACH } from './answer-path';
import { concatenate } from '../join-batch';

export interface MappedOutput {
  readonly spec: TensorSpec;
  readonly path: AnswerPath;
}

interface Part {
  readonly data: TensorData;
  readonly shape: Shape;
}

/**
 * Reads each output at its place in a JSON answer. Nested arrays give their shape, every `[*]` of the path a
 * dimension around it; a flat one takes the declared shape where that leaves at most one dimension open.
 * @throws DomainError for whatever does not agree with the outputs
 */
export function decodeTemplate(body: Buffer, outputs: readonly MappedOutput[]): Tensor[] {
  const reader = new JsonReader(body);
  reader.skipValue();
  reader.expectEnd();
  return outputs.map(({ spec, path }) => {
    const { data, shape } = read(new JsonReader(body), spec, path, 0);
    return { name: spec.name, datatype: spec.datatype, shape: fit(shape, spec), data };
  });
}

function read(reader: JsonReader, spec: TensorSpec, path: AnswerPath, depth: number): Part {
  const step = path[depth];
  if (step === undefined) {
    return readTensorData(reader, spec.datatype, spec.name, {
      expectedCount: leastCount(spec.shape, path),
      maxCount: reader.end - reader.position,
    });
  }
  if (step === EACH) return readEach(reader, spec, path, depth);
  const found = typeof step === 'string' ? enterKey(reader, step) : enterIndex(reader, step);
  if (!found) {
    throw new DomainError('invalid_request', `output "${spec.name}" is not there: no ${quote(String(step))}`);
  }
  return read(reader, spec, path, depth + 1);
}

/** The elements that one place has at the least: each `[*]` is a dimension of its own. */
function leastCount(shape: Shape, path: AnswerPath): number {
  const around = path.filter((step) => step === EACH).length;
  return elementCount(shape.slice(around).filter((size) => size > 0));
}

function readEach(reader: JsonReader, spec: TensorSpec, path: AnswerPath, depth: number): Part {
  const parts: Part[] = [];
  reader.enterArray();
  while (reader.nextElement()) {
    // What is read of an element may end before it does.
    reader.peek();
    const start = reader.position;
    parts.push(read(new JsonReader(reader.bytes, start, reader.end), spec, path, depth + 1));
    reader.skipValue();
  }
  const [first] = parts;
  if (first === undefined) return { data: concatenate(spec.datatype, []), shape: [0] };
  const odd = parts.find(({ shape }) => printShape(shape) !== printShape(first.shape));
  if (odd !== undefined) {
    throw new DomainError(
      'ragged_array',
      `output "${spec.name}" has elements of the shapes ${printShape(first.shape)} and ${printShape(odd.shape)}`,
    );
  }
  const data = concatenate(
    spec.datatype,
    parts.map((part) => part.data),
  );
  return { data, shape: [parts.length, ...first.shape] };
}

function enterKey(reader: JsonReader, wanted: string): boolean {
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === wanted) return true;
    reader.skipValue();
  }
  return false;
}

function enterIndex(reader: JsonReader, wanted: number): boolean {
  reader.enterArray();
  for (let index = 0; reader.nextElement(); index++) {
    if (index === wanted) return true;
    reader.skipValue();
  }
  return false;
}

function fit(shape: Shape, spec: TensorSpec): Shape {
  if (shapeFits(shape, spec.shape)) return shape;
  const inferred = shape.length <= 1 ? inferShape(elementCount(shape), spec.shape) : undefined;
  if (inferred !== undefined) return inferred;
  throw new DomainError(
    'shape_mismatch',
    `output "${spec.name}" has the shape ${printShape(shape)} instead of ${printShape(spec.shape)}`,
  );
}
