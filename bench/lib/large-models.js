const { closeSync, openSync, writeFileSync, writeSync } = require('node:fs');
const { dirname, basename, join } = require('node:path');
const { onnx } = require('onnx-proto');
const { randomFrom } = require('./numbers');

const { FLOAT, INT64 } = onnx.TensorProto.DataType;
const { EXTERNAL } = onnx.TensorProto.DataLocation;
const { AttributeType } = onnx.AttributeProto;
const IR_VERSION = 8;
const OPSET_VERSION = 17;
/** Weights that a model's own file holds where there is a data file. */
const INSIDE_BYTES = 1024;

/**
 * A transformer encoder with weights that differ from layer to layer (equal ones the runtime keeps once): `input_ids`,
 * `attention_mask` INT64 [batch, seq] below `words` and 512, `last_hidden_state` FP32 [batch, seq, width]. The shape of
 * BERT's base model by default: 436 MB.
 * @param external its weights beside it, in `<file>.data`
 */
function writeTransformer(
  file,
  { layers = 12, width = 768, heads = 12, inner = 4 * width, words = 30_522, external = false } = {},
) {
  const graph = graphOf(file, external);
  const { node, weights, numbers, integers } = graph;
  const head = width / heads;
  const ones = () => numbers([width], () => 1);
  const biases = (size) => numbers([size], () => 0);
  const linear = (x, from, to) => node('Add', [node('MatMul', [x, weights([from, to], 0.02)]), biases(to)]);
  const normal = (x) => node('LayerNormalization', [x, ones(), biases(width)], [int('axis', -1)]);
  const split = integers([0, 0, heads, head]);
  const joined = integers([0, 0, width]);
  const scalar = (value) => numbers([], () => value);
  const [half, one, root, scale, far] = [0.5, 1, Math.SQRT2, Math.sqrt(head), -10_000].map(scalar);
  const perHead = (x, perm) => node('Transpose', [node('Reshape', [x, split])], [ints('perm', perm)]);

  const length = node('Slice', [node('Shape', ['input_ids']), integers([1]), integers([2])]);
  const positions = node('Slice', [weights([512, width], 0.02), integers([0]), length, integers([0])]);
  let x = node('Gather', [weights([words, width], 0.02), 'input_ids']);
  x = normal(node('Add', [x, positions]));
  const seen = node('Unsqueeze', [node('Cast', ['attention_mask'], [int('to', FLOAT)]), integers([1, 2])]);
  const mask = node('Mul', [node('Sub', [one, seen]), far]);
  for (let layer = 0; layer < layers; layer++) {
    const query = perHead(linear(x, width, width), [0, 2, 1, 3]);
    const key = perHead(linear(x, width, width), [0, 2, 3, 1]);
    const values = perHead(linear(x, width, width), [0, 2, 1, 3]);
    const scores = node('Add', [node('Div', [node('MatMul', [query, key]), scale]), mask]);
    const mixed = node('MatMul', [node('Softmax', [scores], [int('axis', -1)]), values]);
    const merged = node('Reshape', [node('Transpose', [mixed], [ints('perm', [0, 2, 1, 3])]), joined]);
    x = normal(node('Add', [linear(merged, width, width), x]));
    const wide = linear(x, width, inner);
    const bent = node('Add', [node('Erf', [node('Div', [wide, root])]), one]);
    const gelu = node('Mul', [node('Mul', [wide, bent]), half]);
    x = normal(node('Add', [linear(gelu, inner, width), x]));
  }
  node('Identity', [x], [], 'last_hidden_state');
  const ids = (name) => value(name, INT64, ['batch', 'seq']);
  graph.write(
    [ids('input_ids'), ids('attention_mask')],
    [value('last_hidden_state', FLOAT, ['batch', 'seq', width])],
  );
}

/** ResNet-50's shape, batch normalisation folded: `image` FP32 [batch, 3, 224, 224], `logits` FP32 [batch, 1000]. */
function writeResidual(file, { size = 224, blocks = [3, 4, 6, 3], external = false } = {}) {
  const graph = graphOf(file, external);
  const { node, weights, numbers } = graph;
  const convolved = (x, from, to, kernel, stride, bent = true) => {
    const inputs = [x, weights([to, from, kernel, kernel], Math.sqrt(2 / (from * kernel * kernel)))];
    const sizes = [ints('strides', [stride, stride]), ints('pads', Array(4).fill(kernel >> 1))];
    const y = node('Conv', [...inputs, numbers([to], () => 0)], sizes);
    return bent ? node('Relu', [y]) : y;
  };
  let x = convolved('image', 3, 64, 7, 2);
  x = node(
    'MaxPool',
    [x],
    [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), ints('pads', [1, 1, 1, 1])],
  );
  let from = 64;
  blocks.forEach((count, stage) => {
    const width = 64 << stage;
    for (let block = 0; block < count; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const inner = convolved(convolved(x, from, width, 1, 1), width, width, 3, stride);
      const y = node('Mul', [convolved(inner, width, 4 * width, 1, 1, false), numbers([], () => 0.2)]);
      const past = block === 0 ? convolved(x, from, 4 * width, 1, stride, false) : x;
      x = node('Relu', [node('Add', [y, past])]);
      from = 4 * width;
    }
  });
  x = node('Flatten', [node('GlobalAveragePool', [x])]);
  node('Gemm', [x, weights([from, 1000], 0.02), numbers([1000], () => 0)], [], 'logits');
  graph.write([value('image', FLOAT, ['batch', 3, size, size])], [value('logits', FLOAT, ['batch', 1000])]);
}

/** A graph in the making: each call adds a part and gives its name. */
function graphOf(file, external) {
  const random = randomFrom(1);
  const nodes = [];
  const initializers = [];
  const location = `${basename(file)}.data`;
  const data = external ? openSync(join(dirname(file), location), 'w') : undefined;
  let offset = 0;
  const constant = (dims, dataType, array) => {
    const name = `c${initializers.length}`;
    const bytes = new Uint8Array(array.buffer);
    if (data === undefined || bytes.length < INSIDE_BYTES) {
      initializers.push({ name, dims, dataType, rawData: bytes });
      return name;
    }
    writeSync(data, bytes);
    const place = { location, offset: String(offset), length: String(bytes.length) };
    offset += bytes.length;
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    initializers.push({ name, dims, dataType, dataLocation: EXTERNAL, externalData });
    return name;
  };
  const numbers = (dims, next) =>
    constant(dims, FLOAT, Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next));
  return {
    numbers,
    integers: (values) => constant([values.length], INT64, BigInt64Array.from(values, BigInt)),
    /** Made up, the same every time; `scale` is their standard deviation. */
    weights: (dims, scale) => numbers(dims, () => (2 * random() - 1) * scale * Math.sqrt(3)),
    node(opType, input, attribute = [], output = `n${nodes.length}`) {
      nodes.push({ opType, name: `${opType}_${output}`, input, output: [output], attribute });
      return output;
    },
    write(input, output) {
      const model = onnx.ModelProto.create({
        irVersion: IR_VERSION,
        opsetImport: [{ domain: '', version: OPSET_VERSION }],
        producerName: 'nestor-bench',
        graph: { name: 'large', node: nodes, initializer: initializers, input, output },
      });
      writeFileSync(file, onnx.ModelProto.encode(model).finish());
      if (data !== undefined) closeSync(data);
    },
  };
}

const int = (name, i) => ({ name, type: AttributeType.INT, i });
const ints = (name, values) => ({ name, type: AttributeType.INTS, ints: values });

function value(name, elemType, sizes) {
  const dim = sizes.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

module.exports = { writeResidual, writeTransformer };
