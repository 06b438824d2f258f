/**
 * What a cached answer costs beside the model's run: CPU of the whole server for a request, by the native API.
 * node bench/cache.js <folder with tiny.onnx, mlp.onnx, cls.onnx> [rounds] [seconds] [dist folder]
 *
 * Needs Linux, wrk and redis-server. Three servers with one worker each take turns: `off` without a cache, `memory`
 * with the memory tier, `redis` with Redis alone. Requests go round a set of different bodies, so that no two equal
 * ones are under way at the same time, and each is asked once before it is measured; those of `fresh` never come
 * twice. The least of all rounds counts: whatever else runs on the machine only adds.
 */
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { Bench, least, load, WORKS } = require('./lib/cache-server');

const [models, rounds = '3', seconds = '3', dist = join(__dirname, '../dist')] = process.argv.slice(2);
const CONNECTIONS = 32;
const TICKS_A_SECOND = 100;
const MICROSECONDS = 1e6;
/** Each line of the table: which server is asked, how, and what it has to answer. */
const MODES = {
  off: { server: 'off', expect: 'BYPASS' },
  'use_cache=false': { server: 'memory', expect: 'BYPASS', query: '?use_cache=false' },
  'memory hit': { server: 'memory', expect: 'HIT' },
  'redis hit': { server: 'redis', expect: 'HIT' },
  'fresh, off': { server: 'off', expect: 'BYPASS', fresh: true },
  'fresh, memory': { server: 'memory', expect: 'MISS', fresh: true },
};
const bench = new Bench(models, dist);

/** CPU seconds of a process and all below it. */
function cpuOf(root) {
  const parents = new Map();
  const spent = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(pid), Number(fields[1]));
      spent.set(Number(pid), (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND);
    } catch {
      // It is gone.
    }
  }
  const below = (pid) => pid === root || (parents.has(pid) && below(parents.get(pid)));
  return [...spent].reduce((sum, [pid, time]) => (below(pid) ? sum + time : sum), 0);
}

async function measure(server, work, mode, script) {
  const url = `${server.url}/api/inference/${work}${mode.query ?? ''}`;
  const headers = { 'content-type': 'application/json' };
  if (!mode.fresh && mode.expect === 'HIT') {
    for (const body of script.texts) await (await fetch(url, { method: 'POST', headers, body })).text();
    await sleep(200);
  }
  const body = mode.fresh ? script.texts[0].replace('0.5', String(Math.random())) : script.texts[0];
  const probe = await fetch(url, { method: 'POST', headers, body });
  if (probe.headers.get('x-cache') !== mode.expect)
    throw new Error(`${work}: ${probe.headers.get('x-cache')}`);
  await load(script.file, url, CONNECTIONS, 1);
  const before = cpuOf(server.pid);
  const requests = Number(/(\d+) requests in/.exec(await load(script.file, url, CONNECTIONS, seconds))[1]);
  return ((cpuOf(server.pid) - before) / requests) * MICROSECONDS;
}

async function main() {
  const redis = await bench.startRedis();
  const servers = {
    off: await bench.startServer({ CACHE_ENABLED: 'false' }),
    memory: await bench.startServer({}),
    redis: await bench.startServer({
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      CACHE_MEMORY_BYTES: '0',
    }),
  };
  console.log('| work | request | CPU us | of off | rounds |\n| --- | --- | --: | --: | --- |');
  for (const work of Object.keys(WORKS)) {
    const scripts = [bench.scriptOf(work, false), bench.scriptOf(work, true)];
    const figures = Object.fromEntries(Object.keys(MODES).map((mode) => [mode, []]));
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, mode] of Object.entries(MODES)) {
        figures[name].push(await measure(servers[mode.server], work, mode, scripts[mode.fresh ? 1 : 0]));
      }
    }
    const off = least(figures.off);
    for (const [name, values] of Object.entries(figures)) {
      const all = values.map((value) => value.toFixed(0)).join(' ');
      const cpu = least(values);
      console.log(`| ${work} | ${name} | ${cpu.toFixed(0)} | ${(cpu / off).toFixed(2)} | ${all} |`);
    }
    const ratio = least(figures['redis hit']) / least(figures['memory hit']);
    console.log(`| ${work} | a Redis hit, in memory hits | | ${ratio.toFixed(2)} | |`);
  }
}

main().finally(() => bench.stop());
