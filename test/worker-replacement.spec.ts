import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel, identityModel } from './helpers/onnx-models';
import { isAlive } from './helpers/processes';
import { startServer, type TestServer } from './helpers/server';
import { SteadyLoad } from './helpers/steady-load';
import { until } from './helpers/until';

const ENDLESS = { trips: 50_000_000 };

describe('a server of one worker', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(() => {
    writeModel(models, 'busy', busyModel());
    writeModel(models, 'same', identityModel('FP32'));
  });
  afterEach(() => server.stop());

  it('replaces it when a run does not end, and fails nothing but that run', async () => {
    server = await startServer({
      MODEL_DIR: models,
      EXECUTION_SLOTS: '2',
      RUN_TIMEOUT_MS: '1000',
      SHUTDOWN_TIMEOUT_MS: '1500',
    });
    const [stuck = 0] = server.workers();
    const load = new SteadyLoad(server, '/api/inference/same', [[1, 2]]);
    await load.answered(20);
    const endless = server.post('/api/inference/busy', ENDLESS).then(
      ({ status }) => status,
      () => 'cut off',
    );
    await server.said('a run of model \\"busy\\" version 1 takes longer than 1000 ms');
    // The new one serves before the old one leaves, and that one is killed when its time is over.
    await server.until('there are two', () => server.workers().length === 2);
    expect(isAlive(stuck)).toBe(true);
    await until('the old one is gone', () => !isAlive(stuck));
    expect(await endless).toBe('cut off');
    await load.answered(20);
    expect(await load.stop()).toEqual({ failed: [] });
    expect(server.workers()).toHaveLength(1);
  });

  it('replaces it when it holds too much memory, the more slowly the more often', async () => {
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'same',
      WORKER_MEMORY_LIMIT: '1mb',
      SHUTDOWN_TIMEOUT_MS: '3000',
    });
    const [first = 0] = server.workers();
    const load = new SteadyLoad(server, '/api/inference/same', [[1, 2]]);
    await server.said('bytes of memory for itself (WORKER_MEMORY_LIMIT)');
    await server.until('it is another one', () => !isAlive(first));
    await load.answered(20);
    expect(await load.stop()).toEqual({ failed: [] });
    await server.until('readiness shows that it is no accident', async () => {
      const { status, body } = await server.get('/api/health/ready');
      return status === 503 && JSON.stringify(body).includes('keep dying');
    });
  });
});

describe('a worker that leaves', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'same', identityModel('FP32'));
    server = await startServer({ MODEL_DIR: models, WORKERS: '2' });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  it('answers who comes back on an idle connection a second later, and asks for another one', async () => {
    const agent = new Agent({ keepAlive: true });
    const ask = async (): Promise<string | undefined> => {
      const sent = request({ port: server.port, host: '127.0.0.1', path: '/api/health/live', agent }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
      return answer.headers.connection;
    };
    // Connections go to the workers in turn.
    expect(await Promise.all([ask(), ask()])).toEqual(['keep-alive', 'keep-alive']);
    const [leaving = 0] = server.workers();
    process.kill(leaving, 'SIGTERM');
    await sleep(1000);
    expect((await Promise.all([ask(), ask()])).sort()).toEqual(['close', 'keep-alive']);
    await until('it is gone', () => !isAlive(leaving));
    agent.destroy();
  });
});

describe('a worker that stands still', () => {
  const models = temporaryFolder();
  let server: TestServer;
  let still = 0;
  const start = async (heartbeatTimeoutMs: number): Promise<void> => {
    writeModel(models, 'same', identityModel('FP32'));
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'same',
      WORKERS: '2',
      HEARTBEAT_TIMEOUT_MS: String(heartbeatTimeoutMs),
      SHUTDOWN_TIMEOUT_MS: '300000',
    });
    await server.workersReady(2);
    [still = 0] = server.workers();
  };
  // One that hangs would take all of its time.
  afterEach(async () => {
    if (isAlive(still)) process.kill(still, 'SIGKILL');
    await server.stop();
  });

  it('is ended also where its successor cannot be ready, and so is what waits for it', async () => {
    await start(2000);
    // What the others serve is not there any more for a worker that comes.
    writeModel(models, 'same', identityModel('FP64'));
    process.kill(still, 'SIGSTOP');
    await until('it is gone', () => !isAlive(still));
    await server.said('worker died');
    expect((await server.post('/api/inference/same', [[1, 2]])).status).toBe(200);
    expect((await server.post('/v2/repository/models/same/load', {})).status).toBe(200);
    await server.workersReady(2);
  });

  it('is ended also where its successor serves, and does not get all of its time to leave', async () => {
    // Long enough for that one to be ready before.
    await start(4000);
    process.kill(still, 'SIGSTOP');
    await until('it is gone', () => !isAlive(still));
    await server.workersReady(2);
  });

  it('is not ended where all processes stood still, as in a container that was paused', async () => {
    await start(2000);
    const workers = server.workers();
    const all = [server.process.pid ?? 0, ...workers];
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    await sleep(5000);
    for (const pid of all) process.kill(pid, 'SIGCONT');
    for (let i = 0; i < 20; i++) {
      expect((await server.post('/api/inference/same', [[1, 2]])).status).toBe(200);
      await sleep(100);
    }
    expect(server.workers()).toEqual(workers);
  });
});
