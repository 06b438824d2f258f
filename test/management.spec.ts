import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { isAlive } from './helpers/processes';
import { freePort, spawnServer, startServer, type TestServer } from './helpers/server';

/** A secret that shows where it should not. */
const PLANTED = randomBytes(48).toString('hex');
const IRIS = { features: [[5.1, 3.5, 1.4, 0.2]] };

interface Worker {
  worker: number;
  pid: number;
  state: string;
  ready: boolean;
  rss_bytes: number;
  own_bytes: number;
  heartbeat_age_seconds: number;
}

describe('the management port', () => {
  let server: TestServer;
  let port: number;
  const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
  const json = async <Body>(path: string): Promise<{ status: number; body: Body }> => {
    const answer = await ask(path);
    return { status: answer.status, body: (await answer.json()) as Body };
  };
  const workers = async (): Promise<Worker[]> => (await json<{ workers: Worker[] }>('/workers')).body.workers;
  beforeAll(async () => {
    port = await freePort();
    server = await startServer({
      WORKERS: '2',
      MANAGEMENT_PORT: String(port),
      HEARTBEAT_TIMEOUT_MS: '3000',
      SECRET_KEY: PLANTED,
      VENDOR_TOKEN: PLANTED,
      SHUTDOWN_TIMEOUT_MS: '4000',
    });
    await server.workersReady(2);
  });

  it('says that it lives and is ready', async () => {
    expect(await json('/health/live')).toEqual({ status: 200, body: { status: 'ok' } });
    await server.until('both workers have what they need', async () => {
      const { status, body } = await json<{ serving: number }>('/health/ready');
      return status === 200 && body.serving === 2;
    });
    expect((await json('/health/ready')).body).toEqual({
      status: 'ok',
      serving: 2,
      complete: true,
      crashLooping: 0,
      stopping: false,
      unavailable: {},
      degraded: {},
    });
  });

  it('shows the state of every worker', async () => {
    const seen = await workers();
    expect(seen.map(({ pid }) => pid).sort()).toEqual(server.workers().sort());
    for (const worker of seen) {
      expect(worker).toMatchObject({ state: 'ready', ready: true });
      expect(worker.rss_bytes).toBeGreaterThan(10_000_000);
      expect(worker.own_bytes).toBeGreaterThan(10_000_000);
      expect(worker.own_bytes).toBeLessThan(worker.rss_bytes);
      expect(worker.heartbeat_age_seconds).toBeGreaterThanOrEqual(0);
    }
  });

  it('has the metrics of the whole server', async () => {
    const answer = await ask('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toMatch(/^nestor_workers\{state="ready"\} 2$/m);
  });

  it('answers nothing else, and takes what is no HTTP for a mistake of its client', async () => {
    const head = await ask('/health/live', 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '15', '']);
    expect((await ask('/health/live', 'POST')).status).toBe(405);
    expect((await ask('/health/live?verbose=1')).status).toBe(200);
    for (const path of ['/', '/health', '/api/inference/iris', '/..%2f', '/workers/1']) {
      expect((await ask(path)).status).toBe(404);
    }
    const socket = connect(port, '127.0.0.1').end('this is no HTTP\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask('/health/live')).status).toBe(200);
  });

  it('leaves a diagnostic report of every process on SIGUSR2, without the environment', async () => {
    const reports = (): string[] => readdirSync(server.logDir).filter((name) => name.startsWith('report-'));
    server.process.kill('SIGUSR2');
    await server.until(
      'every process has said where its report is',
      () => server.output.match(/"msg":"diagnostic report written"/g)?.length === 3,
    );
    const pids = [server.process.pid, ...server.workers()].map(String);
    expect(
      reports()
        .map((name) => name.split('-')[1])
        .sort(),
    ).toEqual(pids.sort());
    for (const name of reports()) {
      const text = readFileSync(join(server.logDir, name), 'utf8');
      const report = JSON.parse(text) as Record<string, unknown>;
      expect(Object.keys(report)).toEqual(expect.arrayContaining(['javascriptStack', 'resourceUsage']));
      expect(text).not.toContain(PLANTED);
      expect(text).not.toMatch(/environmentVariables|VENDOR_TOKEN/);
    }
    // Each worker has session threads, which have the environment as well.
    const threads = reports().map((name) => {
      const { workers } = JSON.parse(readFileSync(join(server.logDir, name), 'utf8')) as {
        workers: unknown[];
      };
      return workers.length;
    });
    expect(threads.filter((count) => count > 0)).toHaveLength(2);
  });

  it('does not say that it lives while a worker stands still, which is replaced', async () => {
    /** The status that a new connection gets, or `closed`. */
    const connectAnew = (): Promise<number | string | undefined> =>
      new Promise((resolve) => {
        get(`${server.url}/api/health/live`, { agent: false }, (answer) =>
          resolve(answer.resume().statusCode),
        ).on('error', () => resolve('closed'));
      });
    const [victim = 0] = server.workers();
    process.kill(victim, 'SIGSTOP');
    // Connections go to the workers in turn, and one that has not taken its own gets no other.
    const answers = Promise.all([1, 2, 3, 4].map(connectAnew));
    await server.until('the worker that stands still shows', async () => {
      const { status, body } = await json<{ stale?: { pid: number }[] }>('/health/live');
      return status === 503 && body.stale?.length === 1 && body.stale[0]?.pid === victim;
    });
    // The connection that was handed to it goes to another one when it is gone, or is closed: its client never waits.
    expect([
      [200, 200, 200, 200],
      [200, 200, 200, 'closed'],
    ]).toContainEqual((await answers).sort());
    expect(isAlive(victim)).toBe(false);
    await server.said('its event loop has not turned for');
    await server.workersReady(2);
    await server.until('both live', async () => (await ask('/health/live')).ok);
  });

  it('is not ready, nor is any worker, while workers keep dying; what lives goes on serving', async () => {
    // The worker that stood still was the first in its place, which the newest one has now.
    for (let death = 1; death <= 2; death++) {
      const victim = Math.max(...server.workers());
      process.kill(victim, 'SIGKILL');
      await server.until('another one is ready', async () => {
        const now = await workers();
        return now.length === 2 && now.every(({ pid, state }) => pid !== victim && state === 'ready');
      });
      const line = new RegExp(`"msg":"worker died, replacing it",.*"workerPid":${victim},`);
      await server.until('its death is told', () => line.test(server.output));
    }
    await server.until(
      'the supervisor is not ready',
      async () => (await json<{ crashLooping: number }>('/health/ready')).body.crashLooping === 1,
    );
    expect((await ask('/health/ready')).status).toBe(503);
    expect((await ask('/health/live')).status).toBe(200);
    for (const path of ['/api/health/ready', '/v2/health/ready']) {
      await server.until(`${path} says so`, async () => {
        const { status, body } = await server.get(path);
        return status === 503 && JSON.stringify(body).includes('keep dying');
      });
    }
    expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });

  it('that is taken ends the start', async () => {
    const taken = await freePort();
    const other = createServer().listen(taken, '127.0.0.1');
    try {
      await once(other, 'listening');
      const late = await spawnServer({ WORKERS: '1', MANAGEMENT_PORT: String(taken) });
      expect(await late.exited).toBe(1);
      expect(late.output).toContain(`port ${taken} is taken at 127.0.0.1; set MANAGEMENT_PORT`);
    } finally {
      other.close();
    }
  });
});
