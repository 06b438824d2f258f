import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel, identityModel, slowModel } from './helpers/onnx-models';
import { cpuMs, isAlive } from './helpers/processes';
import { freePort, MODELS, spawnServer, startServer, TestServer } from './helpers/server';
import { until } from './helpers/until';

const IRIS = { features: [[5.1, 3.5, 1.4, 0.2]] };
/** A run of a second or more, and one that does not end in the time of a test. */
const LONG = { trips: 15_000 };
const ENDLESS = { trips: 5_000_000 };

const models = temporaryFolder();
const slow = temporaryFolder();
const home = temporaryFolder('home');
beforeAll(() => {
  writeModel(slow, 'slow', slowModel(2000));
  writeModel(models, 'busy', busyModel());
  writeModel(models, 'same', identityModel('FP32'));
});

/** A server of these models whose runs may take their time on a machine that has other things to do. */
const BUSY = {
  MODEL_DIR: models,
  THREAD_NICENESS: '0',
  INFERENCE_DEADLINE_MS: '110000',
  RUN_TIMEOUT_MS: '110000',
  SHUTDOWN_TIMEOUT_MS: '100000',
};

/** Asks for a run, and comes back when it is under way; the answer is a promise inside. */
async function startRun(
  server: TestServer,
  trips: object,
): Promise<{ answer: ReturnType<typeof server.post> }> {
  const beforeMs = cpuMs(server.workers());
  const answer = server.post('/api/inference/busy', trips);
  answer.catch(() => undefined);
  await server.until('the model runs', () => cpuMs(server.workers()) > beforeMs + 200);
  return { answer };
}

async function allGone(pids: readonly number[]): Promise<void> {
  await until(`${pids.join(', ')} are gone`, () => !pids.some(isAlive));
}

