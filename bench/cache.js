/**
 * What a cached answer costs beside the model's run: CPU of the whole server for a request, by the native API.
 * node bench/cache.js <folder with tiny.onnx, mlp.onnx, cls.onnx> [rounds] [seconds] [dist folder]
 *
 * Needs wrk and redis-server. Three servers with one worker each take turns: `off` without a cache, `memory` with
 * the memory tier, `redis` with Redis alone. Requests go round a set of different bodies, so that no two equal ones
 * are under way at the same time, and each is asked once before it is measured; those of `fresh` never come twice.
 */
const { execFile, spawn } = require('node:child_process');
const { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');

const [models, rounds = '3', seconds = '4', dist = join(__dirname, '../dist')] = process.argv.slice(2);
const CONNECTIONS = 32;
const TICKS_A_SECOND = 100;
const MICROSECONDS = 1e6;
const WORKS = {
  tiny: { shape: [1, 4], bodies: 1000 },
  mlp: { shape: [1, 784], bodies: 500 },
  cls: { shape: [1, 3, 48, 192], bodies: 50 },
};
/** Each line of the table: which server is asked, how, and what it has to answer. */
const MODES = {
  off: { server: 'off', expect: 'BYPASS' },
  'memory hit': { server: 'memory', expect: 'HIT' },
  'redis hit': { server: 'redis', expect: 'HIT' },
  'fresh, off': { server: 'off', expect: 'BYPASS', fresh: true },
  'fresh, memory': { server: 'memory', expect: 'MISS', fresh: true },
  'use_cache=false': { server: 'memory', expect: 'BYPASS', query: '?use_cache=false' },
};

const folder = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
const children = [];

function start(command, args, env = {}) {
  const child = spawn(command, args, { cwd: folder, stdio: 'ignore', env: { ...process.env, ...env } });
  children.push(child);
  return child;
}

async function startServer(env) {
  const port = await freePort();
  const child = start(process.execPath, [join(resolve(dist), 'main.js')], {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    WORKERS: '1',
    MODEL_DIR: resolve(models),
    MODEL_NAMES: Object.keys(WORKS).join(),
    LOG_DIR: join(folder, `logs-${port}`),
    ...env,
  });
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/api/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error('the server did not start');
    await sleep(100);
  }
  return { url, pid: child.pid };
}

/** Nested values between 0 and 1 with six digits, the first one given. */
function inputOf(shape, first) {
  const [size, ...inner] = shape;
  return Array.from({ length: size }, (_, i) => {
    const given = i === 0 ? first : undefined;
    return inner.length > 0 ? inputOf(inner, given) : (given ?? Number(Math.random().toFixed(6)));
  });
}

/** A script for wrk that goes round the bodies, or makes new ones by another first number. */
function scriptOf(name, { shape, bodies }, fresh) {
  const file = join(folder, `${name}${fresh ? '-fresh' : ''}.lua`);
  const texts = Array.from({ length: fresh ? 1 : bodies }, (_, i) => {
    return JSON.stringify({ x: inputOf(shape, fresh ? 0.5 : i / bodies) });
  });
  writeFileSync(`${file}.json`, texts.join('\n'));
  const next = fresh
    ? `local rest = bodies[1]:sub(bodies[1]:find(",") or 1)
       local head = bodies[1]:sub(1, (bodies[1]:find("0.5", 1, true)) - 1)
       function request() n = n + 1
         return wrk.format(nil, nil, nil, head .. (os.time() % 100000) + n / 10000000 .. rest) end`
    : 'function request() n = n + 1; return wrk.format(nil, nil, nil, bodies[n % #bodies + 1]) end';
  writeFileSync(
    file,
    `wrk.method = "POST"
     wrk.headers["Content-Type"] = "application/json"
     local bodies, n = {}, 0
     for line in io.lines("${file}.json") do bodies[#bodies + 1] = line end
     ${next}`,
  );
  return { file, texts };
}

async function load(file, url, duration) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${duration}s`, '-s', file, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return Number(/(\d+) requests in/.exec(stdout)[1]);
}

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
  await load(script.file, url, 1);
  const before = cpuOf(server.pid);
  const requests = await load(script.file, url, seconds);
  return ((cpuOf(server.pid) - before) / requests) * MICROSECONDS;
}

async function main() {
  const redisPort = await freePort();
  start('redis-server', ['--port', String(redisPort), '--save', '', '--bind', '127.0.0.1']);
  const redis = { REDIS_URL: `redis://127.0.0.1:${redisPort}`, CACHE_MEMORY_BYTES: '0' };
  const servers = {
    off: await startServer({ CACHE_ENABLED: 'false' }),
    memory: await startServer({}),
    redis: await startServer(redis),
  };
  for (const [work, about] of Object.entries(WORKS)) {
    const scripts = [scriptOf(work, about, false), scriptOf(work, about, true)];
    const figures = Object.fromEntries(Object.keys(MODES).map((mode) => [mode, []]));
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, mode] of Object.entries(MODES)) {
        figures[name].push(await measure(servers[mode.server], work, mode, scripts[mode.fresh ? 1 : 0]));
      }
    }
    const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
    const off = median(figures.off);
    for (const [name, values] of Object.entries(figures)) {
      const cpu = median(values);
      const all = values.map((value) => value.toFixed(0)).join(' ');
      console.log(
        `${work.padEnd(5)} ${name.padEnd(16)} ${cpu.toFixed(0).padStart(6)} us  ${(cpu / off).toFixed(2)} of off  (${all})`,
      );
    }
    const ratio = median(figures['redis hit']) / median(figures['memory hit']);
    console.log(`${work.padEnd(5)} a Redis hit is ${ratio.toFixed(2)} memory hits\n`);
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

main().finally(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
