import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvironment } from '../../config/settings';

const MAIN = join(__dirname, '..', '..', 'main.js');
const READY_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 50;
const STOP_WITHIN_MS = 15_000;
/** Of what it said, for the message of one that does not start. */
const LAST_WORDS = 2000;
const HOST = '127.0.0.1';

/** Whatever the environment says, this is measured: a model, and nothing between it and the load. */
const OVERRIDES: Readonly<Record<string, string>> = {
  HOST,
  API_PREFIX: '/api',
  LOG_DIR: '',
  LOG_LEVEL: 'warn',
  ACCESS_LOG: 'false',
  CACHE_ENABLED: 'false',
  MODEL_WATCH_INTERVAL_MS: '0',
  MANAGEMENT_PORT: '',
  MODEL_NAME: '',
  AUTH: 'off',
  API_KEY: '',
  ADMIN_KEY: '',
  AUTH_KEYS_FILE: '',
  TLS_CERT_FILE: '',
  TLS_KEY_FILE: '',
  PAGE: 'off',
};

/** A server of its own, on this machine, for as long as it is measured. */
export class FreshServer {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    /** With the API's prefix. */
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-LAST_WORDS);
      });
  }

  /** Starts one and waits until it serves the model. @throws Error with its last words; AbortError */
  static async start(modelDir: string, model: string, signal: AbortSignal): Promise<FreshServer> {
    signal.throwIfAborted();
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...readEnvironment(),
        ...OVERRIDES,
        PORT: String(port),
        MODEL_DIR: modelDir,
        MODEL_NAMES: model,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new FreshServer(child, `http://${HOST}:${port}/api`);
    try {
      await server.ready(signal);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Returns when it is gone. */
  async stop(): Promise<void> {
    if (this.isGone) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(timer);
  }

  private async ready(signal: AbortSignal): Promise<void> {
    const byMs = performance.now() + READY_WITHIN_MS;
    while (!this.isGone && performance.now() < byMs) {
      signal.throwIfAborted();
      const isReady = await fetch(`${this.url}/health/ready`, { signal }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await sleep(LOOK_EVERY_MS);
    }
    signal.throwIfAborted();
    throw new Error(`the server did not become ready:\n${this.output.trim()}`);
  }

  private get isGone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, HOST), 'listening');
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}
