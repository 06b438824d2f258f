/** Floor: a process that does nothing but call the runtime in a loop, with an input that is made once. */
const { performance } = require('node:perf_hooks');

// Before the runtime is loaded: it reads this once.
process.env.ORT_DISABLE_TELEMETRY = '1';
const ort = require('onnxruntime-node');
const { serve } = require('../lib/child');

const OPTIONS = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } };

serve(async ({ file, inputs, settleMs, windowMs }) => {
  const session = await ort.InferenceSession.create(file, OPTIONS);
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input)]));
  await runFor(session, feeds, settleMs);
  const { user, system } = process.cpuUsage();
  const startMs = performance.now();
  const runs = await runFor(session, feeds, windowMs);
  const seconds = (performance.now() - startMs) / 1000;
  const after = process.cpuUsage({ user, system });
  await session.release();
  return { runs, seconds, cpuMs: (after.user + after.system) / 1000 };
});

function tensorOf({ datatype, shape, data }) {
  return datatype === 'FP32'
    ? new ort.Tensor('float32', Float32Array.from(data), shape)
    : new ort.Tensor('int64', BigInt64Array.from(data, BigInt), shape);
}

async function runFor(session, feeds, ms) {
  const untilMs = performance.now() + ms;
  let runs = 0;
  for (; performance.now() < untilMs; runs++) await session.run(feeds);
  return runs;
}
