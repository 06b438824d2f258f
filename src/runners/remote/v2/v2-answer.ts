import { isJsonObject } from '../../../config/yaml/json-value';
import { DomainError } from '../../../errors/domain-error';
import { isDatatype, type TensorData } from '../../../tensors/datatype';
import { JsonReader } from '../../../tensors/json/json-reader';
import { elementCount, printShape, shapeFits } from '../../../tensors/shape';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import { readTensorData } from '../../../tensors/json/tensor-reader';
import type { RemoteAnswer } from '../answer-body';
import { readBinary } from './binary-elements';
import { JSON_LENGTH_HEADER } from './v2-request';

/** One entry of `outputs`, before its elements are read. */
interface OutputHead {
  name?: string;
  datatype?: string;
  shape?: number[];
  /** Where its `data` stands in the document. */
  dataAt?: number;
  binaryBytes?: number;
}

/**
 * Reads an inference response of the Open Inference Protocol.
 * @param specs the outputs that were asked for; others are passed over
 * @returns the outputs in the order of `specs`
 * @throws DomainError for whatever does not agree with `specs` or with itself
 */
export function decodeV2(answer: RemoteAnswer, specs: readonly TensorSpec[]): Tensor[] {
  const { body } = answer;
  const jsonBytes = jsonLength(answer);
  const reader = new JsonReader(body, 0, jsonBytes);
  const tensors = new Map<string, Tensor>();
  let binaryAt = jsonBytes;
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key !== 'outputs') {
      reader.skipValue();
      continue;
    }
    reader.enterArray();
    while (reader.nextElement()) {
      const head = readHead(reader);
      const binary = body.subarray(binaryAt, binaryAt + (head.binaryBytes ?? 0));
      if (binary.length < (head.binaryBytes ?? 0)) throw malformed('it ends before its binary tensors do');
      binaryAt += binary.length;
      const spec = specs.find(({ name }) => name === head.name);
      if (spec !== undefined) tensors.set(spec.name, readOutput(reader, head, spec, binary));
    }
  }
  reader.expectEnd();
  if (binaryAt !== body.length)
    throw malformed(`it has ${body.length - binaryAt} bytes that belong to no output`);
  return specs.map((spec) => {
    const tensor = tensors.get(spec.name);
    if (tensor === undefined) throw malformed(`it has no output "${spec.name}"`);
    return tensor;
  });
}

function jsonLength({ headers, body }: RemoteAnswer): number {
  const text = headers[JSON_LENGTH_HEADER];
  if (text === undefined) return body.length;
  const length = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : Infinity;
  if (length > body.length) throw malformed('its Inference-Header-Content-Length is beyond its end');
  return length;
}

function readHead(reader: JsonReader): OutputHead {
  const head: OutputHead = {};
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === 'name') head.name = reader.readString();
    else if (key === 'datatype') head.datatype = reader.readString();
    else if (key === 'shape') head.shape = readShape(reader);
    else if (key === 'parameters') head.binaryBytes = readBinarySize(reader);
    else {
      reader.peek();
      if (key === 'data') head.dataAt = reader.position;
      reader.skipValue();
    }
  }
  return head;
}

function readShape(reader: JsonReader): number[] {
  const shape: number[] = [];
  reader.enterArray();
  while (reader.nextElement()) shape.push(reader.readNumber());
  return shape;
}

function readBinarySize(reader: JsonReader): number | undefined {
  const value = reader.readValue();
  if (!isJsonObject(value)) return undefined;
  const size = value.binary_data_size;
  if (size === undefined) return undefined;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
  throw malformed('a binary_data_size is no whole number');
}

function readOutput(reader: JsonReader, head: OutputHead, spec: TensorSpec, binary: Buffer): Tensor {
  const { name, datatype } = spec;
  const { shape = [] } = head;
  if (head.datatype !== datatype) {
    const found = head.datatype !== undefined && isDatatype(head.datatype) ? head.datatype : 'something else';
    throw malformed(`output "${name}" is ${found} instead of ${datatype}`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !shapeFits(shape, spec.shape)) {
    throw malformed(
      `output "${name}" has the shape ${printShape(shape)} instead of ${printShape(spec.shape)}`,
    );
  }
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) throw malformed(`output "${name}" has too many elements`);
  if (head.binaryBytes !== undefined) return { name, datatype, shape, data: readBinary(binary, spec, count) };
  if (head.dataAt === undefined) throw malformed(`output "${name}" has no data`);
  return { name, datatype, shape, data: readJson(reader, head.dataAt, spec, count) };
}

function readJson(
  reader: JsonReader,
  dataAt: number,
  { name, datatype }: TensorSpec,
  count: number,
): TensorData {
  const behind = reader.position;
  reader.seek(dataAt);
  const { data } = readTensorData(reader, datatype, name, {
    expectedCount: count,
    maxCount: count,
  });
  reader.seek(behind);
  if (data.length !== count)
    throw malformed(`output "${name}" has ${data.length} elements instead of ${count}`);
  return data;
}

function malformed(message: string): DomainError {
  return new DomainError('invalid_request', message);
}
