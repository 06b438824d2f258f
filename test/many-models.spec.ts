import { onnx } from 'onnx-proto';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel, bytesOf, encode, identityModel, initializer, node, value } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const { DataType } = onnx.TensorProto;
/** `y` = `a` / `b`, INT64 [N] each: the least number by -1 is a division that the processor refuses. */
const divide = encode({
  node: [node('Div', ['a', 'b'], ['y'])],
  input: [value('a', DataType.INT64, ['N']), value('b', DataType.INT64, ['N'])],
  output: [value('y', DataType.INT64, ['N'])],
});
/** `y` = `x` + so much, FP32 [N, 1]. */
const plus = (much: number): Uint8Array =>
  encode({
    node: [node('Add', ['x', 'much'], ['y'])],
    initializer: [initializer('much', DataType.FLOAT, [1], bytesOf(Float32Array.of(much)))],
    input: [value('x', DataType.FLOAT, ['N', 1])],
    output: [value('y', DataType.FLOAT, ['N', 1])],
  });
const DEADLY = { a: ['-9223372036854775808'], b: [-1] };
const LONG = { trips: 10_000_000 };
const OWN = { connection: 'close' };

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly result: { readonly y: unknown };
}

const namesOf = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(3, '0')}`);

/** So many at once, so that they wait for each other. */
async function inCrowd<T>(
  names: readonly string[],
  ask: (name: string, i: number) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (let i = 0; i < names.length; i += 33) {
    answers.push(...(await Promise.all(names.slice(i, i + 33).map((name, k) => ask(name, i + k)))));
  }
  return answers;
}

describe('small models that share threads', () => {
  const models = temporaryFolder();
  const neighbours = namesOf(99, 'n');
  let server: TestServer;
  beforeAll(async () => {
    for (const name of neighbours) writeModel(models, name, identityModel('FP32'));
    writeModel(models, 'divide', divide);
    writeModel(models, 'busy', busyModel());
    server = await startServer({
      MODEL_DIR: models,
      MAX_RESIDENT_MODELS: '200',
      WORKERS: '2',
      EXECUTION_SLOTS: '2',
      RUN_TIMEOUT_MS: '1000',
      SHUTDOWN_TIMEOUT_MS: '2000',
    });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  const ask = (model: string, body: object) => server.post<Answer>(`/api/inference/${model}`, body, OWN);
  const askAll = async (): Promise<unknown[]> => {
    const answers = await inCrowd(neighbours, (name, i) => ask(name, { x: [[i, 1]] }));
    return answers.map(({ status, body }) => [status, body.result?.y]);
  };
  const expected = neighbours.map((_, i) => [200, [[i, 1]]]);
  const oneIsNew = async (before: readonly number[]): Promise<void> => {
    await server.until('one is new', () => server.workers().some((pid) => !before.includes(pid)));
    await server.workersReady(2);
  };

  it('are served beside one that runs without end, which its limit catches', async () => {
    const before = server.workers();
    const endless = ask('busy', LONG).then(
      ({ status }) => status,
      () => 'no answer',
    );
    expect(await askAll()).toEqual(expected);
    expect(await endless).not.toBe(200);
    await oneIsNew(before);
    expect(await askAll()).toEqual(expected);
    await server.said(/a run of model .{1,2}busy.{1,2} version 1 takes longer than 1000 ms/);
  });

  it('come back with the worker that one of them has killed, and that one is set aside', async () => {
    for (let i = 0; i < 2; i++) {
      const before = server.workers();
      await expect(ask('divide', DEADLY)).rejects.toThrow();
      await oneIsNew(before);
    }
    const { status, body } = await ask('divide', { a: [6], b: [3] });
    expect([status, body.code]).toEqual([503, 'model_quarantined']);
    expect(await askAll()).toEqual(expected);
    expect(await askAll()).toEqual(expected);
  });
});

describe('a folder of hundreds, of which few may be loaded', () => {
  const models = temporaryFolder();
  const good = namesOf(150, 'good');
  const broken = namesOf(300, 'broken');
  let server: TestServer;
  beforeAll(async () => {
    good.forEach((name, i) => writeModel(models, name, plus(i)));
    for (const name of broken) writeModel(models, name, Buffer.from(`no model, but ${name}`));
    // As different as their letters' case.
    writeModel(models, 'Case', plus(1000), { version: '1' });
    writeModel(models, 'case', plus(2000), { version: '1' });
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'good000',
      MAX_RESIDENT_MODELS: '5',
      DOCS_MODELS: '2',
      WORKERS: '2',
    });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  const ask = (name: string) => server.post<Answer>(`/api/inference/${name}`, [[1]]);

  it('answers whoever walks through all of them, again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const answers = await inCrowd(good, ask);
      expect(answers.map(({ status, body }) => [status, body.result?.y])).toEqual(
        good.map((_, i) => [200, [[1 + i]]]),
      );
    }
    // One counts while any worker has it: the last change may not have made room on each of them yet.
    await server.until('no more are resident than may be', async () => {
      const { body } = await server.get<string>('/metrics');
      return Number(/^nestor_resident_models (\d+)$/m.exec(body)?.[1]) <= 5;
    });
  });

  it('says of each that is broken why, and to no one that there is a fault in all', async () => {
    const answers = await inCrowd(broken, ask);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`))).toEqual(
      new Set(['503 model_unavailable']),
    );
    expect((await ask('good001')).body.result.y).toEqual([[2]]);
    const { status, body } = await server.get<{ details: { models: object } }>('/api/health/ready');
    expect(status).toBe(200);
    expect(JSON.stringify(body).length).toBeLessThan(30_000);
    expect(body.details.models).toMatchObject({
      count: { expected: 1, serving: 1 },
      models: { good000: { state: 'READY' } },
    });
  });

  it('tells names apart that differ in case alone', async () => {
    const answers = await Promise.all(['Case', 'case', 'Case', 'case'].map(ask));
    expect(answers.map(({ body }) => body.result.y)).toEqual([[[1001]], [[2001]], [[1001]], [[2001]]]);
    expect((await ask('CASE')).status).toBe(404);
  });

  it('refuses whoever walks through thousands of names that there are not, and keeps none of them', async () => {
    const strangers = Array.from({ length: 2000 }, (_, i) => `stranger${i}`);
    const answers = await inCrowd(strangers, ask);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`))).toEqual(
      new Set(['404 model_not_found']),
    );
    const { body } = await server.get<{ models: { name: string }[] }>('/api/inference/models');
    expect(body.models).toHaveLength(good.length + broken.length + 2);
  });

  it('lists them page by page, in each protocol', async () => {
    const all = [...good, ...broken, 'Case', 'case'].sort();
    const walk = async (path: string, listOf: (body: never) => string[]): Promise<string[]> => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const query = `?limit=100${cursor === undefined ? '' : `&cursor=${cursor}`}`;
        const isIndex = path.endsWith('index');
        const { body, headers } = isIndex
          ? await server.post<{ next_cursor?: string }>(path + query, '')
          : await server.get<{ next_cursor?: string }>(path + query);
        const page = listOf(body as never);
        expect(page.length).toBeLessThanOrEqual(100);
        seen.push(...page);
        cursor = isIndex ? (headers.get('x-next-cursor') ?? undefined) : body.next_cursor;
      } while (cursor !== undefined);
      return seen;
    };
    const named = (list: { name: string }[]): string[] => list.map(({ name }) => name);
    expect(await walk('/api/inference/models', ({ models }: never) => named(models))).toEqual(all);
    expect(await walk('/v2/models', ({ models }: never) => models)).toEqual(all);
    expect(await walk('/v2/repository/index', named)).toEqual(all);
    expect(
      await walk('/v1/models', ({ data }: never) => (data as { id: string }[]).map(({ id }) => id)),
    ).toEqual(all);
    expect(await walk('/api/status', ({ models }: never) => named(models))).toEqual(all);
    const counted = (await server.get<{ model_stats: { name: string }[] }>('/v2/models/stats')).body;
    expect(counted.model_stats.length).toBeGreaterThan(100);
    expect(await walk('/v2/models/stats', ({ model_stats: stats }: never) => named(stats))).toEqual(
      named(counted.model_stats),
    );
    const { status, body } = await server.get<Answer>('/v2/models?limit=0');
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('Expected \\"limit\\"')]);
  });

  it('documents the first of those that are loaded, and how to find the others', async () => {
    await Promise.all(['good002', 'good003', 'good004'].map(ask));
    const { body } = await server.get<{ info: { description: string }; paths: object }>('/docs-json');
    const own = Object.keys(body.paths).filter((path) => /^\/api\/inference\/(good|case)/i.test(path));
    expect(own).toHaveLength(2);
    expect(body.info.description).toContain('GET /api/inference/models?limit=100');
  });
});
