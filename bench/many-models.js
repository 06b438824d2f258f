/**
 * What does a crowd of small models cost? Copies of `iris`, each a little different, behind this server, and beside it
 * what one would write by hand: one process, sessions in a map.
 * node bench/many-models.js [--only bare,required,thrash,one,folder,churn] [--models 300] [--folder 2000]
 *   [--churn 10000] [--seconds 5] [--workers 2] [--dist dist] [--profile folder]
 *
 * Linux only: memory is the sum of the processes' proportional set sizes, CPU that of the whole tree of processes.
 * With --profile each process and thread of the server leaves a CPU profile in that folder.
 */
const { spawn } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { cpuMs } = require('./lib/cpu');
const { pssMb, threadsOf } = require('./lib/memory');
const { Nestor } = require('./lib/nestor');
const { median, quantile } = require('./lib/numbers');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'bare,required,thrash,one,folder,churn' },
    models: { type: 'string', default: '300' },
    folder: { type: 'string', default: '2000' },
    churn: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    dist: { type: 'string' },
    profile: { type: 'string' },
  },
});
const MODELS = Number(options.models);
const WINDOW_MS = Number(options.seconds) * 1000;
const CLIENTS = 8;
/** In which two servers take turns; the first are those in which code is compiled. */
const ROUNDS = 9;
const SCRAPES = 7;
const IRIS = readFileSync(join(__dirname, '../models/iris/1/model.onnx'));
const BODY = JSON.stringify({ features: [[5.1, 3.5, 1.4, 0.2]] });
/** Of ModelProto, with the type of its wire: doc_string, a text that no runtime reads. */
const DOC_STRING = 0x32;

const folder = mkdtempSync(join(tmpdir(), 'nestor-many-'));

/** Copies of one model that differ in their bytes, as those of different customers do. */
function writeModels(count) {
  const dir = join(folder, `models-${count}`);
  for (let i = 0; i < count; i++) {
    mkdirSync(join(dir, `m${i}`, '1'), { recursive: true });
    const note = Buffer.from(`model ${i}`);
    const file = Buffer.concat([IRIS, Buffer.from([DOC_STRING, note.length]), note]);
    writeFileSync(join(dir, `m${i}`, '1', 'model.onnx'), file);
  }
  return dir;
}

/** Loads all, then loads, runs and releases one after the other: the floor, without HTTP. */
async function bare() {
  const dir = writeModels(MODELS);
  const script = `
    const ort = require('onnxruntime-node');
    const file = (i) => ${JSON.stringify(dir)} + '/m' + i + '/1/model.onnx';
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    const feed = () => ({ features: new ort.Tensor('float32', [5.1, 3.5, 1.4, 0.2], [1, 4]) });
    (async () => {
      const startMs = performance.now();
      const sessions = [];
      for (let i = 0; i < ${MODELS}; i++) sessions.push(await ort.InferenceSession.create(file(i), options));
      const loadMs = performance.now() - startMs;
      const mb = Math.round(process.memoryUsage.rss() / 2 ** 20);
      for (const session of sessions) await session.run(feed());
      for (const session of sessions) await session.release();
      const thrashMs = performance.now();
      for (let i = 0; i < ${MODELS}; i++) {
        const session = await ort.InferenceSession.create(file(i), options);
        await session.run(feed());
        await session.release();
      }
      const eachMs = (performance.now() - thrashMs) / ${MODELS};
      console.log('bare script: all loaded in ' + (loadMs / 1000).toFixed(2) + ' s, ' + mb + ' MB; load, run, release: '
        + eachMs.toFixed(2) + ' ms');
    })();`;
  const child = spawn(process.execPath, ['-e', script], { cwd: join(__dirname, '..'), stdio: 'inherit' });
  await new Promise((gone) => child.once('exit', gone));
}

async function required() {
  await withServer(
    { MODEL_DIR: writeModels(MODELS), MAX_RESIDENT_MODELS: String(MODELS) },
    async (server) => {
      report(`${MODELS} required`, {
        ready_s: server.readyMs / 1000,
        pss_mb: pssMb(server.pids),
        threads: Math.max(...server.pids.map(threadsOf)),
      });
      report('  random requests, all resident', await load(server, MODELS));
      report('  /metrics', await scrape(server));
    },
  );
}

async function thrash() {
  const env = { MODEL_DIR: writeModels(MODELS), MODEL_NAMES: 'm0', MAX_RESIDENT_MODELS: '5' };
  await withServer(env, async (server) => {
    report(`each of ${MODELS} for the first time, 5 resident, ${CLIENTS} clients`, await walk(server));
    await load(server, MODELS, CLIENTS, WINDOW_MS / 2);
    report(`random over ${MODELS}, 5 resident, 1 client`, await load(server, MODELS, 1));
    report(`random over ${MODELS}, 5 resident, ${CLIENTS} clients`, await load(server, MODELS));
  });
}

