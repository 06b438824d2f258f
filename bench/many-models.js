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
const { cpuMs, treeOf } = require('./lib/cpu');
const { freePort } = require('./lib/free-port');

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'bare,required,thrash,one,folder,churn' },
    models: { type: 'string', default: '300' },
    folder: { type: 'string', default: '2000' },
    churn: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    dist: { type: 'string', default: join(__dirname, '../dist') },
    profile: { type: 'string' },
  },
});
const MODELS = Number(options.models);
const WINDOW_MS = Number(options.seconds) * 1000;
const CLIENTS = 8;
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
        pss_mb: pssMb(server.pid),
        threads: threads(server.pid),
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
      const ratios = [];
      let figures;
      for (let round = 0; round < 5; round++) {
        const a = await load(alone, 1, CLIENTS, WINDOW_MS / 2);
        const b = await load(among, 1, CLIENTS, WINDOW_MS / 2);
        ratios.push(b.cpu_ms / a.cpu_ms);
        figures = { alone_cpu_ms: a.cpu_ms, among_cpu_ms: b.cpu_ms };
      }
      ratios.sort((x, y) => x - y);
      report(`one model, alone and among ${MODELS}`, { ...figures, cpu_ratio: ratios[2] });
    }),
  );
}

async function manyFiles() {
  const count = Number(options.folder);
  await withServer({ MODEL_DIR: writeModels(count), MODEL_NAMES: 'm0' }, async (server) => {
    report(`${count} in the folder, one required`, {
      ready_s: server.readyMs / 1000,
      pss_mb: pssMb(server.pid),
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
    const first = pssMb(server.pid);
    await turn(times - 1000);
    const last = pssMb(server.pid);
    report(`${times} loads and unloads`, { after_1000_mb: first, after_all_mb: last, ratio: last / first });
  });
}

async function withServer(env, use) {
  const port = await freePort();
  const startMs = performance.now();
  const profile = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`] : [];
  const server = spawn(process.execPath, [...profile, join(resolve(options.dist), 'main.js')], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      MANAGEMENT_PORT: String(await freePort()),
      WORKERS: options.workers,
      CACHE_ENABLED: 'false',
      LOG_DIR: '',
      ...env,
    },
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  const handle = { pid: server.pid, port, agent, readyMs: 0 };
  try {
    for (;;) {
      const ready = await call(handle, 'GET', '/api/health/ready').catch(() => ({ status: 0 }));
      if (ready.status === 200) break;
      if (server.exitCode !== null) throw new Error('the server ended');
      await sleep(20);
    }
    handle.readyMs = performance.now() - startMs;
    await sleep(500);
    await use(handle);
  } finally {
    agent.destroy();
    server.kill('SIGTERM');
    await new Promise((gone) => server.once('exit', gone));
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
  const pids = treeOf(server.pid);
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
  took.sort((a, b) => a - b);
  return {
    per_s: took.length / seconds,
    p50_ms: took[Math.floor(took.length / 2)],
    p99_ms: took[Math.floor(took.length * 0.99)],
    cpu_ms: (cpuMs(pids) - beforeMs) / took.length,
    refused: JSON.stringify([...others]),
  };
}

async function scrape(server) {
  const startMs = performance.now();
  const { bytes } = await call(server, 'GET', '/metrics');
  return { kb: bytes / 1024, ms: performance.now() - startMs };
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

function pssMb(pid) {
  let kb = 0;
  for (const process of treeOf(pid)) {
    kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  }
  return kb / 1024;
}

function threads(pid) {
  const counts = treeOf(pid).map((process) =>
    Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))[1]),
  );
  return Math.max(...counts);
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