describe('a start', () => {
  it('ends in one line for people: address, docs, workers and models', async () => {
    const server = await startServer({ WORKERS: '2' });
    await server.said('is ready at');
    const banners = server.output.split('\n').filter((line) => line.includes('is ready at'));
    expect(banners).toHaveLength(1);
    expect(banners[0]).toContain(
      `is ready at ${server.url} (docs: ${server.url}/docs), 2 workers, models: digits 1, iris 1, pid ${server.process.pid}`,
    );
  });

  it('says why, and ends before there is a worker, when the port is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      const servers = await Promise.all(
        ['0', '2'].map((workers) => spawnServer({ WORKERS: workers, PORT: String(port) })),
      );
      for (const server of servers) {
        expect(await server.exited).toBe(1);
        expect(server.output.trim().split('\n')).toEqual([
          'The configuration is not usable:',
          expect.stringContaining(`port ${port} is taken at 127.0.0.1; set PORT`),
        ]);
      }
    } finally {
      other.close();
      await once(other, 'close');
    }
  });

  it('says where it looked, and ends, when there is no model folder', async () => {
    const absent = join(models, 'absent');
    const server = await spawnServer({ MODEL_DIR: absent });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain(`the model folder ${absent} does not exist; set MODEL_DIR`);
  });

  it('names settings that were mistyped, and those that have gone, and goes on', async () => {
    const server = await spawnServer({ MODEL_NAMESS: 'iris', REHEARSAL: 'off', WORKERS: '0' });
    await server.live();
    await server.said('MODEL_NAMESS in the environment is unknown: did you mean MODEL_NAMES?');
    await server.said('REHEARSAL in the environment is unknown: this setting has gone');
    await server.stop();
  });

  it('by a Node that is too old is refused in one line', async () => {
    const old = join(models, 'old-node.js');
    writeFileSync(
      old,
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });`,
    );
    const server = await spawnServer({ NODE_OPTIONS: `--require=${old}` });
    expect(await server.exited).toBe(1);
    expect(server.output).toMatch(/^This server needs Node [\d.]+ or newer, and this is Node 18\.20\.8\.\n$/);
  });

  it('names every wrong setting at once, and shows none of their values', async () => {
    const server = await spawnServer({
      PORT: 'seventy-thousand',
      WORKERS: '-7',
      LOG_LEVEL: 'loudly',
      CORS_CREDENTIALS: 'true',
      SECRET_KEY: 'hunter2',
    });
    expect(await server.exited).toBe(1);
    for (const name of ['PORT', 'WORKERS', 'LOG_LEVEL', 'CORS_CREDENTIALS', 'SECRET_KEY']) {
      expect(server.output).toContain(name);
    }
    expect(server.output).not.toMatch(/seventy-thousand|-7|loudly|hunter2|\bat .*:\d+:\d+/);
  });

  it('that is interrupted leaves no process behind, whenever it is', async () => {
    const moments: [string, (server: TestServer) => boolean][] = [
      ['it has its workers', (server) => server.workers().length === 2],
      ['its workers compute', (server) => cpuMs(server.workers()) > 1500],
    ];
    await Promise.all(
      moments.map(async ([moment, reached]) => {
        const server = await spawnServer({ MODEL_DIR: slow, WORKERS: '2' });
        await server.until(moment, () => reached(server));
        const pids = server.workers();
        expect(await server.stop()).toBe(0);
        expect(server.output).not.toContain('is ready at');
        await allGone(pids);
      }),
    );
  });
});

describe('two workers', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ WORKERS: '2' });
    // The probe is content with one of them, which is the one that dies first.
    await server.workersReady(2);
  });

  /** Workers that are ready, by the metrics of the whole server. */
  const complete = (): Promise<void> =>
    server.until('both workers are ready', async () => {
      const { body } = await server.get<string>('/metrics');
      return /nestor_workers\{state="ready"\} 2\b/.test(body) && server.workers().length === 2;
    });

  it('are replaced when they are killed, and the server goes on serving', async () => {
    const first = server.workers();
    for (const victim of first) {
      process.kill(victim, 'SIGKILL');
      await server.said(`"workerPid":${victim},"code":null,"signal":"SIGKILL"`);
      // The other one serves alone, and later the new one does.
      expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
      await complete();
      expect(server.workers()).not.toContain(victim);
    }
    expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
  });

  it('leave with their primary, however it ends', async () => {
    const pids = server.workers();
    expect(await server.stop('SIGKILL')).toBe('SIGKILL');
    await allGone(pids);
  });
});

describe('a stop', () => {
  it.each<[NodeJS.Signals, string]>([
    ['SIGTERM', '2'],
    ['SIGINT', '2'],
    ['SIGTERM', '0'],
  ])(
    'by %s (WORKERS=%s) answers what is in flight, not ready meanwhile, and ends with 0',
    async (signal, workers) => {
      const server = await startServer({
        ...BUSY,
        WORKERS: workers,
        SHUTDOWN_DELAY_MS: '1000',
        LOG_LEVEL: 'debug',
      });
      const pids = server.workers();
      const { answer } = await startRun(server, LONG);
      server.process.kill(signal);
      await server.until(
        'it is not ready',
        async () => (await server.get('/api/health/ready')).status === 503,
      );
      // Load balancers still send requests: they are taken, on connections that are not to be used again.
      const late = await server.post('/api/inference/same', { x: [[1, 2]] });
      expect([late.status, late.headers.get('connection')]).toEqual([200, 'close']);

      expect(await answer).toMatchObject({ status: 200, body: { result: { y: LONG.trips } } });
      expect(await server.exited).toBe(0);
      expect(server.output.match(/"msg":"model unloaded here"/g)).toHaveLength(2 * pids.length);
      await allGone(pids);
    },
  );

  it.each(['2', '0'])('asked for again is at once, a run or no run (WORKERS=%s)', async (workers) => {
    const server = await startServer({ ...BUSY, WORKERS: workers });
    const pids = server.workers();
    const { answer } = await startRun(server, ENDLESS);
    // Signals that come within a blink are one, such as those of a Ctrl-C that npm passes on.
    await until('it is gone', () => {
      server.process.kill('SIGTERM');
      return !isAlive(server.process.pid ?? 0);
    });
    expect(await server.exited).not.toBe(0);
    await expect(answer).rejects.toThrow();
    await allGone(pids);
  });

  it('that takes too long is forced', async () => {
    const server = await startServer({ ...BUSY, WORKERS: '1', SHUTDOWN_TIMEOUT_MS: '500' });
    const pids = server.workers();
    await startRun(server, ENDLESS);
    expect(await server.stop()).toBe(0);
    await allGone(pids);
  });
});

describe('one process without a primary (WORKERS=0)', () => {
  it('serves, says so, and stops', async () => {
    const server = await startServer({ WORKERS: '0' });
    expect(server.workers()).toEqual([server.process.pid]);
    await server.said('one process, models: digits 1, iris 1');
    server.process.kill('SIGHUP'); // which is about the model folder alone
    expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(readFileSync(join(server.logDir, 'access.log'), 'utf8')).toContain('"path":"/api/inference/iris"');
  });
});

describe('a server', () => {
  it.each([
    // From Node 22 on what was compiled is kept for the next start, unless that is switched off.
    [{ NODE_COMPILE_CACHE: '' }, /^(?:logs|node-compile-cache)$/],
    [{ NODE_DISABLE_COMPILE_CACHE: '1' }, /^logs$/],
  ])(
    'that has run models leaves nothing but its logs: no telemetry, no temporary files (%j)',
    async (env, left) => {
      const server = await startServer({ WORKERS: '2', ...env });
      expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
      expect(await server.stop()).toBe(0);
      // The folder is its working folder, its home and its folder for temporary files.
      expect(readdirSync(server.folder).filter((name) => !left.test(name))).toEqual([]);
      expect(readdirSync(server.folder)).toContain('logs');
    },
  );

  it('keeps the last words of a worker that crashed in native code under load', async () => {
    const crash = join(__dirname, 'helpers', 'terminate-threads.js');
    const server = await startServer({ ...BUSY, WORKERS: '1', NODE_OPTIONS: `--require=${crash}` });
    const [victim = 0] = server.workers();
    const { answer } = await startRun(server, LONG);
    process.kill(victim, 'SIGUSR2');
    await expect(answer).rejects.toThrow();
    await server.said('worker died, replacing it');
    await server.until('it serves again', async () => (await server.get('/api/health/ready')).status === 200);
    expect(await server.stop()).toBe(0);

    const lines = readFileSync(join(server.logDir, 'error.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: number; msg: string; pid: number });
    const words = lines.filter(({ pid }) => pid === victim).map(({ msg }) => msg);
    expect(words.join('\n')).toContain('terminate called after throwing an instance of');
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'worker died, replacing it' }),
    );
  });
});

describe('npm start', () => {
  it('serves in the process that npm started, and stops on SIGTERM', async () => {
    const port = await freePort();
    const npm = spawn('npm', ['start'], {
      cwd: join(__dirname, '..'),
      env: {
        PATH: process.env.PATH,
        HOME: home,
        HOST: '127.0.0.1',
        PORT: String(port),
        WORKERS: '1',
        MODEL_DIR: MODELS,
        LOG_DIR: '',
        npm_config_update_notifier: 'false',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new TestServer(npm, port, mkdtempSync(join(tmpdir(), 'nestor-npm-')));
    await server.ready();
    expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
    await server.stop();
    expect(server.output).toContain('stopped');
    await expect(server.get('/')).rejects.toThrow();
  });
});
