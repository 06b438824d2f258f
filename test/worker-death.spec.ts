import { request } from 'node:http';
import { startServer, type TestServer } from './helpers/server';

const SETOSA = JSON.stringify([5.1, 3.5, 1.4, 0.2]);
const PATIENCE_MS = 60_000;

describe('a worker that is killed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ WORKERS: '2' });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  /** One request on a connection of its own: its status, or how it failed. */
  function once(): Promise<number | string> {
    return new Promise((resolve) => {
      const req = request(`${server.url}/api/inference/iris`, {
        method: 'POST',
        agent: false,
        timeout: PATIENCE_MS,
        headers: { 'content-type': 'application/json' },
      });
      req.on('response', (res) => {
        res.resume();
        res.on('end', () => resolve(res.statusCode ?? 0));
      });
      req.on('timeout', () => {
        resolve('left waiting');
        req.destroy();
      });
      req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      req.end(SETOSA);
    });
  }

  it('leaves no client waiting, not even one whose connection was on its way to it', async () => {
    const outcomes: (number | string)[] = [];
    for (let round = 0; round < 4; round++) {
      const pid = server.workers()[0] ?? 0;
      const before = Array.from({ length: 20 }, once);
      process.kill(pid, 'SIGKILL');
      const after = Array.from({ length: 20 }, once);
      outcomes.push(...(await Promise.all([...before, ...after])));
      await server.until('there is a new worker', () => {
        const workers = server.workers();
        return workers.length === 2 && !workers.includes(pid);
      });
      await server.workersReady(2);
    }
    expect(outcomes).not.toContain('left waiting');
    expect(outcomes).toContain(200);
    // Those in flight in the dead worker are cut off; nobody gets a wrong answer.
    expect(outcomes.every((outcome) => outcome === 200 || typeof outcome === 'string')).toBe(true);
  });
});
