import { DomainError } from '../../errors/domain-error';
import type { TensorData } from '../../tensors/datatype';
import { tooManyTexts } from '../../tensors/json/element-reader';
import { quote } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import { isHollow, printShape, type Shape, shapeFits } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { BinaryPart } from './binary-data';
import { givenTwice, inputFault, list } from './faults';
import { readJsonData } from './json-data';
import { readWholeNumber } from './json-values';
import { readInputParameters } from './request-parameters';

/** Deeper than any model; an array of dimensions must not grow with the body. */
const MAX_RANK = 64;
const LARGEST_DIMENSION = 2 ** 31 - 1;

/** What an input says of itself, as far as it has been read. */
interface InputHead {
  name: string | undefined;
  datatype: string | undefined;
  shape: number[] | undefined;
  /** Its `binary_data_size`. */
  binaryBytes: number | undefined;
}

/** The declared input that a request's input is, and how many elements it has. */
interface Target {
  readonly index: number;
  readonly spec: TensorSpec;
  readonly shape: Shape;
  readonly count: number;
}

/** An input whose data is binary: what the JSON says of it, and of the bytes behind the JSON. */
export interface BinaryInput extends Target {
  readonly sizeBytes: number;
}

/** Reads a request's `inputs` into tensors in the model's order. */
export class InputsReader {
  /** Those that came in binary, in the order of their bytes. */
  readonly binaryInputs: BinaryInput[] = [];
  private readonly tensors: (Tensor | undefined)[];

  /** @param binary the body behind the JSON; undefined where no header says that there is any */
  constructor(
    private readonly reader: JsonReader,
    private readonly specs: readonly TensorSpec[],
    private readonly binary: BinaryPart | undefined,
    private readonly maxTexts = Infinity,
  ) {
    this.tensors = new Array<Tensor | undefined>(specs.length).fill(undefined);
  }

  read(): void {
    this.reader.enterArray();
    while (this.reader.nextElement()) this.readInput();
  }

  /** @throws missing_input */
  finish(): Tensor[] {
    const { specs, tensors } = this;
    if (!tensors.includes(undefined)) return tensors as Tensor[];
    const missing = specs.filter((_, i) => tensors[i] === undefined);
    throw new DomainError('missing_input', `Missing ${list(missing)}; the model takes ${list(specs)}.`);
  }

  private readInput(): void {
    const { reader } = this;
    const head: InputHead = {
      name: undefined,
      datatype: undefined,
      shape: undefined,
      binaryBytes: undefined,
    };
    let target: Target | undefined;
    let data: TensorData | undefined;
    let dataAt = -1;
    let hasParameters = false;
    reader.enterObject();
    for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      switch (key) {
        case 'name':
          if (head.name !== undefined) throw givenTwice(key, reader.position);
          head.name = reader.readName();
          break;
        case 'datatype':
          if (head.datatype !== undefined) throw givenTwice(key, reader.position);
          head.datatype = reader.readName();
          break;
        case 'shape':
          if (head.shape !== undefined) throw givenTwice(key, reader.position);
          head.shape = readShape(reader);
          break;
        case 'parameters':
          if (hasParameters) throw givenTwice(key, reader.position);
          hasParameters = true;
          head.binaryBytes = readInputParameters(reader);
          break;
        case 'data':
          if (dataAt !== -1) throw givenTwice(key, reader.position);
          dataAt = reader.position;
          if (head.name === undefined || head.datatype === undefined || head.shape === undefined) {
            // Read later, when it is known what it is.
            reader.skipValue();
          } else {
            target = this.targetOf(head);
            data = readJsonData(reader, target.spec, target.shape, target.count);
          }
          break;
        default:
          reader.skipValue();
      }
    }
    target ??= this.targetOf(head);
    const { index, spec, shape, count } = target;
    if (head.binaryBytes !== undefined) {
      if (dataAt !== -1) {
        throw inputFault(
          'invalid_request',
          spec.name,
          'it has both data and a binary_data_size; send one of them',
        );
      }
      data = this.takeBinary(target, head.binaryBytes);
    } else if (data === undefined) {
      if (dataAt === -1)
        throw inputFault('invalid_request', spec.name, 'it has neither data nor a binary_data_size');
      const back = reader.position;
      reader.seek(dataAt);
      data = readJsonData(reader, spec, shape, count);
      reader.seek(back);
    }
    this.tensors[index] = { name: spec.name, datatype: spec.datatype, shape, data };
  }

  private takeBinary({ index, spec, shape, count }: Target, sizeBytes: number): TensorData {
    if (this.binary === undefined) {
      throw inputFault(
        'invalid_request',
        spec.name,
        'binary data needs the header Inference-Header-Content-Length, the length of the JSON before it',
      );
    }
    this.binaryInputs.push({ index, spec, shape, count, sizeBytes });
    return this.binary.take(spec, shape, count, sizeBytes);
  }

  private targetOf({ name, datatype, shape }: InputHead): Target {
    if (name === undefined) {
      throw new DomainError(
        'invalid_request',
        `The input that ends at position ${this.reader.position} has no name.`,
      );
    }
    const { specs } = this;
    let index = 0;
    while (index < specs.length && specs[index]!.name !== name) index++;
    const spec = specs[index];
    if (spec === undefined) {
      throw new DomainError('unknown_input', `Unknown input ${quote(name)}; the model takes ${list(specs)}.`);
    }
    if (this.tensors[index] !== undefined) throw inputFault('invalid_request', name, 'it is given twice');
    if (datatype === undefined) throw inputFault('invalid_request', name, 'it has no datatype');
    if (datatype !== spec.datatype) {
      throw inputFault('wrong_datatype', name, `expected datatype ${spec.datatype}, got ${quote(datatype)}`);
    }
    if (shape === undefined) throw inputFault('invalid_request', name, 'it has no shape');
    if (!shapeFits(shape, spec.shape)) {
      throw inputFault(
        'shape_mismatch',
        name,
        `expected shape ${printShape(spec.shape)} (-1 is any size), got ${printShape(shape)}`,
      );
    }
    const count = countElements(shape, name);
    if (spec.datatype === 'BYTES' && count > this.maxTexts)
      throw tooManyTexts(`Input ${quote(name)}`, this.maxTexts);
    return { index, spec, shape, count };
  }
}

function readShape(reader: JsonReader): number[] {
  const shape: number[] = [];
  reader.enterArray();
  while (reader.nextElement()) {
    if (shape.length === MAX_RANK) {
      throw new DomainError(
        'shape_mismatch',
        `The shape at position ${reader.position} has more than ${MAX_RANK} dimensions.`,
      );
    }
    shape.push(readWholeNumber(reader, 'A dimension', LARGEST_DIMENSION));
  }
  return shape;
}

/** The elements of a shape, of which a dimension of 0 does not hide that the others are beyond all measure. */
function countElements(shape: Shape, name: string): number {
  let count = 1;
  let product = 1;
  for (const size of shape) {
    count *= size;
    if (size > 1) product *= size;
  }
  if (isHollow(shape)) {
    throw inputFault(
      'shape_mismatch',
      name,
      `shape ${printShape(shape)} has no elements, but too many places for them`,
    );
  }
  if (product <= Number.MAX_SAFE_INTEGER) return count;
  throw inputFault(
    'shape_mismatch',
    name,
    `shape ${printShape(shape)} has more elements than can be counted`,
  );
}
