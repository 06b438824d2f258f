/**
 * Does memory come back? Reloads a model of 150 MB again and again, then replaces the workers again and again, and
 * compares the memory of the whole server after the fifth time with the memory after the last. 0 leaves one out.
 * node bench/memory.js [reloads] [replacements] [workers] [dist folder]
 *
 * Linux only. Memory is the sum of the processes' proportional set sizes (`Pss` of /proc/<pid>/smaps_rollup), in
 * which a page that several processes share counts once.
 */
const { spawn } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { treeOf } = require('./lib/cpu');
const { freePort } = require('./lib/free-port');
const { mlp } = require('./lib/models');

const [reloads = 100, replacements = 100, workers = 1] = process.argv.slice(2, 5).map(Number);
const dist = resolve(process.argv[5] ?? join(__dirname, '../dist'));
/** 38 million weights. */
const WIDTHS = [1024, 5632, 5632, 16];
const MB = 1024 ** 2;
/** What serves no more is let go beside what serves: memory counts when it has come to rest. */
const REST_MS = 250;
const REST_LOOKS = 20;
const REST_SHARE = 0.005;
const BASE = 5;
/** What is more than that is a leak. */
const ALLOWED_SHARE = 0.1;

const folder = mkdtempSync(join(tmpdir(), 'nestor-memory-'));

async function main() {
  const file = join(folder, 'models/big/1/model.onnx');
  mkdirSync(join(folder, 'models/big/1'), { recursive: true });
  writeFileSync(file, mlp(WIDTHS));
  const [port, management] = [await freePort(), await freePort()];
  const server = spawn(process.execPath, [join(dist, 'main.js')], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      MANAGEMENT_PORT: String(management),
      WORKERS: String(workers),
      MODEL_DIR: join(folder, 'models'),
      PREPARED_DIR: join(folder, 'prepared'),
      LOG_DIR: '',
    },
  });
  const url = `http://127.0.0.1:${port}`;
  const states = `http://127.0.0.1:${management}`;
  try {
    await until(async () => (await fetch(`${states}/health/ready`)).ok && (await complete(states)));
    const preload = process.env.LD_PRELOAD ?? 'none';
    console.log(
      `${(statSync(file).size / MB).toFixed(0)} MB model, workers: ${workers}, Node ${process.version}, LD_PRELOAD: ${preload}`,
    );
    console.log(`at the start: ${await restingMb(server.pid)} MB`);
    const kept = [
      await repeat('reloads', reloads, server.pid, async () => {
        await post(`${url}/v2/repository/models/big/load`, '');
        await infer(url);
      }),
      await repeat('replacements', Math.ceil(replacements / workers), server.pid, async () => {
        const before = await pidsOf(states);
        server.kill('SIGHUP');
        await until(async () => {
          const now = await pidsOf(states);
          return now.length === workers && !now.some((pid) => before.includes(pid)) && complete(states);
        });
        await infer(url);
      }),
    ];
    if (!kept.every(Boolean)) process.exitCode = 1;
  } finally {
    server.kill('SIGTERM');
    await new Promise((gone) => server.once('exit', gone));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns whether the memory in the end is near that after the fifth time */
async function repeat(what, times, pid, action) {
  if (times < BASE) return true;
  const startMs = performance.now();
  let base;
  let last;
  let highest = 0;
  for (let i = 1; i <= times; i++) {
    await action();
    if (i !== BASE && i % 10 !== 0 && i !== times) continue;
    last = await restingMb(pid);
    highest = Math.max(highest, last);
    if (i === BASE) base = last;
    console.log(`  after ${i} ${what}: ${last} MB`);
  }
  const change = last / base - 1;
  const percent = `${change < 0 ? '' : '+'}${(change * 100).toFixed(1)} %`;
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(
    `${what}: ${base} MB after ${BASE}, ${last} MB in the end (${percent}), ${highest} MB at most, in ${seconds} s`,
  );
  return change <= ALLOWED_SHARE;
}

async function restingMb(pid) {
  let before = pssMb(pid);
  for (let look = 0; look < REST_LOOKS; look++) {
    await sleep(REST_MS);
    const now = pssMb(pid);
    if (Math.abs(now - before) <= before * REST_SHARE) return Math.round(now);
    before = now;
  }
  return Math.round(before);
}

function pssMb(pid) {
  let kb = 0;
  for (const process of treeOf(pid)) {
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has ended in between.
    }
  }
  return kb / 1024;
}

async function infer(url) {
  await post(`${url}/api/inference/big`, JSON.stringify([Array.from({ length: WIDTHS[0] }, () => 0.5)]));
}

async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function pidsOf(states) {
  const { workers } = await (await fetch(`${states}/workers`)).json();
  return workers.map(({ pid }) => pid);
}

async function complete(states) {
  return (await (await fetch(`${states}/health/ready`)).json()).complete;
}

async function until(holds) {
  while (
    !(await Promise.resolve()
      .then(holds)
      .catch(() => false))
  ) {
    await sleep(50);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
