import { DomainError } from '../../errors/domain-error';
import { isDatatype, type TensorData } from '../../tensors/datatype';
import { tooManyTexts } from '../../tensors/json/element-reader';
import { quote } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import { isHollow, printShape, type Shape, shapeFits } from '../../tensors/shape';
import type { RawInput } from '../../processing/raw-input';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { BinaryPart } from './binary-data';
import { COLUMNS, type GivenColumn, type GivenElements, rawInputOf, rawTableOf } from './declared-inputs';
import { calledBy, givenTwice, inputFault, list, placed } from './faults';
import { readJsonData, readWholeNumber } from './json-values';
import { readInputParameters } from './request-parameters';
import type { DeclaredInput, V2Declaration, V2Model } from './v2-call';

/** Deeper than any model; an array of dimensions must not grow with the body. */
const MAX_RANK = 64;
const LARGEST_DIMENSION = 2 ** 31 - 1;

/** What an input says of itself, as far as it has been read. */
interface InputHead {
  /** Which of its values is being read. */
  key: string | undefined;
  name: string | undefined;
  datatype: string | undefined;
  shape: number[] | undefined;
  /** Its `binary_data_size`. */
  binaryBytes: number | undefined;
  contentType: string | undefined;
}

/** The model's input that a request's input is, and how many elements it has. */
interface Target {
  readonly index: number;
  readonly spec: TensorSpec;
  readonly shape: Shape;
  readonly count: number;
  /** Set where it is no tensor, but declared. */
  readonly declared?: DeclaredInput;
}

/** An input whose data is binary: what the JSON says of it, and of the bytes behind the JSON. */
export interface BinaryInput extends Target {
  readonly sizeBytes: number;
}

/** What a request's inputs are: tensors, or declared inputs. */
export type ReadInputs =
  | { readonly tensors: Tensor[]; readonly raw?: undefined }
  | { readonly tensors?: undefined; readonly raw: RawInput[] };

/** Reads a request's `inputs`, in the order in which the model has them. */
export class InputsReader {
  /** Those that came in binary, in the order of their bytes. */
  readonly binaryInputs: BinaryInput[] = [];
  private readonly specs: readonly TensorSpec[];
  private readonly declared: readonly DeclaredInput[];
  private readonly maxTexts: number;
  private readonly tensors: (Tensor | undefined)[];
  private readonly given: GivenElements[] = [];
  private readonly table: V2Declaration['table'];
  /** Set where the inputs are columns of a table. */
  private columns: GivenColumn[] | undefined;

  /** @param binary the body behind the JSON; undefined where no header says that there is any */
  constructor(
    private readonly reader: JsonReader,
    { inputs, declared, maxTexts = Infinity }: V2Model,
    private readonly binary: BinaryPart | undefined,
  ) {
    this.specs = inputs;
    this.declared = declared?.inputs ?? [];
    this.table = declared?.table;
    this.maxTexts = maxTexts;
    this.tensors = new Array<Tensor | undefined>(inputs.length).fill(undefined);
  }

  /** Must what the request's parameters say be known before? */
  get wantsContentType(): boolean {
    return this.table !== undefined;
  }

  /** @param contentType what the request says of its inputs as a whole, where it has been read */
  read(contentType: string | undefined): void {
    const { reader } = this;
    if (contentType === COLUMNS && this.table !== undefined) this.columns = [];
    reader.enterArray();
    for (let number = 1; reader.nextElement(); number++) {
      const head: InputHead = {
        key: undefined,
        name: undefined,
        datatype: undefined,
        shape: undefined,
        binaryBytes: undefined,
        contentType: undefined,
      };
      try {
        this.readInput(head);
      } catch (error) {
        throw placed(error, calledBy('Input', head.name, number), head.key);
      }
    }
  }

  /**
   * @param contentType what the request says of elements that do not say it themselves
   * @throws missing_input; invalid_request for tensors beside declared inputs
   */
  finish(contentType: string | undefined): ReadInputs {
    if (this.columns !== undefined) return { raw: [rawTableOf(this.table!, this.columns)] };
    if (this.given.length > 0) return { raw: this.finishDeclared(contentType) };
    const { specs, tensors } = this;
    if (!tensors.includes(undefined)) return { tensors: tensors as Tensor[] };
    const missing = specs.filter((_, i) => tensors[i] === undefined);
    throw new DomainError('missing_input', `Missing ${list(missing)}; the model takes ${this.taken()}.`);
  }

  private finishDeclared(contentType: string | undefined): RawInput[] {
    const { declared, given, tensors } = this;
    const tensor = tensors.find((one) => one !== undefined);
    if (tensor !== undefined) {
      throw inputFault(
        'invalid_request',
        tensor.name,
        `it is a tensor of the model, and ${quote(given[0]!.declared.spec.name)} is made into one; send one kind`,
      );
    }
    return declared.map((one) => {
      const found = given.find((item) => item.declared === one);
      if (found !== undefined) return rawInputOf(found, contentType);
      const missing = declared.filter((other) => !given.some((item) => item.declared === other));
      const names = list(missing.map(({ spec }) => spec));
      throw new DomainError('missing_input', `Missing ${names}; the model takes ${this.taken()}.`);
    });
  }

  /** What the model takes, for a message. */
  private taken(): string {
    const { declared, specs } = this;
    return declared.length === 0
      ? list(specs)
      : `${list(declared.map(({ spec }) => spec))}, or the tensors ${list(specs)}`;
  }

