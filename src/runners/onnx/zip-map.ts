/** https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html */
export const ZIP_MAP = 'ai.onnx.ml.ZipMap';

/** Fields by their numbers in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, output: 12, valueInfo: 13 };
const NODE = { input: 1, output: 2, operator: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, integers: 8, texts: 9 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
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

interface ZipMap {
  /** The scores, FP32 [rows, classes]. */
  readonly input: string;
  readonly output: string;
  readonly labels: readonly string[];
}

/**
 * Cuts the last step off classifiers as scikit-learn's and LightGBM's converters export them: `ZipMap` makes a sequence of
 * mappings out of a tensor of scores, which no tensor protocol can carry. The scores become the output in its place,
 * under their own name, as with `options={'zipmap': False}`; everything else stays as it is, byte for byte.
 * @param model an ONNX file whose weights are all in it
 */
export function cutZipMaps(model: Buffer): PlainModel {
  const labels = new Map<string, readonly string[]>();
  const bytes = edited(model, 0, model.length, (field) =>
    field.number === MODEL.graph ? message(MODEL.graph, withoutZipMaps(model, field, labels)) : undefined,
  );
  return { bytes, labels };
}

function withoutZipMaps(model: Buffer, graph: Field, labels: Map<string, readonly string[]>): Buffer {
  const outputs = new Set<string>();
  const wanted = new Map<string, ZipMap>();
  for (const field of fields(model, graph.valueStart, graph.end)) {
    if (field.number === GRAPH.output) outputs.add(nameOf(model, field));
    const zipMap = field.number === GRAPH.node ? zipMapOf(model, field) : undefined;
    if (zipMap !== undefined) wanted.set(zipMap.output, zipMap);
  }
  for (const { input, output, labels: classes } of wanted.values()) {
    if (!outputs.has(output)) wanted.delete(output);
    else labels.set(input, classes);
  }
  return edited(model, graph.valueStart, graph.end, (field) => {
    switch (field.number) {
      case GRAPH.node: {
        const zipMap = zipMapOf(model, field);
        return zipMap !== undefined && wanted.has(zipMap.output) ? NOTHING : undefined;
      }
      case GRAPH.output: {
        const zipMap = wanted.get(nameOf(model, field));
        if (zipMap === undefined) return undefined;
        // Where the scores are an output already, there is nothing to put in its place.
        return outputs.has(zipMap.input) ? NOTHING : message(GRAPH.output, scores(zipMap));
      }
      case GRAPH.valueInfo:
        return labels.has(nameOf(model, field)) ? NOTHING : undefined;
      default:
        return undefined;
    }
  });
}

/** What a node says, if it is a ZipMap. */
function zipMapOf(model: Buffer, node: Field): ZipMap | undefined {
  const text = new Map<number, string>();
  const labels: string[] = [];
  const attributes: Field[] = [];
  for (const field of fields(model, node.valueStart, node.end)) {
    if (field.number === NODE.attribute) attributes.push(field);
    else if (!text.has(field.number)) text.set(field.number, textOf(model, field));
  }
  if (`${text.get(NODE.domain)}.${text.get(NODE.operator)}` !== ZIP_MAP) return undefined;
  for (const attribute of attributes) {
    for (const field of fields(model, attribute.valueStart, attribute.end)) {
      if (field.number === ATTRIBUTE.texts) labels.push(textOf(model, field));
      else if (field.number === ATTRIBUTE.integers) labels.push(...integersOf(model, field).map(String));
    }
  }
  return { input: text.get(NODE.input) ?? '', output: text.get(NODE.output) ?? '', labels };
}

/** The declaration of an output: FP32, any number of rows, a column for each class. */
function scores({ input, labels }: ZipMap): Buffer {
  const columns = message(SHAPE.dimension, number(DIMENSION.size, labels.length));
  const shape = Buffer.concat([message(SHAPE.dimension, NOTHING), columns]);
  const tensor = Buffer.concat([number(TENSOR_TYPE.element, FLOAT), message(TENSOR_TYPE.shape, shape)]);
  return Buffer.concat([
    message(VALUE.name, Buffer.from(input)),
    message(VALUE.type, message(TYPE.tensor, tensor)),
  ]);
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
