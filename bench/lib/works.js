const { randomFrom } = require('./numbers');

const TOKENS = 16;
const floats = (name, shape) => ({ name, datatype: 'FP32', shape, data: valuesFor(shape) });
const integers = (name, value) => ({
  name,
  datatype: 'INT64',
  shape: [1, TOKENS],
  data: Array.from({ length: TOKENS }, (_, i) => value(i)),
});

/**
 * One request of each: which model it is for, and its inputs. Those with a `file` are models that others made, of
 * the folder of scripts/fetch_models.py.
 */
const MODELS = [
  { model: 'tiny', inputs: [floats('x', [1, 4])], about: '4-32-3 perceptron' },
  { model: 'mlp', inputs: [floats('x', [1, 784])], about: '784-512x3-10 perceptron' },
  {
    model: 'image',
    inputs: [floats('x', [1, 3, 48, 192])],
    about: 'PP-OCR orientation classifier, one 3x48x192 image',
  },
  { model: 'deep', inputs: [floats('x', [1, 64])], about: '180 layers of 64 3x3 convolutions over 8x8' },
  {
    model: 'photo',
    file: 'photos/1/model.onnx',
    inputs: [floats('pixel_values', [1, 3, 224, 224])],
    about: 'EfficientNet-Lite0, one 3x224x224 image',
  },
  {
    model: 'sentence',
    file: 'sentences/model.onnx',
    inputs: [
      integers('input_ids', (i) => (i * 7919 + 101) % 20_000),
      integers('attention_mask', () => 1),
      integers('token_type_ids', () => 0),
    ],
    about: 'all-MiniLM-L6-v2, 16 tokens',
  },
];

/** The forms of a request: suffix of the work's name, what it is, and how it is written and read. */
const FORMS = {
  v2: {
    suffix: '',
    about: 'V2, JSON',
    path: v2Path,
    body: v2Json,
    output: (body) => json(body).outputs[0].data,
  },
  bin: { suffix: '-bin', about: 'V2, binary', path: v2Path, body: v2Binary, output: binaryOutput },
  native: {
    suffix: '-native',
    about: 'native JSON',
    path: (model) => `/api/inference/${model}`,
    body: nativeJson,
    output: (body) => Object.values(json(body).result)[0].flat(Infinity),
  },
};

/** Every work by its name: `mlp`, `mlp-bin`, `mlp-native` and so on. */
const WORKS = new Map(
  MODELS.flatMap(({ model, file, inputs, about }) =>
    formsOf(file).map(([form, { suffix, about: formAbout }]) => {
      const name = model + suffix;
      return [name, { name, model, file, inputs, form, about: `${about}; ${formAbout}` }];
    }),
  ),
);

/** Models that others made are asked by tensors in V2 alone; the native API is for what their folders declare. */
function formsOf(file) {
  return Object.entries(FORMS).filter(([form]) => file === undefined || form !== 'native');
}

/** The bytes of the work's request as they go over the wire; made once, sent many times. */
function requestBytes(work, extraHeaders = {}) {
  const { path, body } = FORMS[work.form];
  const { bytes, headers } = body(work.inputs);
  const lines = Object.entries({
    Host: 'localhost',
    ...headers,
    ...extraHeaders,
    'Content-Length': bytes.length,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path(work.model)} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes]);
}

/** The numbers of the answer to the work's request. */
function outputOf(work, body, headers) {
  return [...FORMS[work.form].output(body, headers)];
}

/** What a client sends who rounds to six digits. */
function valuesFor(shape) {
  const random = randomFrom(1);
  return Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.round(random() * 1e6) / 1e6);
}

function v2Path(model) {
  return `/v2/models/${model}/infer`;
}

function v2Json(inputs) {
  return asJson({ inputs });
}

function v2Binary(all) {
  const parts = all.map(({ datatype, data }) =>
    Buffer.from((datatype === 'FP32' ? Float32Array.from(data) : BigInt64Array.from(data, BigInt)).buffer),
  );
  const inputs = all.map(({ name, shape, datatype }, i) => {
    return { name, shape, datatype, parameters: { binary_data_size: parts[i].length } };
  });
  const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Inference-Header-Content-Length': head.length,
  };
  return { bytes: Buffer.concat([head, ...parts]), headers };
}

function nativeJson(inputs) {
  return asJson(Object.fromEntries(inputs.map(({ name, shape, data }) => [name, nested(data, shape)])));
}

function nested(values, shape) {
  let parts = values;
  for (const size of shape.slice(1).reverse()) {
    const rows = parts;
    parts = Array.from({ length: rows.length / size }, (_, i) => rows.slice(i * size, (i + 1) * size));
  }
  return parts;
}

function asJson(value) {
  return { bytes: Buffer.from(JSON.stringify(value)), headers: { 'Content-Type': 'application/json' } };
}

function json(body) {
  return JSON.parse(body.toString());
}

function binaryOutput(body, headers) {
  const data = body.subarray(Number(headers['inference-header-content-length']));
  return new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
}

module.exports = { FORMS, MODELS, WORKS, outputOf, requestBytes };
