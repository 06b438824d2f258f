/** https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html */
const ZIP_MAP = 'ai.onnx.ml.ZipMap';
/** Operators of classifiers, which make scores of rows. */
const ML = 'ai.onnx.ml.';
/** https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html */
const SEQUENCE = 'SequenceConstruct';

/** Does a model end in what can be cut off? @param lastOperators those that make its outputs */
export function endsInCollections(lastOperators: ReadonlySet<string>): boolean {
  return lastOperators.has(ZIP_MAP) || lastOperators.has(SEQUENCE);
}

/** Fields by their numbers in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, output: 12, valueInfo: 13 };
const NODE = { input: 1, output: 2, operator: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, integers: 8, texts: 9 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1, sequence: 4 };
const SEQUENCE_TYPE = { element: 1 };
const TENSOR_TYPE = { element: 1, shape: 2 };
const SHAPE = { dimension: 1 };
const DIMENSION = { size: 1 };
const FLOAT = 1;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A model that ends in tensors. */
export interface PlainModel {
  readonly bytes: Buffer;
  /** What the columns of an output mean, by the output's name. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
}

interface Field {
  readonly number: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** The last step of a graph that makes something of tensors which is none. */
interface Collection {
  /** The tensors, which become outputs in its place. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** What the columns of the tensor mean, of a `ZipMap`. */
  readonly labels: readonly string[] | undefined;
}

/**
 * Cuts the last step off classifiers as scikit-learn's and LightGBM's converters export them, where no tensor protocol can
 * carry what it makes: `ZipMap`, a sequence of mappings out of a tensor of scores, and `SequenceConstruct`, the scores of
 * each of several classes. What goes into it becomes an output in its place, under its own name, as with
 * `options={'zipmap': False}`; everything else stays as it is, byte for byte.
 * @param model an ONNX file whose weights are all in it
 */
export function cutCollections(model: Buffer): PlainModel {
  const labels = new Map<string, readonly string[]>();
  const bytes = edited(model, 0, model.length, (field) =>
    field.number === MODEL.graph ? message(MODEL.graph, withoutCollections(model, field, labels)) : undefined,
  );
  return { bytes, labels };
}

function withoutCollections(model: Buffer, graph: Field, labels: Map<string, readonly string[]>): Buffer {
  const outputs = new Set<string>();
  const scores = new Set<string>();
  const made: Collection[] = [];
  for (const field of fields(model, graph.valueStart, graph.end)) {
    if (field.number === GRAPH.output) outputs.add(nameOf(model, field));
    if (field.number !== GRAPH.node) continue;
    const node = nodeOf(model, field);
    if (node.operator.startsWith(ML)) for (const output of node.outputs) scores.add(output);
    const collection = collectionOf(model, node);
    if (collection !== undefined) made.push(collection);
  }
  const wanted = new Map(made.filter(({ output }) => outputs.has(output)).map((one) => [one.output, one]));
  const plain = new Set<string>();
  for (const { inputs, labels: classes } of wanted.values()) {
    for (const input of inputs) plain.add(input);
    if (classes !== undefined) labels.set(inputs[0]!, classes);
  }
  return edited(model, graph.valueStart, graph.end, (field) => {
    switch (field.number) {
      case GRAPH.node: {
        const collection = collectionOf(model, nodeOf(model, field));
        return collection !== undefined && wanted.has(collection.output) ? NOTHING : undefined;
      }
      case GRAPH.output: {
        const collection = wanted.get(nameOf(model, field));
        if (collection === undefined) return undefined;
        const { inputs, labels: classes } = collection;
        // What is an output already is not made one again.
        const added = inputs.filter((input) => !outputs.has(input) && outputs.add(input));
        const typeOf = (name: string): Buffer =>
          classes !== undefined || scores.has(name) ? scoresType(classes?.length) : elementType(model, field);
        return Buffer.concat(added.map((name) => message(GRAPH.output, valueOf(name, typeOf(name)))));
      }
      case GRAPH.valueInfo:
        return plain.has(nameOf(model, field)) ? NOTHING : undefined;
      default:
        return undefined;
    }
  });
}

interface Node {
  /** With its domain, where it is not ONNX's own. */
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Field[];
}

function nodeOf(model: Buffer, node: Field): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Field[] = [];
  let operator = '';
  let domain = '';
  for (const field of fields(model, node.valueStart, node.end)) {
    if (field.number === NODE.input) inputs.push(textOf(model, field));
    else if (field.number === NODE.output) outputs.push(textOf(model, field));
    else if (field.number === NODE.operator) operator = textOf(model, field);
    else if (field.number === NODE.domain) domain = textOf(model, field);
    else if (field.number === NODE.attribute) attributes.push(field);
  }
  return {
    operator: domain === '' || domain === 'ai.onnx' ? operator : `${domain}.${operator}`,
    inputs,
    outputs,
    attributes,
  };
}

