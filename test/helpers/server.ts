import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, descendantsOf, isAlive } from './processes';
import { until } from './until';

const ROOT = join(__dirname, '..', '..');
/** `NESTOR_DIST` names another build, where somebody else is at work on `dist`. */
const MAIN = join(ROOT, process.env.NESTOR_DIST ?? 'dist', 'main.js');
const START_MS = 120_000;
/** Characters of a server's output in the message of a failed test. */
const LAST_WORDS = 5000;

/** Where the shipped models are. */
export const MODELS = join(ROOT, 'models');

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

const servers = new Set<TestServer>();

// Whatever a spec did or failed at, none of its servers and folders outlives it.
afterAll(async () => {
  for (const server of servers) await server.remove();
});

/** A real server: the built `dist/main.js` in processes of its own, on a port of its own. */
export class TestServer {
  output = '';
  /** The exit code, or the signal's name, once the server is gone and all that it said is in `output`. */
  readonly exited: Promise<number | string>;
  readonly logDir: string;

  constructor(
    readonly process: ChildProcess,
    readonly port: number,
    /** Its working folder, home and folder for temporary files. */
    readonly folder: string,
  ) {
    servers.add(this);
    this.logDir = join(folder, 'logs');
    process.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    process.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = new Promise((resolve) => {
      process.once('close', (code, signal) => resolve(signal ?? code ?? 0));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The processes that serve: the workers of a primary, or the one process itself. */
  workers(): number[] {
    const pid = this.process.pid ?? 0;
    const children = childrenOf(pid);
    return children.length === 0 ? [pid] : children;
  }

  async get<Body = Record<string, unknown>>(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    return read(await fetch(this.url + path, { headers }));
  }

  /** Posts JSON: a string or bytes go as they are. */
  async post<Body = Record<string, unknown>>(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: raw ? body : JSON.stringify(body),
    });
    return read(response);
  }

  /** Waits until the probe answers 200, and no longer than the server lives. */
  async ready(): Promise<void> {
    await this.until('it is ready', async () => (await fetch(`${this.url}/api/health/ready`)).ok);
  }

  async live(): Promise<void> {
    await this.until('it is live', async () => (await fetch(`${this.url}/api/health/live`)).ok);
  }

  /** Waits until so many workers serve: the probe is content with one of them. */
  async workersReady(count: number): Promise<void> {
    await this.until(`${count} workers are ready`, async () => {
      const { body } = await this.get<string>('/metrics');
      return new RegExp(`^nestor_workers\\{state="ready"\\} ${count}$`, 'm').test(body);
    });
  }

  /** Waits until what it wrote to its console has this in it. */
  async said(text: string | RegExp): Promise<void> {
    await this.until(`it says "${text}"`, () =>
      typeof text === 'string' ? this.output.includes(text) : text.test(this.output),
    );
  }

  /** Waits for a condition that only a running server can fulfil. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const gone = (): boolean => this.process.exitCode !== null || this.process.signalCode !== null;
    try {
      await until(what, async () => gone() || (await holds()), START_MS);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.lastWords()}`, { cause: error });
    }
    if (gone()) throw new Error(`The server ended before ${what}:\n${this.lastWords()}`);
  }

  /** Asks the server to stop, and waits until it has; its logs stay until the spec is over. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal);
    return this.exited;
  }

  /** Ends it, with all that it started, if it still runs. */
  async remove(): Promise<void> {
    const pid = this.process.pid ?? 0;
    const started = descendantsOf(pid);
    this.process.kill('SIGKILL');
    for (const descendant of started) if (isAlive(descendant)) process.kill(descendant, 'SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
    servers.delete(this);
  }

  private lastWords(): string {
    return this.output.slice(-LAST_WORDS);
  }
}

async function read<Body>(response: Response): Promise<Answer<Body>> {
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    body: (json ? JSON.parse(text) : text) as Body,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a server and returns at once. It runs in a folder of its own, so that no `.env` is found. */
export async function spawnServer(env: Record<string, string> = {}): Promise<TestServer> {
  if (!existsSync(MAIN)) throw new Error(`There is no ${MAIN}: run \`npm run build\` first.`);
  const port = Number(env.PORT ?? (await freePort()));
  const folder = mkdtempSync(join(tmpdir(), 'nestor-test-'));
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      TMPDIR: folder,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      WORKERS: '1',
      MODEL_DIR: MODELS,
      LOG_DIR: join(folder, 'logs'),
      // What is not about the cache counts runs. An empty text is the default, which is on.
      CACHE_ENABLED: 'false',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new TestServer(child, port, folder);
}

/** Starts a server and waits until it is ready to serve. */
export async function startServer(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await spawnServer(env);
  await server.ready();
  return server;
}
