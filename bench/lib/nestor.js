const { spawn } = require('node:child_process');
const { join, resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { treeOf } = require('./cpu');
const { freePort } = require('./free-port');

const DIST = join(__dirname, '../../dist');
const LOOK_MS = 20;

/** This server, as a benchmark that needs no other beside it starts it: nothing logged but faults, no cache. */
class Nestor {
  /**
   * Resolves when it is ready; see `complete` for all of its workers.
   * @param folder one of the benchmark's own, so that it finds no .env file
   * @param nodeArgs options of Node, before the server's own file
   */
  static async start({ folder, dist = DIST, env, nodeArgs = [] }) {
    const [port, management] = [await freePort(), await freePort()];
    const startMs = performance.now();
    const process = spawn(globalThis.process.execPath, [...nodeArgs, join(resolve(dist), 'main.js')], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...globalThis.process.env,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        MANAGEMENT_PORT: String(management),
        CACHE_ENABLED: 'false',
        LOG_DIR: '',
        ...env,
      },
    });
    const server = new Nestor(process, port, management);
    try {
      await server.until(async () => (await fetch(`${server.url}/api/health/ready`)).ok);
    } catch (error) {
      await server.stop();
      throw error;
    }
    server.readyMs = performance.now() - startMs;
    return server;
  }

  constructor(process, port, management) {
    this.process = process;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.managementPort = management;
    this.management = `http://127.0.0.1:${management}`;
    this.exited = new Promise((gone) => process.once('exit', gone));
  }

  get pid() {
    return this.process.pid;
  }

  /** Of all its processes. */
  get pids() {
    return treeOf(this.pid);
  }

  /** All that it starts with has started. */
  async complete() {
    await this.until(async () => (await (await fetch(`${this.management}/health/ready`)).json()).complete);
    return this;
  }

  async workerPids() {
    const { workers } = await (await fetch(`${this.management}/workers`)).json();
    return workers.map(({ pid }) => pid);
  }

  /** @returns the body of a 200; throws on anything else */
  async post(path, body = '', headers = { 'content-type': 'application/json' }) {
    const answer = await fetch(this.url + path, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 300)}`);
    return text;
  }

  /** Looks again and again; what throws does not hold yet. */
  async until(holds) {
    for (;;) {
      if (await holds().catch(() => false)) return;
      if (this.process.exitCode !== null) throw new Error('the server has ended');
      await sleep(LOOK_MS);
    }
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.exited;
  }

  /** At once, with all its processes. */
  async kill() {
    for (const pid of this.pids.reverse()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
    await this.exited;
  }
}

module.exports = { Nestor };
