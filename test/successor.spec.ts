import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { biasModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const X = { x: [[1, 2]], y: [[0, 0]] };
const adding = (bias: number): Uint8Array => biasModel(Float32Array.of(bias, bias));
const plusOf = ({ status, body }: { status: number; body: Record<string, unknown> }): unknown =>
  status === 200 ? JSON.stringify(body).match(/\[\[(\d+)/)?.[1] : status;

describe('a worker that follows a dead one', () => {
  const models = temporaryFolder();
  let server: TestServer;
  let dead = 0;
  const ask = async (model = 'm'): Promise<Set<unknown>> => {
    const answers = Array.from({ length: 20 }, () =>
      server.post(`/api/inference/${model}`, X, { connection: 'close' }),
    );
    return new Set((await Promise.all(answers)).map(plusOf));
  };
  const load = () => server.post('/v2/repository/models/m/load', '');
  const waits = async (): Promise<void> => {
    await server.said(/this worker waits.*\\?"models\\?":\\?"m/);
    server.output = '';
  };
  const kill = (): void => {
    [dead = 0] = server.workers();
    process.kill(dead, 'SIGKILL');
  };
  beforeAll(async () => {
    writeModel(models, 'm', adding(1), { version: '1' });
    writeModel(models, 'n', adding(5), { version: '1' });
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'm',
      WORKERS: '2',
      MODEL_WATCH_INTERVAL_MS: '0',
    });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  it('serves what the others do, whatever is new in the folder', async () => {
    writeModel(models, 'm', adding(2), { version: '2' });
    kill();
    await server.until('it is gone', () => !server.workers().includes(dead));
    await server.workersReady(2);
    expect(await ask()).toEqual(new Set(['2']));
    rmSync(join(models, 'm', '2'), { recursive: true });
  });

  it('leaves it to them while it cannot load that, and comes once the files are back', async () => {
    rmSync(join(models, 'm', '1'), { recursive: true });
    kill();
    await waits();
    // What waits takes part in changes: a model that nobody had is loaded by all.
    expect([await ask(), await ask('n')]).toEqual([new Set(['2']), new Set(['6'])]);
    writeModel(models, 'm', adding(1), { version: '1' });
    await server.workersReady(2);
    expect(await ask()).toEqual(new Set(['2']));
  });

  it('comes once a call has loaded what can be loaded', async () => {
    writeFileSync(join(models, 'm', 'model.yaml'), 'max_batch_rows: none\n');
    kill();
    await waits();
    expect(await ask()).toEqual(new Set(['2']));
    expect((await load()).status).toBe(503);
    rmSync(join(models, 'm', 'model.yaml'));
    writeModel(models, 'm', adding(3), { version: '1' });
    expect((await load()).status).toBe(200);
    await server.workersReady(2);
    expect(await ask()).toEqual(new Set(['4']));
  });

  it('does not wait for a model that might make room any time, and is there no more', async () => {
    expect(await ask('n')).toEqual(new Set(['6']));
    rmSync(join(models, 'n'), { recursive: true });
    kill();
    await server.until('it is gone', () => !server.workers().includes(dead));
    await server.workersReady(2);
    expect([await ask(), await ask('n')]).toEqual([new Set(['4']), new Set([404])]);
  });

  it('serves without it when nobody else is left', async () => {
    writeFileSync(join(models, 'm', '1', 'model.onnx'), 'no model');
    kill();
    await waits();
    for (const pid of server.workers()) if (pid !== 0) process.kill(pid, 'SIGKILL');
    await server.until('somebody answers', async () => (await ask().catch(() => new Set())).has(503));
    // What is there when it is asked for is as good as what there was.
    writeModel(models, 'm', adding(7), { version: '1' });
    await server.until('it is there', async () => (await ask().catch(() => new Set())).has('8'));
    await server.workersReady(2);
    expect(await ask()).toEqual(new Set(['8']));
  });
});