/** CPU of a request to one model, alone and among the others, in turns. */
async function one() {
  const dir = writeModels(MODELS);
  await withServer({ MODEL_DIR: dir, MODEL_NAMES: 'm0' }, (alone) =>
    withServer({ MODEL_DIR: dir, MAX_RESIDENT_MODELS: String(MODELS) }, async (among) => {
      const figures = { alone: [], among: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const turns = [
          ['alone', alone],
          ['among', among],
        ];
        for (const [name, server] of round % 2 === 0 ? turns : turns.reverse()) {
          figures[name].push((await load(server, 1, CLIENTS, WINDOW_MS / 2)).cpu_ms);
        }
      }
      report(`one model, alone and among ${MODELS}`, {
        alone_cpu_ms: median(figures.alone),
        among_cpu_ms: median(figures.among),
        cpu_ratio: median(figures.among.map((cpu, round) => cpu / figures.alone[round])),
      });
    }),
  );
}

async function manyFiles() {
  const count = Number(options.folder);
  await withServer({ MODEL_DIR: writeModels(count), MODEL_NAMES: 'm0' }, async (server) => {
    report(`${count} in the folder, one required`, {
      ready_s: server.readyMs / 1000,
      pss_mb: pssMb(server.pids),
    });
  });
}

/** Loads and unloads, again and again: does memory come back? */
async function churn() {
  const times = Number(options.churn);
  const env = { MODEL_DIR: writeModels(MODELS), MODEL_NAMES: 'm0', MAX_RESIDENT_MODELS: '5' };
  await withServer(env, async (server) => {
    let next = 0;
    const pick = () => `m${next++ % MODELS}`;
    const turn = async (count) => {
      const end = next + count;
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          while (next < end) await post(server, pick());
        }),
      );
    };
    await turn(1000);
    const first = pssMb(server.pids);
    await turn(times - 1000);
    const last = pssMb(server.pids);
    report(`${times} loads and unloads`, { after_1000_mb: first, after_all_mb: last, ratio: last / first });
  });
}

async function withServer(env, use) {
  const nodeArgs = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`] : [];
  const server = await Nestor.start({
    folder,
    dist: options.dist,
    env: { WORKERS: options.workers, ...env },
    nodeArgs,
  });
  server.agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  try {
    await sleep(500);
    await use(server);
  } finally {
    server.agent.destroy();
    await server.stop();
  }
}

/** Clients that send their next request, to a model drawn at random, when they have an answer. */
function load(server, models, clients = CLIENTS, windowMs = WINDOW_MS) {
  const endMs = performance.now() + windowMs;
  const draw = () => (performance.now() < endMs ? Math.floor(Math.random() * models) : undefined);
  return measured(server, clients, draw);
}

/** The same, to one model after the other. */
function walk(server) {
  let next = 0;
  return measured(server, CLIENTS, () => (next < MODELS ? next++ : undefined));
}

/** @param draw says whom the next request is for; undefined: that was the last */
async function measured(server, clients, draw) {
  const { pids } = server;
  const beforeMs = cpuMs(pids);
  const startMs = performance.now();
  const took = [];
  const others = new Map();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let model = draw(); model !== undefined; model = draw()) {
        const sentMs = performance.now();
        const { status } = await post(server, `m${model}`);
        if (status === 200) took.push(performance.now() - sentMs);
        else others.set(status, (others.get(status) ?? 0) + 1);
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  return {
    per_s: took.length / seconds,
    p50_ms: median(took),
    p99_ms: quantile(took, 0.99),
    cpu_ms: (cpuMs(pids) - beforeMs) / took.length,
    refused: JSON.stringify([...others]),
  };
}

/** The longest that a probe took meanwhile says how long an event loop was held, the primary's or a worker's. */
async function scrape(server) {
  const primary = { ...server, port: server.managementPort };
  const took = [];
  const longest = { primary: [], worker: [] };
  for (let i = 0; i < SCRAPES; i++) {
    let isOver = false;
    const probe = async (of, path) => {
      let mostMs = 0;
      while (!isOver) {
        const sentMs = performance.now();
        await call(of, 'GET', path);
        mostMs = Math.max(mostMs, performance.now() - sentMs);
      }
      return mostMs;
    };
    const probing = [probe(primary, '/health/live'), probe(server, '/api/health/live')];
    const startMs = performance.now();
    const { bytes } = await call(server, 'GET', '/metrics');
    took.push({ bytes, ms: performance.now() - startMs });
    isOver = true;
    const [ofPrimary, ofWorker] = await Promise.all(probing);
    longest.primary.push(ofPrimary);
    longest.worker.push(ofWorker);
    await sleep(1000);
  }
  return {
    kb: took[0].bytes / 1024,
    ms: median(took.map(({ ms }) => ms)),
    primary_probe_ms: median(longest.primary),
    worker_probe_ms: median(longest.worker),
  };
}

function post(server, model) {
  return call(server, 'POST', `/api/inference/${model}`, BODY);
}

function call({ port, agent }, method, path, body = '') {
  return new Promise((done, fail) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request({ port, host: '127.0.0.1', agent, method, path, headers }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk) => (bytes += chunk.length));
      answer.on('end', () => done({ status: answer.statusCode, bytes }));
    });
    request.on('error', fail);
    request.end(body);
  });
}

function report(what, figures) {
  const shown = Object.entries(figures).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`,
  );
  console.log(`${what}: ${shown.join(', ')}`);
}

const PARTS = { bare, required, thrash, one, folder: manyFiles, churn };

async function main() {
  try {
    for (const name of options.only.split(',')) await PARTS[name]();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