/** What a node makes, if it is one of the two. */
function collectionOf(
  model: Buffer,
  { operator, inputs, outputs, attributes }: Node,
): Collection | undefined {
  const [output = ''] = outputs;
  if (operator === SEQUENCE) return { inputs, output, labels: undefined };
  if (operator !== ZIP_MAP) return undefined;
  const labels: string[] = [];
  for (const attribute of attributes) {
    for (const field of fields(model, attribute.valueStart, attribute.end)) {
      if (field.number === ATTRIBUTE.texts) labels.push(textOf(model, field));
      else if (field.number === ATTRIBUTE.integers) labels.push(...integersOf(model, field).map(String));
    }
  }
  return { inputs: inputs.slice(0, 1), output, labels };
}

function valueOf(name: string, type: Buffer): Buffer {
  return Buffer.concat([message(VALUE.name, Buffer.from(name)), message(VALUE.type, type)]);
}

/** FP32, any number of rows, a column for each class; of some steps before it the runtime infers no shape. */
function scoresType(classes: number | undefined): Buffer {
  const size = classes === undefined ? NOTHING : number(DIMENSION.size, classes);
  const columns = message(SHAPE.dimension, size);
  const shape = Buffer.concat([message(SHAPE.dimension, NOTHING), columns]);
  const tensor = Buffer.concat([number(TENSOR_TYPE.element, FLOAT), message(TENSOR_TYPE.shape, shape)]);
  return message(TYPE.tensor, tensor);
}

/** What an output that is a sequence has in it; of tensors the runtime itself infers the shape. */
function elementType(model: Buffer, output: Field): Buffer {
  let at = output;
  for (const wanted of [VALUE.type, TYPE.sequence, SEQUENCE_TYPE.element]) {
    const inner = [...fields(model, at.valueStart, at.end)].find((field) => field.number === wanted);
    if (inner === undefined) return NOTHING;
    at = inner;
  }
  return model.subarray(at.valueStart, at.end);
}

const NOTHING = Buffer.alloc(0);

/** The fields from `start` to `end`, those replaced for which `replace` gives something. */
function edited(
  bytes: Buffer,
  start: number,
  end: number,
  replace: (field: Field) => Buffer | undefined,
): Buffer {
  const parts: Buffer[] = [];
  let copiedTo = start;
  for (const field of fields(bytes, start, end)) {
    const replacement = replace(field);
    if (replacement === undefined) continue;
    parts.push(bytes.subarray(copiedTo, field.start), replacement);
    copiedTo = field.end;
  }
  parts.push(bytes.subarray(copiedTo, end));
  return Buffer.concat(parts);
}

function* fields(bytes: Buffer, start: number, end: number): Generator<Field> {
  for (let position = start; position < end;) {
    const tag = varint(bytes, position);
    const number = Number(tag.value >> 3n);
    let valueStart = tag.end;
    let fieldEnd: number;
    switch (Number(tag.value & 7n)) {
      case VARINT:
        fieldEnd = varint(bytes, valueStart).end;
        break;
      case FIXED64:
        fieldEnd = valueStart + 8;
        break;
      case BYTES: {
        const length = varint(bytes, valueStart);
        valueStart = length.end;
        fieldEnd = valueStart + Number(length.value);
        break;
      }
      case FIXED32:
        fieldEnd = valueStart + 4;
        break;
      default:
        throw new Error('it is no ONNX model');
    }
    if (fieldEnd > end) throw new Error('it is cut off, or no ONNX model');
    yield { number, start: position, valueStart, end: fieldEnd };
    position = fieldEnd;
  }
}

function varint(bytes: Buffer, start: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw new Error('it is cut off, or no ONNX model');
}

/** One integer, or several that are packed into a field. */
function integersOf(bytes: Buffer, { start, valueStart, end }: Field): bigint[] {
  const packed = Number(varint(bytes, start).value & 7n) === BYTES;
  const integers: bigint[] = [];
  for (let position = valueStart; position < end;) {
    const { value, end: next } = varint(bytes, position);
    integers.push(BigInt.asIntN(64, value));
    position = next;
    if (!packed) break;
  }
  return integers;
}

function nameOf(bytes: Buffer, value: Field): string {
  for (const field of fields(bytes, value.valueStart, value.end)) {
    if (field.number === VALUE.name) return textOf(bytes, field);
  }
  return '';
}

function textOf(bytes: Buffer, { valueStart, end }: Field): string {
  return bytes.toString('utf8', valueStart, end);
}

function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([encoded(BigInt(field * 8 + BYTES)), encoded(BigInt(content.length)), content]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([encoded(BigInt(field * 8 + VARINT)), encoded(BigInt(value))]);
}

function encoded(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    if (!more) return Buffer.from(bytes);
  }
}
