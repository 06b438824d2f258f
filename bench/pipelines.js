/**
 * What pictures and texts cost, beside a FastAPI script that does the same (servers/pipelines.py), in turns.
 * node bench/pipelines.js <folder of scripts/fetch_models.py photos sentences> [python] [rounds] [workers]
 *
 * The Python needs pillow, numpy, tokenizers, onnxruntime, fastapi and uvicorn; without one the script is left out. Linux
 * only: CPU time and memory are those of the whole tree of processes.
 */
const { spawn } = require('node:child_process');
const {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const sharp = require('sharp');
const { cpuMs, treeOf } = require('./lib/cpu');
const { freePort } = require('./lib/free-port');

const models = resolve(process.argv[2] ?? 'models');
const python = process.argv[3];
const [rounds = 3, workers = 2] = process.argv.slice(4, 6).map(Number);
const CLIENTS = 8;
const DEPTH_MS = 8000;
const folder = mkdtempSync(join(tmpdir(), 'nestor-pipelines-'));
const CAT = join(__dirname, '../docs/images/cat.jpg');
const WORDS = 'the cat sat on a mat while many small birds sang of rain and wind over old stone walls'.split(
  ' ',
);

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

const sentence = (words, i) =>
  Array.from({ length: words }, (_, at) => WORDS[(at * 7 + i) % WORDS.length]).join(' ');

async function start(command, args, env, port, readyPath) {
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (let i = 0; i < 300; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}${readyPath}`).catch(() => undefined);
    if (answer?.ok) return child;
    await sleep(200);
  }
  throw new Error(`${command} did not start`);
}

async function startNestor() {
  const port = await freePort();
  const dir = join(folder, 'models');
  mkdirSync(dir);
  for (const name of ['photos', 'sentences']) symlinkSync(join(models, name), join(dir, name));
  cpSync(join(models, 'sentences'), join(dir, 'alone'), { recursive: true });
  writeFileSync(join(dir, 'alone', 'model.yaml'), 'batching: false\n');
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    WORKERS: String(workers),
  };
  Object.assign(env, { MODEL_DIR: dir, LOG_DIR: join(folder, 'logs') });
  const main = join(__dirname, '../dist/main.js');
  return {
    name: 'nestor',
    port,
    prefix: '/api/inference',
    child: await start(process.execPath, [main], env, port, '/api/health/ready'),
  };
}

async function startPython() {
  const port = await freePort();
  const args = [
    '-m',
    'uvicorn',
    '--app-dir',
    join(__dirname, 'servers'),
    'pipelines:app',
    '--log-level',
    'warning',
  ];
  args.push('--port', String(port), '--workers', String(workers));
  const env = { ...process.env, MODELS: models, TOKENIZERS_PARALLELISM: 'false', OMP_NUM_THREADS: '1' };
  return { name: 'fastapi', port, prefix: '', child: await start(python, args, env, port, '/ready') };
}

function send({ port, prefix }, agent, { path, type, body }) {
  return new Promise((done, fail) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const call = http.request(
      { host: '127.0.0.1', port, path: prefix + path, method: 'POST', agent, headers },
      (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (answer.statusCode === 200) done(text);
          else fail(new Error(`${answer.statusCode} ${text.slice(0, 200)}`));
        });
      },
    );
    call.on('error', fail);
    call.end(body);
  });
}

/** CPU milliseconds of a request, and requests a second. */
async function load(server, count, requestOf, clients = CLIENTS) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  let next = 0;
  const pids = treeOf(server.child.pid);
  const [cpu, begin] = [cpuMs(pids), performance.now()];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) await send(server, agent, requestOf(next++));
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  agent.destroy();
  return { cpu: (cpuMs(pids) - cpu) / count, rps: count / seconds };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const show = (what, value, unit = '') => console.log(`${what.padEnd(64)} ${value.toFixed(2)}${unit}`);

/** Both servers in turns; tells the medians, and of their ratios. */
async function compare(what, servers, count, requestOf) {
  const results = servers.map(() => []);
  for (const server of servers) await load(server, Math.ceil(count / 4), (i) => requestOf(server, i));
  for (let round = 0; round < rounds; round++) {
    for (const [i, server] of servers.entries())
      results[i].push(await load(server, count, (n) => requestOf(server, n)));
  }
  for (const [i, server] of servers.entries()) {
    show(
      `${what}, ${server.label ?? server.name}: CPU ms a request`,
      median(results[i].map(({ cpu }) => cpu)),
    );
    show(`${what}, ${server.label ?? server.name}: requests/s`, median(results[i].map(({ rps }) => rps)));
  }
  if (servers.length < 2) return;
  const ratio = (key) => median(results[0].map((own, i) => own[key] / results[1][i][key]));
  show(`${what}: CPU ratio`, ratio('cpu'));
  show(`${what}: throughput ratio`, ratio('rps'));
}

function residentMb(server) {
  let kb = 0;
  for (const pid of treeOf(server.child.pid)) {
    kb += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  return kb / 1024;
}

async function livenessMs(server, until) {
  const times = [];
  while (performance.now() < until) {
    const begin = performance.now();
    await new Promise((done, fail) => {
      http
        .get({ host: '127.0.0.1', port: server.port, path: '/api/health/live', agent: false }, (answer) => {
          answer.resume().on('end', done);
        })
        .on('error', fail);
    });
    times.push(performance.now() - begin);
    await sleep(20);
  }
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

async function main() {
  const nestor = await startNestor();
  const servers = python ? [nestor, await startPython()] : [nestor];
  try {
    const pictures = await Promise.all([1, 2, 3, 4, 5].map((seed) => photo(1600, 1200, seed)));
    console.log(
      `a photo of 1.9 MP has ${Math.round(pictures[0].length / 1024)} KiB; ${workers} workers, ${CLIENTS} connections, ${rounds} rounds`,
    );
    const image = (path) => (_, i) => ({ path, type: 'image/jpeg', body: pictures[i % pictures.length] });
    const ownPath = (server, path) => (server === nestor ? `${path}?use_cache=false` : path);
    const answers = await Promise.all(
      servers.map(async (server) =>
        JSON.parse(await send(server, undefined, image(ownPath(server, '/photos'))(server, 0))),
      ),
    );
    const labels = answers.map((answer) => (answer.result ?? answer).labels);
    if (
      labels[1] &&
      labels[0].some(
        ({ label, score }, i) => label !== labels[1][i].label || Math.abs(score - labels[1][i].score) > 1e-5,
      )
    ) {
      throw new Error(`the servers differ: ${JSON.stringify(labels)}`);
    }
    await compare('photo', servers, 120, (server, i) => image(ownPath(server, '/photos'))(server, i));
    const text = (words) => (server, i) => ({
      path: ownPath(server, '/sentences'),
      type: 'application/json',
      body: Buffer.from(JSON.stringify({ text: sentence(words(i), i) })),
    });
    await compare(
      'sentence of 12 words',
      servers,
      400,
      text(() => 12),
    );
    const mixed = (i) => 4 + ((i * 13) % 35);
    const both = [
      { ...nestor, label: 'batched' },
      { ...nestor, label: 'unbatched' },
    ];
    await compare('sentences of 4 to 38 words', both, 400, (server, i) => ({
      path: `/${server.label === 'batched' ? 'sentences' : 'alone'}?use_cache=false`,
      type: 'application/json',
      body: Buffer.from(JSON.stringify({ text: sentence(mixed(i), i) })),
    }));
    const miss = await load(nestor, 120, (i) => image('/photos?use_cache=false')(nestor, i));
    await load(nestor, 120, (i) => image('/photos')(nestor, i));
    const hit = await load(nestor, 2000, (i) => image('/photos')(nestor, i));
    show('a hit by JPEG: CPU ms', hit.cpu);
    show('a hit by JPEG: share of a miss', hit.cpu / miss.cpu);
    const large = await photo(4000, 3000, 9);
    const probing = livenessMs(nestor, performance.now() + DEPTH_MS);
    await load(nestor, 60, () => ({ path: '/photos?use_cache=false', type: 'image/jpeg', body: large }));
    const { p50, p99 } = await probing;
    show('liveness while 8 clients send 12 MP: p50', p50, ' ms');
    show('liveness while 8 clients send 12 MP: p99', p99, ' ms');
    const sizes = [
      [640, 480],
      [1600, 1200],
      [800, 600],
      [2400, 1800],
      [320, 240],
    ];
    const mixedSizes = await Promise.all(sizes.map(([width, height], i) => photo(width, height, i + 20)));
    const decode = (count) =>
      load(nestor, count, (i) => ({
        path: '/photos?use_cache=false',
        type: 'image/jpeg',
        body: mixedSizes[i % 5],
      }));
    await decode(100);
    const before = residentMb(nestor);
    await decode(1000);
    show('resident memory after 1,000 decodes, beside before', residentMb(nestor) - before, ' MB');
  } finally {
    for (const { child } of servers) {
      for (const pid of treeOf(child.pid).reverse()) process.kill(pid, 'SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
