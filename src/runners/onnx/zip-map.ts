/** One field of a protobuf message: where its key begins, its value, and what follows it. */
interface Field {
  readonly number: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

const GRAPH_OF_MODEL = 7;
const NODE_OF_GRAPH = 1;
const OUTPUT_OF_GRAPH = 12;
const NAME_OF_VALUE = 1;
const NODE = { input: 1, output: 2, operator: 4 } as const;
const FLOAT = 1;

/**
 * The model without the `ZipMap` at its end, which makes of a tensor of scores a list of maps, one for each row, that no
 * request could carry: scikit-learn's exporter puts one there unless it is told not to. What it was given becomes the
 * output, `[rows, classes]` FP32.
 * https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html
 * @param model an ONNX file that the runtime has loaded
 * @returns undefined where it has none
 */
export function withoutZipMap(model: Buffer): Buffer | undefined {
  const graphField = fieldsOf(model).find(({ number }) => number === GRAPH_OF_MODEL);
  if (graphField === undefined) return undefined;
  const graph = model.subarray(graphField.valueStart, graphField.end);
  const fields = fieldsOf(graph);
  const zips = new Map<string, string>();
  const kept: Buffer[] = [];
  for (const field of fields) {
    const zip =
      field.number === NODE_OF_GRAPH ? zipMapIn(graph.subarray(field.valueStart, field.end)) : undefined;
    if (zip !== undefined) zips.set(zip.output, zip.input);
  }
  if (zips.size === 0) return undefined;
  for (const field of fields) {
    const value = graph.subarray(field.valueStart, field.end);
    if (field.number === NODE_OF_GRAPH && zipMapIn(value) !== undefined) continue;
    const scores = field.number === OUTPUT_OF_GRAPH ? zips.get(textIn(value, NAME_OF_VALUE)) : undefined;
    kept.push(
      scores === undefined
        ? graph.subarray(field.start, field.end)
        : lengthDelimited(OUTPUT_OF_GRAPH, floatMatrix(scores)),
    );
  }
  return Buffer.concat([
    model.subarray(0, graphField.start),
    lengthDelimited(GRAPH_OF_MODEL, Buffer.concat(kept)),
    model.subarray(graphField.end),
  ]);
}

function zipMapIn(node: Buffer): { readonly input: string; readonly output: string } | undefined {
  if (textIn(node, NODE.operator) !== 'ZipMap') return undefined;
  return { input: textIn(node, NODE.input), output: textIn(node, NODE.output) };
}

/** The first text of that field; empty where there is none. */
function textIn(message: Buffer, number: number): string {
  const field = fieldsOf(message).find((one) => one.number === number);
  return field === undefined ? '' : message.toString('utf8', field.valueStart, field.end);
}

/** A `ValueInfoProto` of a tensor of floats with two open dimensions. */
function floatMatrix(name: string): Buffer {
  const dimension = lengthDelimited(1, Buffer.alloc(0));
  const shape = lengthDelimited(2, Buffer.concat([dimension, dimension]));
  const tensor = Buffer.concat([Buffer.of((1 << 3) | 0, FLOAT), shape]);
  return Buffer.concat([
    lengthDelimited(NAME_OF_VALUE, Buffer.from(name)),
    lengthDelimited(2, lengthDelimited(1, tensor)),
  ]);
}

function lengthDelimited(number: number, value: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) | 128);
    if (rest < 128) return Buffer.from(bytes);
  }
}

/** https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('the model file ends within a field');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const key = next();
    const wire = key % 8;
    let length = wire === 1 ? 8 : 4;
    if (wire === 0) {
      next();
      length = 0;
    } else if (wire === 2) length = next();
    else if (wire !== 1 && wire !== 5) throw new Error(`the model file has a field of wire type ${wire}`);
    const valueStart = at;
    at += length;
    if (at > message.length) throw new Error('the model file ends within a field');
    fields.push({ number: Math.floor(key / 8), start, valueStart, end: at });
  }
  return fields;
}
