// What the two benchmarks of the prediction cache share: servers, Redis, and loads that wrk sends.
const { execFile, spawn } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const { freePort } = require('./free-port');

const WORKS = {
  tiny: { shape: [1, 4], bodies: 1000 },
  mlp: { shape: [1, 784], bodies: 500 },
  cls: { shape: [1, 3, 48, 192], bodies: 50 },
};

/** A folder and processes that are gone when the benchmark is over. */
class Bench {
  folder = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
  children = [];

  /** @param models folder with tiny.onnx, mlp.onnx and cls.onnx */
  constructor(models, dist) {
    this.models = resolve(models);
    this.dist = resolve(dist);
  }

  start(command, args, env = {}) {
    const options = { cwd: this.folder, stdio: 'ignore', env: { ...process.env, ...env } };
    const child = spawn(command, args, options);
    this.children.push(child);
    return child;
  }

  async startRedis() {
    const port = await freePort();
    const child = this.start('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1']);
    return { port, child };
  }

  async startServer(env) {
    const port = await freePort();
    const child = this.start(process.execPath, [join(this.dist, 'main.js')], {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      WORKERS: '1',
      MODEL_DIR: this.models,
      MODEL_NAMES: Object.keys(WORKS).join(),
      LOG_DIR: join(this.folder, `logs-${port}`),
      ...env,
    });
    const url = `http://127.0.0.1:${port}`;
    const isReady = () =>
      fetch(`${url}/api/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) {
      if (child.exitCode !== null) throw new Error('the server did not start');
      await sleep(100);
    }
    return { url, pid: child.pid };
  }

  /** A script for wrk that goes round a work's bodies, or makes new ones by another first number. */
  scriptOf(work, fresh) {
    const { shape, bodies } = WORKS[work];
    const file = join(this.folder, `${work}${fresh ? '-fresh' : ''}.lua`);
    const texts = Array.from({ length: fresh ? 1 : bodies }, (_, i) => {
      return JSON.stringify({ x: inputOf(shape, fresh ? 0.5 : i / bodies) });
    });
    writeFileSync(`${file}.json`, texts.join('\n'));
    const next = fresh
      ? `local rest = bodies[1]:sub(bodies[1]:find(",") or 1)
         local head = bodies[1]:sub(1, (bodies[1]:find("0.5", 1, true)) - 1)
         -- Steps that FP32 can tell apart, and another beginning each second.
         local start = os.time() * 20000
         function request() n = n + 1
           local first = string.format("%.9f", ((start + n) % 16777216) / 16777216)
           return wrk.format(nil, nil, nil, head .. first .. rest) end`
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

  stop() {
    for (const child of this.children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What wrk prints of a closed loop. */
async function load(file, url, connections, seconds) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', file, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return stdout;
}

/** Nested values between 0 and 1 with six digits, the first one given. */
function inputOf(shape, first) {
  const [size, ...inner] = shape;
  return Array.from({ length: size }, (_, i) => {
    const given = i === 0 ? first : undefined;
    return inner.length > 0 ? inputOf(inner, given) : (given ?? Number(Math.random().toFixed(6)));
  });
}

/** What else runs on the machine only adds. */
const least = (values) => Math.min(...values);

module.exports = { Bench, least, load, WORKS };
