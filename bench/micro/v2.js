/**
 * What the codec of the Open Inference Protocol costs a request: decoding its body, encoding its answer.
 * node bench/micro/v2.js [dist folder]
 *
 * Figures are nanoseconds of the best of several rounds; JSON.parse and JSON.stringify of the same documents
 * stand beside them. "offset" is where in memory the binary tensor lies: only an aligned one needs no copy.
 */
const path = require('node:path');

const dist = path.resolve(process.argv[2] ?? path.join(__dirname, '../../dist'));
const { decodeV2 } = require(path.join(dist, 'protocols/open-inference/v2.codec.js'));
const { encodeV2 } = require(path.join(dist, 'protocols/open-inference/response.js'));

const ROUNDS = 30;
const ROUND_MS = 20;

/** Keeps results from being optimized away. */
let sink;

function bestNs(work) {
  let best = Infinity;
  let calls = 100;
  for (let round = 0; round < ROUNDS; round++) {
    const startNs = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) sink = work();
    const tookNs = Number(process.hrtime.bigint() - startNs);
    best = Math.min(best, tookNs / calls);
    calls = Math.max(10, Math.ceil((ROUND_MS * 1e6) / (tookNs / calls)));
  }
  return best;
}

function report(name, work) {
  console.log(`${name.padEnd(44)} ${String(Math.round(bestNs(work))).padStart(9)} ns`);
}

/** The same numbers each time, with as many digits as FP32 has. */
function floats(count) {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1) * 10);
}

function modelOf(count) {
  return {
    inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, count] }],
    outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, count] }],
  };
}

/** A body whose binary tensor begins at an address that leaves `offset` when divided by 4. */
function binaryBody(count, offset) {
  const data = floats(count);
  const input = {
    name: 'input',
    shape: [1, count],
    datatype: 'FP32',
    parameters: { binary_data_size: 4 * count },
  };
  const head = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }));
  const start = 4 + ((4 + offset - (head.length % 4)) % 4);
  const memory = Buffer.alloc(start + head.length + data.byteLength);
  head.copy(memory, start);
  Buffer.from(data.buffer).copy(memory, start + head.length);
  return { body: memory.subarray(start), headerLength: head.length };
}

for (const count of [4, 784]) {
  const model = modelOf(count);
  const data = floats(count);
  const values = Array.from(data, (value) => Number(value.toPrecision(8)));
  const inputs = [{ name: 'input', shape: [1, count], datatype: 'FP32', data: values }];
  const json = Buffer.from(JSON.stringify({ inputs }));
  report(`decode ${count} floats, JSON`, () => decodeV2(json, undefined, model));
  report(`  JSON.parse of it, into a Float32Array`, () =>
    Float32Array.from(JSON.parse(json.toString()).inputs[0].data),
  );
  for (const offset of [0, 1]) {
    const { body, headerLength } = binaryBody(count, offset);
    report(`decode ${count} floats, binary, offset ${offset}`, () => decodeV2(body, headerLength, model));
  }
  const raw = Buffer.from(data.buffer);
  report(`decode ${count} floats, without JSON`, () => decodeV2(raw, 0, model));

  const outputs = [{ name: 'output', datatype: 'FP32', shape: [1, count], data }];
  const answer = { model: 'model', version: '1', id: undefined, outputs };
  report(`encode ${count} floats, JSON`, () => encodeV2({ ...answer, binaryOutputs: [false] }));
  report(`  JSON.stringify of the same, into a Buffer`, () =>
    Buffer.from(
      JSON.stringify({
        model_name: 'model',
        model_version: '1',
        outputs: [{ name: 'output', shape: [1, count], datatype: 'FP32', data: Array.from(data) }],
      }),
    ),
  );
  report(`encode ${count} floats, binary`, () => encodeV2({ ...answer, binaryOutputs: [true] }));
}
if (sink === undefined) process.exitCode = 1;
