import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { encode, identityModel, node, value } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';
import { SENTENCE_FILES, smallTextModel, TOKENIZERS, writeTextFolder } from './helpers/text-models';

const { DataType } = onnx.TensorProto;
/** `y` = `a` / `b`, INT64 [N] each: the least number by -1 is a division that the processor refuses. */
const divide = encode({
  node: [node('Div', ['a', 'b'], ['y'])],
  input: [value('a', DataType.INT64, ['N']), value('b', DataType.INT64, ['N'])],
  output: [value('y', DataType.INT64, ['N'])],
});
const DEADLY = { a: ['-9223372036854775808'], b: [-1] };
/** A pattern that backtracks until the library of tokenizers gives up, and the process with it. */
const HOPELESS = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
const DEADLY_TEXT = { text: `${'a'.repeat(40)}b` };

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly result: { readonly y: unknown[] };
}

describe('a model that kills workers by what it is sent', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'divide', divide);
    writeModel(models, 'same', identityModel('FP32'));
    const tokenizer = JSON.parse(readFileSync(join(TOKENIZERS, 'wordpiece.json'), 'utf8')) as object;
    const files = { ...SENTENCE_FILES, 'tokenizer.json': { ...tokenizer, pre_tokenizer: HOPELESS } };
    writeTextFolder(models, 'reader', smallTextModel('hidden'), files);
    server = await startServer({ MODEL_DIR: models, MODEL_NAMES: 'divide,same,reader', WORKERS: '2' });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  const ask = (body: object, model = 'divide') =>
    server.post<Answer>(`/api/inference/${model}`, body, { connection: 'close' });
  async function kill(body: object = DEADLY, model = 'divide'): Promise<void> {
    const before = server.workers();
    await expect(ask(body, model)).rejects.toThrow();
    await server.until('one is new', () => server.workers().some((pid) => !before.includes(pid)));
    await server.workersReady(2);
  }

  it('is set aside once it has killed twice, on all workers, and the rest is served', async () => {
    await kill();
    expect((await ask({ a: [6], b: [3] })).body.result.y).toEqual([2]);
    await kill();
    const workers = server.workers();
    for (let i = 0; i < 12; i++) {
      const { status, body } = await ask(DEADLY);
      expect([status, body.code]).toEqual([503, 'model_quarantined']);
      expect(body.message).toBe(
        'Model "divide" version 1 is set aside: workers died by SIGFPE while they ran it; a load call tries again.',
      );
      expect((await ask({ x: [[1, 2]] }, 'same')).status).toBe(200);
    }
    expect(server.workers()).toEqual(workers);
    await server.said('model set aside, workers died while they ran it');
    const { body } = await server.get<string>('/metrics');
    expect(body).toMatch(/^nestor_model_quarantines_total\{model="divide",version="1"\} [1-9]/m);
    expect((await server.get('/v2/models/divide/ready')).status).toBe(503);
    const { body: status } = await server.get<{ models: object[]; state: string }>('/api/status');
    expect(status.state).toBe('degraded');
    expect(status.models[0]).toMatchObject({
      state: 'quarantined',
      reason: {
        text: expect.stringContaining('SIGFPE') as string,
        hint: expect.stringContaining('version before') as string,
      },
    });
  });

  it('does not take the server away, which serves the others: readiness names it', async () => {
    const { status, body } = await server.get<{ info: { models: { degraded: Record<string, string> } } }>(
      '/api/health/ready',
    );
    expect([status, body.info.models.degraded]).toEqual([
      200,
      { divide: expect.stringContaining('workers died by SIGFPE while they ran it') as unknown },
    ]);
  });

  it('stays aside on a worker that comes later', async () => {
    const before = server.workers();
    process.kill(before[0]!, 'SIGKILL');
    await server.until('one is new', () => server.workers().some((pid) => !before.includes(pid)));
    await server.workersReady(2);
    for (let i = 0; i < 12; i++) expect((await ask({ a: [6], b: [3] })).status).toBe(503);
  });

  it('serves again after a load call', async () => {
    expect((await server.post('/v2/repository/models/divide/load', '')).status).toBe(200);
    for (let i = 0; i < 8; i++) expect((await ask({ a: [6], b: [3] })).body.result.y).toEqual([2]);
  });

  it('is found as well where it kills before it runs, by what it does with a text', async () => {
    expect((await ask({ text: 'the quick fox' }, 'reader')).status).toBe(200);
    // Workers have died a moment ago, so what they do is noted.
    await kill(DEADLY_TEXT, 'reader');
    for (let i = 0; i < 8; i++) {
      const { status, body } = await ask(DEADLY_TEXT, 'reader');
      expect([status, body.code]).toEqual([503, 'model_quarantined']);
      expect((await ask({ x: [[1, 2]] }, 'same')).status).toBe(200);
    }
  });
});
