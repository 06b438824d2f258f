/**
 * What weights take, and what a reload costs: a transformer of 436 MB with the shipped models beside it, with one, two
 * and four workers, prepared and as it is; then a reload of it under load.
 * node bench/weights.js [--workers 1,2,4] [--model transformer|residual|external] [--dist folder] [--no-reload]
 *
 * `external` is a transformer of 2.4 GB with its weights beside it. Linux only. Memory is the sum of the processes'
 * proportional set sizes (`Pss` of /proc/<pid>/smaps_rollup), in which a page that several processes share counts once;
 * own memory is their `RssAnon`. CPU is that of one worker from its start until it is ready.
 */
const { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { performance } = require('node:perf_hooks');
const { clearInterval, setInterval } = require('node:timers');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { cpuMs } = require('./lib/cpu');
const { writeResidual, writeTransformer } = require('./lib/large-models');
const { ownMb, pssMb } = require('./lib/memory');
const { Nestor } = require('./lib/nestor');
const { quantile } = require('./lib/numbers');

const { values: options } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,2,4' },
    model: { type: 'string', default: 'transformer' },
    dist: { type: 'string' },
    'no-reload': { type: 'boolean', default: false },
  },
});
const MB = 1024 ** 2;
const TOKENS = 16;
/** Requests that are sent in each second of the reload, and for how long before it. */
const RATE = options.model === 'external' ? 1 : 8;
const STEADY_MS = 12_000;

const MODELS = {
  transformer: (file) => writeTransformer(file),
  residual: (file) => writeResidual(file),
  external: (file) => writeTransformer(file, { layers: 44, width: 1024, heads: 16, external: true }),
};
const BODIES = {
  transformer: tokens(),
  external: tokens(),
  residual: () => [tensor('image', 'FP32', [1, 3, 224, 224], 3 * 224 * 224, () => 0.5)],
};

const folder = mkdtempSync(join(tmpdir(), 'nestor-weights-'));

async function main() {
  const models = join(folder, 'models');
  cpSync(join(__dirname, '../models'), models, { recursive: true });
  const place = join(models, 'large/1');
  mkdirSync(place, { recursive: true });
  MODELS[options.model](join(place, 'model.onnx'));
  const sizes = readdirSync(place).map((name) => statSync(join(place, name)).size);
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  console.log(`${options.model}, ${(size / MB).toFixed(0)} MB, Node ${process.version}`);
  try {
    const shipped = await serve(join(__dirname, '../models'), 1, '', workerCpuMs);
    for (const workers of options.workers.split(',').map(Number)) {
      for (const prepared of ['', join(folder, 'prepared')]) {
        // The first start prepares it.
        if (prepared !== '') await serve(models, 1, prepared, async () => undefined);
        await serve(models, workers, prepared, async (server) => report(server, workers, prepared, shipped));
      }
    }
    if (!options['no-reload']) {
      for (const prepared of ['', join(folder, 'prepared')]) {
        await serve(models, 2, prepared, (server) =>
          reload(server, prepared === '' ? 'as it is' : 'prepared'),
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function report(server, workers, prepared, shippedCpu) {
  const cpu = await workerCpuMs(server);
  await infer(server);
  await sleep(1500);
  const { pids } = server;
  const own = pids.map((pid) => ownMb([pid]).toFixed(0)).join(' + ');
  console.log(
    `${workers} workers, ${prepared === '' ? 'as it is' : 'prepared'}: ${pssMb(pids).toFixed(0)} MB in all, own ${own} MB; ` +
      `the load costs a worker ${Math.round(cpu - shippedCpu)} ms of CPU`,
  );
}

/** What a worker has used since its start, on average. */
async function workerCpuMs(server) {
  const pids = await server.workerPids();
  return cpuMs(pids) / pids.length;
}

/** Replaces the model by itself while requests arrive at a steady rate, whatever becomes of them. */
async function reload(server, what) {
  const calls = [];
  let reloading = false;
  const timer = setInterval(() => {
    const during = reloading;
    const startMs = performance.now();
    calls.push(
      infer(server).then(
        () => ({ during: during || reloading, ms: performance.now() - startMs }),
        (error) => ({ during, error }),
      ),
    );
  }, 1000 / RATE);
  await sleep(STEADY_MS);
  const before = pssMb(server.pids);
  const startMs = performance.now();
  reloading = true;
  await server.post('/v2/repository/models/large/load', '{}');
  const reloadMs = performance.now() - startMs;
  reloading = false;
  await sleep(2000);
  clearInterval(timer);
  const done = await Promise.all(calls);
  await sleep(3000);
  const p99 = (during) =>
    quantile(
      done.filter((call) => !call.error && call.during === during).map(({ ms }) => ms),
      0.99,
    );
  const failed = done.filter(({ error }) => error);
  console.log(
    `reload on 2 workers, ${what}: ${(reloadMs / 1000).toFixed(1)} s, ${failed.length} of ${done.length} requests failed, ` +
      `p99 ${p99(false).toFixed(0)} ms before and ${p99(true).toFixed(0)} ms meanwhile; ` +
      `memory ${before.toFixed(0)} MB before and ${pssMb(server.pids).toFixed(0)} MB after`,
  );
  if (failed.length > 0) process.exitCode = 1;
}

async function serve(models, workers, prepared, look) {
  const server = await Nestor.start({
    folder,
    dist: options.dist,
    env: {
      WORKERS: String(workers),
      EXECUTION_SLOTS: '1',
      MODEL_DIR: models,
      MAX_RESIDENT_MODELS: '20',
      PREPARED_DIR: prepared,
      ACCESS_LOG: 'false',
    },
  });
  try {
    return await look(await server.complete());
  } finally {
    await server.stop();
  }
}

function infer(server) {
  return server.post('/v2/models/large/infer', JSON.stringify({ inputs: BODIES[options.model]() }));
}

function tokens() {
  let seed = 0;
  return () => {
    seed++;
    return [
      tensor('input_ids', 'INT64', [1, TOKENS], TOKENS, (i) => (i * 7919 + seed) % 20_000),
      tensor('attention_mask', 'INT64', [1, TOKENS], TOKENS, () => 1),
    ];
  };
}

function tensor(name, datatype, shape, length, element) {
  return { name, datatype, shape, data: Array.from({ length }, (_, i) => element(i)) };
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
