import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'main.js');
const START_MS = 60_000;
const POLL_MS = 25;

/** Where the shipped models are. */
export const MODELS = join(ROOT, 'models');

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

/** A real server: the built `dist/main.js` in processes of its own, on a port of its own. */
export class TestServer {
  output = '';
  /** The exit code, or the signal's name, once the server is gone. */
  readonly exited: Promise<number | string>;
  readonly logDir: string;

  constructor(
    readonly process: ChildProcess,
    readonly port: number,
    private readonly folder: string,
  ) {
    this.logDir = join(folder, 'logs');
    process.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    process.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The processes that serve: the workers of a primary, or the one process itself. */
  workers(): number[] {
    const pid = this.process.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [pid] : children.split(' ').map(Number);
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
      body: raw ? (body as BodyInit) : JSON.stringify(body),
    });
    return read(response);
  }

  async ready(): Promise<void> {
    const live = await this.poll(async () => (await fetch(`${this.url}/api/health/ready`)).status === 200);
    if (!live) throw new Error(`The server did not become ready:\n${this.output}`);
  }

  async live(): Promise<void> {
    const live = await this.poll(async () => (await fetch(`${this.url}/api/health/live`)).status === 200);
    if (!live) throw new Error(`The server did not come up:\n${this.output}`);
  }

  /** Asks the server to stop, and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill(signal);
    const code = await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }

  private async poll(holds: () => Promise<boolean>): Promise<boolean> {
    const until = Date.now() + START_MS;
    while (Date.now() < until && this.process.exitCode === null) {
      if (await holds().catch(() => false)) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
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
  if (!existsSync(MAIN)) throw new Error('There is no dist/main.js: run `npm run build` first.');
  const port = Number(env.PORT ?? (await freePort()));
  const folder = mkdtempSync(join(tmpdir(), 'nestor-test-'));
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      WORKERS: '1',
      MODEL_DIR: MODELS,
      LOG_DIR: join(folder, 'logs'),
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
