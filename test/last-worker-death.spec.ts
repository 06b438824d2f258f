import { request } from 'node:http';
import { freePort, startServer, type TestServer } from './helpers/server';

/** As long a connection waits for a worker where there is none; who comes later is told so at once. */
const PORT_PATIENCE_MS = 10_000;
const SETOSA = JSON.stringify([5.1, 3.5, 1.4, 0.2]);

describe('the only worker', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ WORKERS: '1', MANAGEMENT_PORT: String(await freePort()) });
  });
  afterAll(() => server.stop());

  /** One request on a connection of its own: its status, or how it failed. */
  function once(): Promise<number | string> {
    return new Promise((resolve) => {
      const req = request(`${server.url}/api/inference/iris`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json' },
      });
      req.on('response', (res) => {
        res.resume();
        res.on('end', () => resolve(res.statusCode ?? 0));
      });
      req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      req.end(SETOSA);
    });
  }

  it('that is killed leaves the port open: connections wait for the next one', async () => {
    for (let round = 0; round < 2; round++) {
      const [pid = 0] = server.workers();
      const killedMs = performance.now();
      process.kill(pid, 'SIGKILL');
      await server.until('it is gone', () => !server.workers().includes(pid));
      const outcomes: Promise<number | string>[] = [];
      let answers = 0;
      await server.until('the next one answers', () => {
        outcomes.push(once().finally(() => answers++));
        return answers > 0;
      });
      const isSlow = performance.now() - killedMs > PORT_PATIENCE_MS;
      const wrong = (await Promise.all(outcomes)).filter((one) => one !== 200 && !(isSlow && one === 503));
      expect(wrong).toEqual([]);
    }
  });

  it('that is told to leave takes the port along when the server stops', async () => {
    server.process.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(await once()).toBe('ECONNREFUSED');
  });
});
