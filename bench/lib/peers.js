const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { treeOf } = require('./cpu');
const { freePort } = require('./free-port');
const { isThere } = require('./models');
const { MODELS } = require('./works');

const READY_MS = 60_000;
const STOP_MS = 10_000;
const SERVERS = path.join(__dirname, '../servers');

/** Nothing of the caller's own settings reaches a server. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'SystemRoot', 'LD_LIBRARY_PATH'];

/** The servers that are measured, by name; the first is what the others are compared with. */
const PEERS = {
  bare: {
    about: 'node:http, cluster and the model run inline (bench/servers/bare.js)',
    script: () => path.join(SERVERS, 'bare.js'),
    live: '/',
    ready: '/',
  },
  nestor: {
    about: 'this server, everything on, the prediction cache off',
    script: ({ dist }) => path.join(dist, 'main.js'),
    live: '/api/health/live',
    ready: '/api/health/ready',
    metrics: '/metrics',
    workersReady: (text) => Number(/^nestor_workers\{state="ready"\} (\d+)/m.exec(text)?.[1]),
    // One place for all starts of a benchmark, beside its servers' own.
    env: { NODE_ENV: 'production', CACHE_ENABLED: 'false', HOST: '127.0.0.1', PREPARED_DIR: '../prepared' },
  },
  null: {
    about: 'answers without looking (bench/servers/null.js)',
    script: () => path.join(SERVERS, 'null.js'),
  },
};

/** One server that was started, with all its processes. */
class Peer {
  static #living = new Set();

  /** @param workspace a folder of this server's own, for its logs */
  static async start(name, { dist, workers, modelDir, workspace, args = [] }) {
    const { script, env, ready } = PEERS[name];
    const port = await freePort();
    fs.mkdirSync(workspace, { recursive: true });
    const output = path.join(workspace, 'output.log');
    const fd = fs.openSync(output, 'w');
    const process = spawn(globalThis.process.execPath, [script({ dist }), ...args], {
      // Its own folder, so that it finds no .env file.
      cwd: workspace,
      stdio: ['ignore', fd, fd],
      env: {
        ...Object.fromEntries(PASSED_ON.flatMap((key) => keptSetting(key))),
        PORT: String(port),
        WORKERS: String(workers),
        MODEL_DIR: modelDir,
        MODEL_NAMES: MODELS.map(({ model }) => model)
          .filter((model) => modelDir && isThere(modelDir, model))
          .join(','),
        LOG_DIR: path.join(workspace, 'logs'),
        ...env,
      },
    });
    fs.closeSync(fd);
    const peer = new Peer(name, port, process);
    try {
      await peer.#becomeReady(ready);
      await peer.#completeWorkers(workers);
    } catch (error) {
      await peer.stop();
      throw new Error(`${name}: ${error.message}\n${lastLines(output)}`);
    }
    return peer;
  }

  constructor(name, port, process) {
    this.name = name;
    this.port = port;
    this.process = process;
    this.exited = once(process, 'exit').then(() => Peer.#living.delete(this));
    Peer.#living.add(this);
  }

  get pids() {
    return treeOf(this.process.pid);
  }

  get(path) {
    return fetch(`http://127.0.0.1:${this.port}${path}`);
  }

  async #becomeReady(path) {
    for (const untilMs = Date.now() + READY_MS; Date.now() < untilMs; await sleep(50)) {
      if (this.process.exitCode !== null) throw new Error('it ended while it started');
      try {
        if (path === undefined) return await this.#accepts();
        const answer = await this.get(path);
        await answer.arrayBuffer();
        if (answer.ok) return;
      } catch {
        // Not yet.
      }
    }
    throw new Error('it did not become ready in time');
  }

  /** One worker is enough for a server to be ready; all are wanted here. */
  async #completeWorkers(count) {
    const { metrics, workersReady } = PEERS[this.name];
    if (metrics === undefined) return;
    for (const untilMs = Date.now() + READY_MS; Date.now() < untilMs; await sleep(50)) {
      const answer = await this.get(metrics);
      if (workersReady(await answer.text()) >= count) return;
    }
    throw new Error('not all of its workers became ready in time');
  }

  async #accepts() {
    const socket = net.connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }

  async stop() {
    const { pids } = this;
    this.process.kill('SIGTERM');
    await Promise.race([this.exited, sleep(STOP_MS, undefined, { ref: false })]);
    if (this.process.exitCode === null && this.process.signalCode === null) this.kill(pids);
  }

  /** Everything that still runs, at once. */
  static killAll() {
    for (const peer of Peer.#living) peer.kill();
  }

  /** At once, with everything it has started. */
  kill(pids = this.pids) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
  }
}

function keptSetting(key) {
  const value = process.env[key];
  return value === undefined ? [] : [[key, value]];
}

function lastLines(file) {
  return fs.readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
}

module.exports = { PEERS, Peer };
