import { DomainError } from '../errors/domain-error';
import type { LoadedModel } from '../models/loading/loaded-model';
import { allocate, type Datatype, type TensorData } from '../tensors/datatype';
import { readInput } from '../tensors/json/named-inputs';
import { JsonReader } from '../tensors/json/json-reader';
import { JsonWriter } from '../tensors/json/json-writer';
import { elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** Elements in row-major order. */
export interface LocalTensor {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

/**
 * A model's own inputs out of values of the language: nested arrays or `LocalTensor`s.
 * @throws missing_input, unknown_input, shape_mismatch, wrong_datatype
 * @internal
 */
export function tensorsOfValues(model: LoadedModel, given: Readonly<Record<string, unknown>>): Tensor[] {
  for (const name of Object.keys(given)) {
    if (model.inputs.some((input) => input.name === name)) continue;
    const known = model.inputs.map((input) => `"${input.name}"`).join(', ');
    throw new DomainError(
      'unknown_input',
      `Model "${model.name}" has no input "${name.slice(0, 100)}"; its inputs are ${known}.`,
    );
  }
  return model.inputs.map((spec) => {
    const value = given[spec.name];
    if (value === undefined) throw new DomainError('missing_input', `Input "${spec.name}" is missing.`);
    return isTensor(value) ? fromTensor(spec, value) : fromNested(spec, value);
  });
}

/** @internal */
export function isTensor(value: unknown): value is LocalTensor {
  const { data, shape } = (value ?? {}) as Partial<LocalTensor>;
  return Array.isArray(shape) && (ArrayBuffer.isView(data) || Array.isArray(data));
}

/** @throws shape_mismatch, wrong_datatype */
function fromTensor(spec: TensorSpec, { data, shape }: LocalTensor): Tensor {
  const { name, datatype } = spec;
  const [wanted, got] = [`[${spec.shape.join(', ')}]`, `[${shape.join(', ')}]`];
  const fits =
    shape.length === spec.shape.length && spec.shape.every((size, i) => size === -1 || size === shape[i]);
  if (!fits)
    throw new DomainError(
      'shape_mismatch',
      `Input "${name}": expected shape ${wanted} (-1 is any size), got ${got}.`,
    );
  const isText = Array.isArray(data);
  const array = datatype === 'BYTES' ? undefined : allocate(datatype, 0).constructor;
  if (isText ? array !== undefined : data.constructor !== array) {
    const type = array?.name ?? 'string[]';
    throw new DomainError('wrong_datatype', `Input "${name}": expected ${type} for ${datatype}.`);
  }
  const elements = elementCount(shape);
  if (elements !== data.length)
    throw new DomainError(
      'shape_mismatch',
      `Input "${name}": shape ${got} has ${elements} elements, the data ${data.length}.`,
    );
  return { name, datatype, shape: [...shape], data };
}

/** By the reader of requests, so that the same values mean the same and faults have the same words. */
function fromNested(spec: TensorSpec, value: unknown): Tensor {
  const body = Buffer.from(JSON.stringify(value, withExactNumbers) ?? 'null');
  return readInput(new JsonReader(body), spec, body.length);
}

function withExactNumbers(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}

/** @internal */
export function localTensor({
  datatype,
  shape,
  data,
}: Tensor): LocalTensor & { readonly datatype: Datatype } {
  return { datatype, shape: [...shape], data };
}

/**
 * As the native API prints it: what JSON has no exact literal for is text.
 * @internal
 */
export function nestedArrays({ data, datatype, shape }: Tensor): unknown {
  const writer = new JsonWriter();
  writer.tensorNested(data, datatype, shape);
  return JSON.parse(writer.finish().toString()) as unknown;
}
