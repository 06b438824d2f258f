import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { externalDataModel, mlpModel } from './helpers/onnx-models';
import { spawnServer, startServer, type TestServer } from './helpers/server';

const WIDTHS = [64, 256, 256, 8];
const INPUT = { x: [Array.from({ length: 64 }, (_, i) => Math.sin(i))] };
const FILES = ['model.onnx', 'model.onnx.data', 'manifest.json'];

interface Details {
  weights: { prepared: boolean; own_bytes: number; shared_bytes: number; reason?: string };
}

const models = temporaryFolder();
const cache = temporaryFolder('prepared');
writeModel(models, 'mlp', mlpModel(WIDTHS), { version: '1' });
writeModel(models, 'apart', externalDataModel(WIDTHS), { version: '1' });

/** Models of these tests are small ones. */
function serve(dir: string, env: Record<string, string> = {}): Promise<TestServer> {
  return startServer({
    MODEL_DIR: models,
    WORKERS: '2',
    PREPARED_DIR: dir,
    PREPARED_MIN_BYTES: '100kb',
    SMALL_MODEL_BYTES: '0',
    ...env,
  });
}

async function weightsOf(server: TestServer, model: string): Promise<Details['weights']> {
  return (await server.get<Details>(`/api/inference/${model}`)).body.weights;
}

async function answers(server: TestServer): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const model of ['mlp', 'apart']) {
    const { status, body } = await server.post(`/api/inference/${model}`, INPUT);
    expect(status).toBe(200);
    results.push(body.result);
  }
  return results;
}

/** What the same server answers that prepares nothing. */
let plain: unknown[];
beforeAll(async () => {
  const server = await serve('');
  plain = await answers(server);
  expect(await weightsOf(server, 'mlp')).toMatchObject({ prepared: false, reason: 'PREPARED_DIR is empty' });
  await server.remove();
});

