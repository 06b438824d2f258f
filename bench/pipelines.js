/**
 * What pictures and texts cost, beside a FastAPI script that does the same (servers/pipelines.py), in turns.
 * node bench/pipelines.js <folder of scripts/fetch_models.py photos sentences> [--python venv/bin/python]
 *   [--only photo,sentence,mixed,hit,liveness,memory] [--rounds 3] [--workers 2] [--dist dist] [--profile folder]
 *
 * The Python needs pillow, numpy, tokenizers, onnxruntime, fastapi and uvicorn; without one the script is left out. Linux
 * only: CPU time and memory are those of the whole tree of processes. With --profile each process and thread of the
 * server leaves a CPU profile in that folder.
 */
const { spawn } = require('node:child_process');
const { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const sharp = require('sharp');
const { cpuMs, treeOf } = require('./lib/cpu');
const { freePort } = require('./lib/free-port');
const { residentMb } = require('./lib/memory');
const { Nestor } = require('./lib/nestor');
const { median, quantile } = require('./lib/numbers');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    only: { type: 'string', default: 'photo,sentence,mixed,hit,liveness,memory' },
    rounds: { type: 'string', default: '3' },
    workers: { type: 'string', default: '2' },
    dist: { type: 'string' },
    profile: { type: 'string' },
  },
});
const models = resolve(positionals[0] ?? 'models');
const ROUNDS = Number(options.rounds);
const CLIENTS = 8;
/** So many that several texts of about one length wait at a time. */
const MANY_CLIENTS = 64;
const PROBE_EVERY_MS = 20;
/** Pictures of 12 MP that are decoded while the probe looks. */
const LARGE_PICTURES = 120;
const DECODES = 1000;
const CAT = join(__dirname, '../docs/images/cat.jpg');
const WORDS = 'the cat sat on a mat while many small birds sang of rain and wind over old stone walls'.split(
  ' ',
);
const folder = mkdtempSync(join(tmpdir(), 'nestor-pipelines-'));

