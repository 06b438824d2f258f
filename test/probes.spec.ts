import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel } from './helpers/onnx-models';
import { cpuMs } from './helpers/processes';
import { MODELS, startServer, type TestServer } from './helpers/server';

const PATIENCE = { INFERENCE_DEADLINE_MS: '110000', RUN_TIMEOUT_MS: '110000' };
const LONG = { trips: 30_000 };

const PROBES = ['/api/health/live', '/api/health/ready'];
const CLIENTS = 32;

describe('probes', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(() => {
    writeModel(models, 'busy', busyModel());
    writeModel(models, 'late', busyModel(), { yaml: `warmup: [${JSON.stringify(LONG)}]` });
  });

  async function probe(times: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < times; i++) {
      const answers = await Promise.all(PROBES.map((path) => server.get(path)));
      statuses.push(...answers.map(({ status }) => status));
    }
    return statuses;
  }

  it('are answered while a model runs, before its run is over', async () => {
    server = await startServer({ ...PATIENCE, MODEL_DIR: models, MODEL_NAMES: 'busy' });
    const beforeMs = cpuMs(server.workers());
    let over = false;
    const run = server.post('/api/inference/busy', LONG).finally(() => (over = true));
    run.catch(() => undefined);
    await server.until('the model runs', () => cpuMs(server.workers()) > beforeMs + 200);
    expect(await probe(5)).toEqual(Array<number>(10).fill(200));
    expect(over).toBe(false);
    expect((await run).status).toBe(200);
    await server.stop();
  });

  it('are answered while a model loads, before it has loaded', async () => {
    server = await startServer({ ...PATIENCE, MODEL_DIR: models, MODEL_NAMES: 'busy' });
    let over = false;
    const first = server.post('/api/inference/late', { trips: 1 }).finally(() => (over = true));
    first.catch(() => undefined);
    await server.until('it loads', async () => {
      const { body } = await server.get<{ models: { state: string }[] }>('/api/inference/models');
      return body.models.some(({ state }) => state === 'LOADING');
    });
    expect(await probe(5)).toEqual(Array<number>(10).fill(200));
    expect(over).toBe(false);
    expect(await first).toMatchObject({ status: 200 });
    await server.stop();
  });

  it('are all answered while 32 clients keep the server busy', async () => {
    server = await startServer({ MODEL_DIR: MODELS });
    const { body: model } = await server.get<{ example: unknown }>('/api/inference/digits');
    const body = JSON.stringify(model.example);
    let over = false;
    const clients = Array.from({ length: CLIENTS }, async () => {
      const statuses: number[] = [];
      while (!over) statuses.push((await server.post('/api/inference/digits', body)).status);
      return statuses;
    });
    expect(await probe(25)).toEqual(Array<number>(50).fill(200));
    over = true;
    const statuses = (await Promise.all(clients)).flat();
    expect(statuses.length).toBeGreaterThanOrEqual(CLIENTS);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await server.stop()).toBe(0);
  });
});