describe('prepared models', () => {
  it('are made once for all workers, shown, and answer the same', async () => {
    const dir = join(cache, 'once');
    const server = await serve(dir);
    await server.workersReady(2);
    expect(await answers(server)).toEqual(plain);
    expect(readdirSync(dir)).toHaveLength(2);
    const size = readFileSync(join(models, 'mlp/1/model.onnx')).length;
    const { prepared, own_bytes, shared_bytes } = await weightsOf(server, 'mlp');
    expect(prepared).toBe(true);
    expect(own_bytes).toBeLessThan(size / 4);
    expect(shared_bytes).toBeGreaterThan(256 * 256 * 4);
    const { body: metrics } = await server.get<string>('/metrics');
    expect(metrics).toContain('nestor_model_preparations_total{outcome="made"} 2');
    expect(metrics).toContain(`nestor_model_shared_memory_bytes{model="mlp",version="1"} ${shared_bytes}`);
    expect(metrics).toContain(`nestor_model_memory_bytes{model="mlp",version="1"} ${2 * own_bytes}`);
    expect(metrics).toMatch(/^process_own_memory_bytes\{worker="primary"\} [1-9]/m);
    await server.said('model prepared');

    // Whoever replaces the user's own data file while it serves changes nothing that is mapped.
    writeFileSync(join(models, 'apart/1/weights.bin'), Buffer.alloc(10));
    expect(await answers(server)).toEqual(plain);
    writeModel(models, 'apart', externalDataModel(WIDTHS), { version: '1' });
    await server.remove();

    const next = await serve(dir);
    expect(await answers(next)).toEqual(plain);
    expect((await next.get<string>('/metrics')).body).toContain(
      'nestor_model_preparations_total{outcome="made"} 0',
    );
    await next.remove();
  });

  it('are made again where they are damaged, and never believed', async () => {
    const dir = join(cache, 'damaged');
    const first = await serve(dir);
    await first.remove();
    for (const key of readdirSync(dir)) for (const name of FILES) chmodSync(join(dir, key, name), 0o600);
    const [one, two] = readdirSync(dir).map((key) => join(dir, key, 'model.onnx.data')) as [string, string];
    const bytes = readFileSync(one);
    bytes[bytes.length >> 1]! ^= 0x40;
    writeFileSync(one, bytes);
    writeFileSync(two, readFileSync(two).subarray(0, 1000));
    const second = await serve(dir);
    expect(await answers(second)).toEqual(plain);
    expect(await weightsOf(second, 'mlp')).toMatchObject({ prepared: true });
    expect(second.output).toContain('prepared model is damaged, it is made again');
    await second.remove();
  });

  it('are left where a worker finds that one answers otherwise: it loads the model as it is, and says so', async () => {
    const dir = join(cache, 'wrong');
    const first = await serve(dir);
    await first.remove();
    // What another CPU would make of it: whole, by its manifest, and wrong.
    for (const key of readdirSync(dir)) {
      const path = join(dir, key, 'manifest.json');
      chmodSync(path, 0o600);
      const manifest = JSON.parse(readFileSync(path, 'utf8')) as { proof: { answer: string } };
      manifest.proof.answer = '0'.repeat(64);
      writeFileSync(path, JSON.stringify(manifest));
    }
    const second = await serve(dir, { WORKERS: '1' });
    expect(await answers(second)).toEqual(plain);
    const reason = 'its prepared form answers otherwise than the model itself';
    expect(await weightsOf(second, 'mlp')).toMatchObject({ prepared: false, shared_bytes: 0, reason });
    expect((await second.get<string>('/metrics')).body).toContain(
      'nestor_model_preparations_total{outcome="wrong"} 2',
    );
    expect(readdirSync(dir)).toEqual([]);
    // A load makes it anew.
    const { status } = await second.post('/v2/repository/models/mlp/load', {});
    expect(status).toBe(200);
    expect(await weightsOf(second, 'mlp')).toMatchObject({ prepared: true });
    expect(await answers(second)).toEqual(plain);
    await second.remove();
  });

  it('are done without where the folder cannot be: one line for each model, and all serve', async () => {
    const file = join(cache, 'file');
    writeFileSync(file, '');
    const server = await serve(join(file, 'prepared'));
    await server.workersReady(2);
    expect(await answers(server)).toEqual(plain);
    const reason = 'PREPARED_DIR cannot be used: there is nothing';
    expect(await weightsOf(server, 'mlp')).toMatchObject({ prepared: false, reason });
    const lines = server.output.split('\n').filter((line) => line.includes('model is not prepared'));
    expect(lines).toHaveLength(2);
    await server.remove();
  });

  it('are found again by a worker that replaces another, and by a reload', async () => {
    const dir = join(cache, 'reload');
    const server = await serve(dir);
    await server.workersReady(2);
    process.kill(server.workers()[0]!, 'SIGKILL');
    await server.until('it is replaced', async () =>
      (await server.get<string>('/metrics')).body.includes('nestor_worker_restarts_total 1'),
    );
    await server.workersReady(2);
    mkdirSync(join(models, 'mlp/2'), { recursive: true });
    copyFileSync(join(models, 'mlp/1/model.onnx'), join(models, 'mlp/2/model.onnx'));
    expect((await server.post('/v2/repository/models/mlp/load', {})).status).toBe(200);
    expect(await weightsOf(server, 'mlp')).toMatchObject({ prepared: true });
    expect(await answers(server)).toEqual(plain);
    // The same content has the same prepared form.
    expect(readdirSync(dir)).toHaveLength(2);
    rmSync(join(models, 'mlp/2'), { recursive: true });
    await server.remove();
  });

  it('are shared by two servers that start at once', async () => {
    const dir = join(cache, 'two');
    const servers = await Promise.all([serve(dir, { WORKERS: '1' }), serve(dir, { WORKERS: '1' })]);
    for (const server of servers) {
      expect(await answers(server)).toEqual(plain);
      expect(await weightsOf(server, 'apart')).toMatchObject({ prepared: true });
    }
    expect(readdirSync(dir)).toHaveLength(2);
    await Promise.all(servers.map((server) => server.remove()));
  });

  it('are nothing that a server of one process needs', async () => {
    const dir = join(cache, 'alone');
    const server = await spawnServer({
      MODEL_DIR: models,
      WORKERS: '0',
      PREPARED_DIR: dir,
      PREPARED_MIN_BYTES: '0',
    });
    await server.ready();
    expect(await answers(server)).toEqual(plain);
    expect(existsSync(dir)).toBe(false);
    await server.remove();
  });
});