/** The cat in another size, with noise, as a photo has it. */
async function photo(width, height, seed) {
  const noise = Buffer.alloc(width * height * 3);
  let state = seed;
  for (let i = 0; i < noise.length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    noise[i] = 112 + ((state >> 16) & 31);
  }
  const grain = { input: noise, raw: { width, height, channels: 3 }, blend: 'soft-light' };
  return sharp(CAT)
    .resize(width, height, { fit: 'fill' })
    .composite([grain])
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Photos of 1.9 MP, made once. */
let photos;
const photosOf = () => (photos ??= Promise.all([1, 2, 3, 4, 5].map((seed) => photo(1600, 1200, seed))));

/** Requests as both servers take them, without the cache. */
const pictureOf = (pictures) => (server, i) => ({
  path: `${server.prefix}/photos?use_cache=false`,
  type: 'image/jpeg',
  body: pictures[i % pictures.length],
});
const textOf = (words) => (server, i) => ({
  path: `${server.prefix}/${server.model ?? 'sentences'}?use_cache=false`,
  type: 'application/json',
  body: Buffer.from(JSON.stringify({ text: sentence(words(i), i) })),
});
const sentence = (words, i) =>
  Array.from({ length: words }, (_, at) => WORDS[(at * 7 + i) % WORDS.length]).join(' ');

async function startNestor() {
  const dir = join(folder, 'models');
  mkdirSync(dir);
  for (const name of ['photos', 'sentences'])
    cpSync(join(models, name), join(dir, name), { recursive: true });
  cpSync(join(models, 'sentences'), join(dir, 'alone'), { recursive: true });
  writeFileSync(join(dir, 'alone', 'model.yaml'), 'batching: false\n');
  const nodeArgs = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`] : [];
  const env = {
    WORKERS: options.workers,
    MODEL_DIR: dir,
    CACHE_ENABLED: 'true',
    LOG_DIR: join(folder, 'logs'),
  };
  const server = await Nestor.start({ folder, dist: options.dist, env, nodeArgs });
  await server.complete();
  return {
    name: 'nestor',
    port: server.port,
    prefix: '/api/inference',
    pids: server.pids,
    stop: () => server.stop(),
  };
}

async function startPython() {
  const port = await freePort();
  const app = ['-m', 'uvicorn', '--app-dir', join(__dirname, 'servers'), 'pipelines:app'];
  const args = [...app, '--log-level', 'warning', '--port', String(port), '--workers', options.workers];
  const env = { ...process.env, MODELS: models, TOKENIZERS_PARALLELISM: 'false', OMP_NUM_THREADS: '1' };
  const child = spawn(options.python, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const server = {
    name: 'fastapi',
    port,
    prefix: '',
    stop() {
      for (const pid of treeOf(child.pid).reverse()) process.kill(pid, 'SIGKILL');
    },
  };
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null) throw new Error('the Python script has ended');
    await sleep(100);
  }
  server.pids = treeOf(child.pid);
  return server;
}

function send({ port }, agent, { path, type, body }) {
  return new Promise((done, fail) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const call = http.request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) done(text);
        else fail(new Error(`${path}: ${answer.statusCode} ${text.slice(0, 200)}`));
      });
    });
    call.on('error', fail);
    call.end(body);
  });
}

/** CPU milliseconds of a request, and requests a second. */
async function load(server, count, requestOf, clients = CLIENTS) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  let next = 0;
  const [cpu, begin] = [cpuMs(server.pids), performance.now()];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) await send(server, agent, requestOf(server, next++));
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  agent.destroy();
  return { cpu: (cpuMs(server.pids) - cpu) / count, rps: count / seconds };
}

const show = (what, value, unit = '') => console.log(`${what.padEnd(64)} ${value.toFixed(2)}${unit}`);

/**
 * Two servers in turns; tells the medians, and of their ratios.
 * @param warmUp requests before anything counts: code that has run a few hundred times is not compiled yet
 */
async function compare(what, servers, { warmUp, count, clients = CLIENTS }, requestOf) {
  const results = servers.map(() => []);
  for (const server of servers) await load(server, warmUp, requestOf, clients);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, server] of servers.entries())
      results[i].push(await load(server, count, requestOf, clients));
  }
  const middle = (i, key) => median(results[i].map((result) => result[key]));
  for (const [i, { name }] of servers.entries()) {
    show(`${what}, ${name}: CPU ms a request`, middle(i, 'cpu'));
    show(`${what}, ${name}: requests/s`, middle(i, 'rps'));
  }
  if (servers.length < 2) return;
  const ratio = (key) => median(results[0].map((own, round) => own[key] / results[1][round][key]));
  show(`${what}: CPU ratio`, ratio('cpu'));
  show(`${what}: throughput ratio`, ratio('rps'));
}

/** @throws when the servers tell other labels, or the same with other scores */
async function checkLabels(servers) {
  const requestOf = pictureOf(await photosOf());
  const answers = await Promise.all(servers.map((server) => send(server, undefined, requestOf(server, 0))));
  const [own, ...others] = answers.map((text) => {
    const answer = JSON.parse(text);
    return (answer.result ?? answer).labels;
  });
  for (const other of others) {
    const [mine, theirs] = [own.flat(), other.flat()];
    const isSame = ({ label, score }, i) =>
      label === theirs[i].label && Math.abs(score - theirs[i].score) < 1e-5;
    if (!mine.every(isSame)) throw new Error(`the servers differ: ${JSON.stringify([mine, theirs])}`);
  }
}

/** How long the liveness probe takes, on new connections, until something is over. */
async function probed(server, work) {
  const times = [];
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const begin = performance.now();
      await new Promise((done, fail) => {
        const target = { host: '127.0.0.1', port: server.port, path: '/api/health/live', agent: false };
        http.get(target, (answer) => answer.resume().on('end', done)).on('error', fail);
      });
      times.push(performance.now() - begin);
      await sleep(PROBE_EVERY_MS);
    }
  })();
  await work();
  isOver = true;
  await probing;
  return times;
}

const PARTS = {
  async photo(servers) {
    await checkLabels(servers);
    const counts = { warmUp: 500, count: 150 };
    await compare('photo of 1.9 MP', servers, counts, pictureOf(await photosOf()));
  },
  async sentence(servers) {
    const requestOf = textOf(() => 12);
    await compare('sentence of 12 words', servers, { warmUp: 2000, count: 600 }, requestOf);
  },
  async mixed([nestor]) {
    const both = [
      { ...nestor, name: 'batched', model: 'sentences' },
      { ...nestor, name: 'unbatched', model: 'alone' },
    ];
    const requestOf = textOf((i) => 4 + ((i * 13) % 35));
    for (const clients of [CLIENTS, MANY_CLIENTS]) {
      const counts = { warmUp: 800, count: 600, clients };
      await compare(`sentences of 4 to 38 words, ${clients} clients`, both, counts, requestOf);
    }
  },
  async hit([nestor]) {
    const requestOf = pictureOf(await photosOf());
    const miss = await load(nestor, 120, requestOf);
    const cached = (server, i) => ({ ...requestOf(server, i), path: `${server.prefix}/photos` });
    await load(nestor, 500, cached);
    const hit = await load(nestor, 2000, cached);
    show('a hit by JPEG: CPU ms', hit.cpu);
    show('a hit by JPEG: share of a miss', hit.cpu / miss.cpu);
  },
  async liveness([nestor]) {
    const large = pictureOf([await photo(4000, 3000, 9)]);
    const times = await probed(nestor, () => load(nestor, LARGE_PICTURES, large));
    show(`liveness while ${CLIENTS} clients send 12 MP, ${times.length} probes: p50`, median(times), ' ms');
    show('  p99', quantile(times, 0.99), ' ms');
    show('  most', Math.max(...times), ' ms');
  },
  async memory([nestor]) {
    const sizes = [
      [640, 480],
      [1600, 1200],
      [800, 600],
      [2400, 1800],
      [320, 240],
    ];
    const pictures = await Promise.all(sizes.map(([width, height], i) => photo(width, height, i + 20)));
    await load(nestor, DECODES / 10, pictureOf(pictures));
    const before = residentMb(nestor.pids);
    await load(nestor, DECODES, pictureOf(pictures));
    show(`resident memory after ${DECODES} decodes, beside before`, residentMb(nestor.pids) - before, ' MB');
  },
};

async function main() {
  const servers = [];
  try {
    servers.push(await startNestor());
    if (options.python) servers.push(await startPython());
    const kib = Math.round((await photosOf())[0].length / 1024);
    const machine = `${options.workers} workers, ${CLIENTS} connections, ${ROUNDS} rounds, Node ${process.version}`;
    console.log(`a photo of 1.9 MP has ${kib} KiB; ${machine}`);
    for (const part of options.only.split(',')) await PARTS[part](servers);
  } finally {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
