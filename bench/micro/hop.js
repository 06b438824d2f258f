/**
 * What a run costs through a session thread, beside the same run inline on the calling thread.
 * node bench/micro/hop.js [dist folder]
 *
 * CPU is this process's, all its threads; the hop is what the way there and back adds to the run itself: joining
 * the rows, waking the thread, waking the event loop, and the copy of the outputs. One run at a time, which is the
 * worst case: each one finds both sides asleep.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { performance } = require('node:perf_hooks');

// Before the runtime is loaded: it reads this once.
process.env.ORT_DISABLE_TELEMETRY = '1';

const { writeModels } = require('../lib/models');
const { median } = require('../lib/numbers');
const { MODELS } = require('../lib/works');

const dist = path.resolve(process.argv[2] ?? path.join(__dirname, '../../dist'));
const { openRuntime } = require(path.join(dist, 'runners/onnx/runtime.js'));
const { openAlone, SessionThread } = require(path.join(dist, 'runners/onnx/session-thread.js'));

const ROUNDS = 5;
const ROUND_MS = 150;
const CASES = [
  ['tiny', 1],
  ['tiny', 32],
  ['mlp', 1],
  ['mlp', 32],
  ['image', 1],
  ['image', 4],
];

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-hop-'));
  try {
    writeModels(folder);
    console.log('model   rows    inline us (cpu)    thread us (cpu)    hop us (cpu)');
    for (const [model, rows] of CASES) await compare(path.join(folder, `${model}.onnx`), model, rows);
  } finally {
    await SessionThread.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(modelFile, model, rows) {
  const options = {
    modelFile,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  };
  const [input] = MODELS.find((known) => known.model === model).inputs;
  const request = [tensorOf(input, 1)];
  const batch = Array.from({ length: rows }, () => request);
  const joined = [tensorOf(input, rows)];
  const session = await openRuntime(options);
  const thread = await openAlone(options, { niceness: 0, timeoutMs: 60_000 });
  const inline = [];
  const threaded = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const first = await timesOf(() => session.run(joined));
    const second = await timesOf(() => thread.run(batch));
    // The first round is for the compiler and the caches.
    if (round > 0) inline.push(first);
    if (round > 0) threaded.push(second);
  }
  await session.release();
  await thread.close();
  const figures = [inline, threaded].map((rounds) =>
    ['us', 'cpuUs'].map((key) => median(rounds.map((r) => r[key]))),
  );
  const [[us, cpuUs], [threadUs, threadCpuUs]] = figures;
  const cells = [...figures, [threadUs - us, threadCpuUs - cpuUs]].map(([wall, cpu]) =>
    `${wall.toFixed(1)} (${cpu.toFixed(1)})`.padStart(19),
  );
  console.log(`${model.padEnd(6)}${String(rows).padStart(6)}${cells.join('')}`);
}

function tensorOf({ shape, data: values }, rows) {
  const data = new Float32Array(values.length * rows);
  for (let row = 0; row < rows; row++) data.set(values, row * values.length);
  return { name: 'x', datatype: 'FP32', shape: [rows, ...shape.slice(1)], data };
}

async function timesOf(run) {
  const startMs = performance.now();
  const before = process.cpuUsage();
  let runs = 0;
  for (; performance.now() - startMs < ROUND_MS; runs++) await run();
  const { user, system } = process.cpuUsage(before);
  return { us: ((performance.now() - startMs) / runs) * 1000, cpuUs: (user + system) / runs };
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
