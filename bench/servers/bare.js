/**
 * Floor: what a Node service costs that is written by hand for these models. `node:http` and `cluster`, the model
 * run on the event loop; no log, no metrics, no checks beyond what the code needs, no batching, no deadlines.
 * Settings: PORT, WORKERS, MODEL_DIR, MODEL_NAMES.
 */
const cluster = require('node:cluster');
const http = require('node:http');
const path = require('node:path');

// Before the runtime is loaded: it reads this once.
process.env.ORT_DISABLE_TELEMETRY = '1';

if (cluster.isPrimary) for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
else void main();

async function main() {
  const ort = require('onnxruntime-node');
  const sessions = new Map();
  const options = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } };
  for (const name of process.env.MODEL_NAMES.split(',')) {
    const file = path.join(process.env.MODEL_DIR, `${name}.onnx`);
    sessions.set(name, await ort.InferenceSession.create(file, options));
  }
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      response.end('{}');
      return;
    }
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      answer(ort, sessions, request, Buffer.concat(chunks)).then(
        ({ headers, body }) => response.writeHead(200, headers).end(body),
        (error) => response.writeHead(500).end(String(error)),
      );
    });
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
}

/** `/v2/models/<model>/infer` or `/api/inference/<model>` */
async function answer(ort, sessions, { url, headers }, body) {
  const model = url.split('/')[3];
  const session = sessions.get(model);
  const run = async (inputs) => {
    const feeds = inputs.map(({ name, datatype, shape, data }) => {
      return [name, new ort.Tensor(datatype === 'INT64' ? 'int64' : 'float32', data, shape)];
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    return outputs[session.outputNames[0]];
  };
  if (url.startsWith('/api/')) {
    const { x } = JSON.parse(body);
    const input = { name: 'x', shape: shapeOf(x), data: Float32Array.from(x.flat(Infinity)) };
    const { data, dims } = await run([input]);
    const rows = Array.from({ length: dims[0] }, (_, row) =>
      Array.from(data.subarray(row * dims[1], (row + 1) * dims[1])),
    );
    return json({ result: { y: rows } });
  }
  const headLength = Number(headers['inference-header-content-length']);
  if (!headLength) {
    const inputs = JSON.parse(body).inputs.map((input) => {
      const isWhole = input.datatype === 'INT64';
      return {
        ...input,
        data: isWhole ? BigInt64Array.from(input.data, BigInt) : Float32Array.from(input.data),
      };
    });
    const { data, dims } = await run(inputs);
    return json({
      model_name: model,
      outputs: [{ name: 'y', datatype: 'FP32', shape: dims, data: Array.from(data) }],
    });
  }
  let start = body.byteOffset + headLength;
  const inputs = JSON.parse(body.toString('utf8', 0, headLength)).inputs.map((input) => {
    const bytes = body.buffer.slice(start, (start += input.parameters.binary_data_size));
    return {
      ...input,
      data: input.datatype === 'INT64' ? new BigInt64Array(bytes) : new Float32Array(bytes),
    };
  });
  return binary(model, await run(inputs));
}

function shapeOf(nested) {
  const shape = [];
  for (let part = nested; Array.isArray(part); part = part[0]) shape.push(part.length);
  return shape;
}

function json(value) {
  const body = JSON.stringify(value);
  return {
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
    body,
  };
}

function binary(model, { data, dims }) {
  const parameters = { binary_data_size: data.byteLength };
  const outputs = [{ name: 'y', datatype: 'FP32', shape: dims, parameters }];
  const head = Buffer.from(JSON.stringify({ model_name: model, outputs }));
  const body = Buffer.concat([head, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Inference-Header-Content-Length': head.length,
    'Content-Length': body.length,
  };
  return { headers, body };
}