  private readInput(head: InputHead): void {
    const { reader } = this;
    let target: Target | undefined;
    let data: TensorData | readonly Buffer[] | undefined;
    let dataAt = -1;
    let hasParameters = false;
    reader.enterObject();
    for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      head.key = key;
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
        case 'parameters': {
          if (hasParameters) throw givenTwice(key, reader.position);
          hasParameters = true;
          const { sizeBytes, contentType } = readInputParameters(reader);
          head.binaryBytes = sizeBytes;
          head.contentType = contentType;
          break;
        }
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
    head.key = 'data';
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
    if (this.columns !== undefined) {
      const { name, datatype } = spec;
      this.columns.push({ name, datatype, data: data as TensorData, contentType: head.contentType });
    } else if (target.declared === undefined) {
      this.tensors[index] = { name: spec.name, datatype: spec.datatype, shape, data: data as TensorData };
    } else {
      const elements = data as readonly (string | Buffer)[];
      this.given.push({ declared: target.declared, elements, contentType: head.contentType });
    }
  }

  private takeBinary(
    { index, spec, shape, count, declared }: Target,
    sizeBytes: number,
  ): TensorData | readonly Buffer[] {
    if (this.binary === undefined) {
      throw inputFault(
        'invalid_request',
        spec.name,
        'binary data needs the header Inference-Header-Content-Length, the length of the JSON before it',
      );
    }
    if (declared !== undefined) return this.binary.takeElements(spec.name, shape, count, sizeBytes);
    if (this.columns === undefined) this.binaryInputs.push({ index, spec, shape, count, sizeBytes });
    return this.binary.take(spec, shape, count, sizeBytes);
  }

  private targetOf({ name, datatype, shape }: InputHead): Target {
    if (name === undefined) {
      throw new DomainError(
        'invalid_request',
        `The input that ends at position ${this.reader.position} has no name.`,
      );
    }
    if (this.columns !== undefined) return this.columnOf(this.columns, { name, datatype, shape });
    const { specs } = this;
    let index = 0;
    while (index < specs.length && specs[index]!.name !== name) index++;
    const declared = this.declaredNamed(name, specs[index], datatype);
    const spec = declared?.spec ?? specs[index];
    if (spec === undefined) {
      throw new DomainError(
        'unknown_input',
        `Unknown input ${quote(name)}; the model takes ${this.taken()}.`,
      );
    }
    if (this.tensors[index] !== undefined || this.given.some((one) => one.declared === declared)) {
      throw inputFault('invalid_request', name, 'it is given twice');
    }
    if (datatype === undefined) throw inputFault('invalid_request', name, 'it has no datatype');
    if (datatype !== spec.datatype) {
      throw inputFault('wrong_datatype', name, `expected datatype ${spec.datatype}, got ${quote(datatype)}`);
    }
    if (shape === undefined) throw inputFault('invalid_request', name, 'it has no shape');
    // One element in one dimension: so other servers present a scalar.
    if (spec.shape.length === 0 && shape.length === 1 && shape[0] === 1) {
      return { index, spec, shape: spec.shape, count: 1 };
    }
    const isColumn = declared !== undefined && shape.length === 2 && shape[1] === 1;
    if (!shapeFits(shape, spec.shape) && !(isColumn && spec.shape.length === 1)) {
      throw inputFault(
        'shape_mismatch',
        name,
        `expected shape ${printShape(spec.shape)} (-1 is any size), got ${printShape(shape)}`,
      );
    }
    const count = countElements(shape, name);
    if (spec.datatype === 'BYTES' && count > this.maxTexts)
      throw tooManyTexts(`Input ${quote(name)}`, this.maxTexts);
    return { index, spec, shape, count, declared };
  }

  /** A column, of any datatype that holds what it has: what it becomes is the table's to say. */
  private columnOf(
    columns: readonly GivenColumn[],
    { name, datatype, shape }: { name: string } & Pick<InputHead, 'datatype' | 'shape'>,
  ): Target {
    if (columns.some((column) => column.name === name)) {
      throw inputFault('invalid_request', name, 'it is given twice');
    }
    if (datatype === undefined || !isDatatype(datatype)) {
      const got = datatype === undefined ? 'none' : quote(datatype);
      throw inputFault('wrong_datatype', name, `expected a datatype such as FP64 or BYTES, got ${got}`);
    }
    const [count = 0, one = 1, ...more] = shape ?? [];
    if (shape === undefined || shape.length === 0 || one !== 1 || more.length > 0) {
      const got = shape === undefined ? 'none' : printShape(shape);
      throw inputFault('shape_mismatch', name, `expected the shape of a column, [-1] or [-1, 1], got ${got}`);
    }
    if (datatype === 'BYTES' && count > this.maxTexts)
      throw tooManyTexts(`Input ${quote(name)}`, this.maxTexts);
    return { index: columns.length, spec: { name, datatype, shape: [-1] }, shape, count };
  }

  /** The declared input of a name; one that a tensor has as well means that one, but where texts are none of its. */
  private declaredNamed(
    name: string,
    tensor: TensorSpec | undefined,
    datatype: string | undefined,
  ): DeclaredInput | undefined {
    if (this.declared.length === 0) return undefined;
    if (tensor !== undefined && (datatype !== 'BYTES' || tensor.datatype === 'BYTES')) return undefined;
    return this.declared.find(({ spec }) => spec.name === name);
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
