import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { findTool } from './helpers/requirements-of-tests';
import { freePort, startServer, type TestServer } from './helpers/server';

const SETOSA = JSON.stringify([5.1, 3.5, 1.4, 0.2]);

interface WorkerSeen {
  readonly pid: number;
  readonly heartbeat_age_seconds: number;
}

const withLimits = findTool('prlimit') === undefined ? describe.skip : describe;

withLimits('a worker that can open no more files and connections', () => {
  let server: TestServer;
  let managementPort: number;
  beforeAll(async () => {
    managementPort = await freePort();
    server = await startServer({ WORKERS: '1', MANAGEMENT_PORT: String(managementPort) });
  });
  afterAll(() => server.stop());

  async function seen(): Promise<WorkerSeen | undefined> {
    const answer = await fetch(`http://127.0.0.1:${managementPort}/workers`);
    return ((await answer.json()) as { workers: WorkerSeen[] }).workers[0];
  }

  /** A call on a connection that the agent keeps. */
  function onAgent(agent: Agent, method: string, path: string, body?: string): Promise<object> {
    const headers = { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const call = request({ agent, port: server.port, host: '127.0.0.1', method, path, headers }, (res) => {
        const pieces: Buffer[] = [];
        res.on('data', (piece: Buffer) => pieces.push(piece));
        res.on('end', () => {
          resolve({ status: res.statusCode, body: JSON.parse(Buffer.concat(pieces).toString()) as unknown });
        });
      });
      call.on('error', reject).end(body);
    });
  }

  /** Waits until the heart has beaten once more. */
  async function beat(): Promise<void> {
    let age = 0;
    await server.until('the heart beats', async () => {
      const before = age;
      age = (await seen())?.heartbeat_age_seconds ?? 0;
      return age < before;
    });
  }

  it('lives on, and takes what came meanwhile when it has some again', async () => {
    const [pid = 0] = server.workers();
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    await onAgent(kept, 'GET', '/api/health/live');
    const limit = (value: string): void => {
      execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${value}:`]);
    };
    const before = execFileSync('prlimit', [`--pid=${pid}`, '--nofile', '--noheadings', '--output=SOFT']);
    limit('3');
    await beat();
    await beat();
    // What it needs for the answer it has, and what it lacks it says.
    expect(await onAgent(kept, 'POST', '/v2/repository/models/iris/load', '{}')).toEqual({
      status: 503,
      body: { error: expect.stringMatching(/^Model "iris" (version 1 )?cannot be served: /) as string },
    });
    kept.destroy();
    const answer = fetch(`${server.url}/api/inference/iris`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: SETOSA,
    });
    await beat();
    limit(before.toString().trim());
    expect((await answer).status).toBe(200);
    expect(server.workers()).toEqual([pid]);
  });
});
