const { randomFrom } = require('./numbers');

/** One request of each: which model it is for, and its input. */
const MODELS = [
  { model: 'tiny', shape: [1, 4], about: '4-32-3 perceptron' },
  { model: 'mlp', shape: [1, 784], about: '784-512x3-10 perceptron' },
  { model: 'image', shape: [1, 3, 48, 192], about: 'PP-OCR orientation classifier, one 3x48x192 image' },
  { model: 'deep', shape: [1, 64], about: '180 layers of 64 3x3 convolutions over 8x8' },
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
    output: (body) => json(body).result.y.flat(Infinity),
  },
};

/** Every work by its name: `mlp`, `mlp-bin`, `mlp-native` and so on. */
const WORKS = new Map(
  MODELS.flatMap(({ model, shape, about }) =>
    Object.entries(FORMS).map(([form, { suffix, about: formAbout }]) => {
      const name = model + suffix;
      return [name, { name, model, shape, form, about: `${about}; ${formAbout}` }];
    }),
  ),
);

/** The bytes of the work's request as they go over the wire; made once, sent many times. */
function requestBytes(work, extraHeaders = {}) {
  const { path, body } = FORMS[work.form];
  const { bytes, headers } = body(work.shape, valuesFor(work.shape));
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

function v2Json(shape, data) {
  return asJson({ inputs: [{ name: 'x', shape, datatype: 'FP32', data }] });
}

function v2Binary(shape, values) {
  const data = Buffer.from(Float32Array.from(values).buffer);
  const input = { name: 'x', shape, datatype: 'FP32', parameters: { binary_data_size: data.length } };
  const head = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }));
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Inference-Header-Content-Length': head.length,
  };
  return { bytes: Buffer.concat([head, data]), headers };
}

function nativeJson(shape, values) {
  let nested = values;
  for (const size of shape.slice(1).reverse()) {
    const rows = nested;
    nested = Array.from({ length: rows.length / size }, (_, i) => rows.slice(i * size, (i + 1) * size));
  }
  return asJson({ x: nested });
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

module.exports = { FORMS, MODELS, WORKS, outputOf, requestBytes, valuesFor };
