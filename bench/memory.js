/**
 * Does memory come back? Reloads a model of 150 MB again and again, then replaces the workers again and again, and
 * compares the memory of the whole server after the fifth time with the memory after the last. 0 leaves one out.
 * node bench/memory.js [reloads] [replacements] [workers] [dist folder]
 *
 * Linux only. Memory is the sum of the processes' proportional set sizes (`Pss` of /proc/<pid>/smaps_rollup), in
 * which a page that several processes share counts once.
 */
const { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { pssMb } = require('./lib/memory');
const { mlp } = require('./lib/models');
const { Nestor } = require('./lib/nestor');

const [reloads = 100, replacements = 100, workers = 1] = process.argv.slice(2, 5).map(Number);
const dist = process.argv[5];
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
  const server = await Nestor.start({
    folder,
    dist,
    env: {
      WORKERS: String(workers),
      MODEL_DIR: join(folder, 'models'),
      PREPARED_DIR: join(folder, 'prepared'),
    },
  });
  try {
    await server.complete();
    const preload = process.env.LD_PRELOAD ?? 'none';
    console.log(
      `${(statSync(file).size / MB).toFixed(0)} MB model, workers: ${workers}, Node ${process.version}, LD_PRELOAD: ${preload}`,
    );
    console.log(`at the start: ${await restingMb(server)} MB`);
    const kept = [
      await repeat('reloads', reloads, server, async () => {
        await server.post('/v2/repository/models/big/load');
        await infer(server);
      }),
      await repeat('replacements', Math.ceil(replacements / workers), server, async () => {
        const before = await server.workerPids();
        server.process.kill('SIGHUP');
        await server.until(async () => {
          const now = await server.workerPids();
          return now.length === workers && !now.some((pid) => before.includes(pid));
        });
        await server.complete();
        await infer(server);
      }),
    ];
    if (!kept.every(Boolean)) process.exitCode = 1;
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns whether the memory in the end is near that after the fifth time */
async function repeat(what, times, server, action) {
  if (times < BASE) return true;
  const startMs = performance.now();
  let base;
  let last;
  let highest = 0;
  for (let i = 1; i <= times; i++) {
    await action();
    if (i !== BASE && i % 10 !== 0 && i !== times) continue;
    last = await restingMb(server);
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

async function restingMb(server) {
  let before = pssMb(server.pids);
  for (let look = 0; look < REST_LOOKS; look++) {
    await sleep(REST_MS);
    const now = pssMb(server.pids);
    if (Math.abs(now - before) <= before * REST_SHARE) return Math.round(now);
    before = now;
  }
  return Math.round(before);
}

async function infer(server) {
  await server.post('/api/inference/big', JSON.stringify([Array.from({ length: WIDTHS[0] }, () => 0.5)]));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
