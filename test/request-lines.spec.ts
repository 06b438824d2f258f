import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel, identityModel, textsModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

type Line = Record<string, unknown>;

/** Turns of a loop: some tens of milliseconds. */
const SLOW = { trips: 1000 };

describe('what the logs say of requests', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'busy', busyModel());
    writeModel(models, 'same', identityModel('FP32'));
    writeModel(models, 'texts', textsModel(), { yaml: 'max_text_elements: 1000' });
    server = await startServer({
      MODEL_DIR: models,
      WORKERS: '1',
      SLOW_REQUEST_MS: '1',
      TRUSTED_PROXIES: '1',
      JSON_ANSWER_LIMIT: '1024',
    });
  });
  afterAll(() => server.stop());

  async function accessLine(requestId: string): Promise<Line> {
    let line: string | undefined;
    await server.until(`the line of ${requestId}`, () => {
      const lines = readFileSync(join(server.logDir, 'access.log'), 'utf8').split('\n');
      line = lines.find((one) => one.includes(`"requestId":"${requestId}"`));
      return line !== undefined;
    });
    return JSON.parse(line!) as Line;
  }

  it('has the stages of a slow one, and whom the proxy asked for', async () => {
    const headers = { 'x-request-id': 'slow-1', 'x-forwarded-for': '9.9.9.9, 1.2.3.4' };
    expect((await server.post('/api/inference/busy', SLOW, headers)).status).toBe(200);
    const line = await accessLine('slow-1');
    expect(line).toMatchObject({ status: 200, ip: '1.2.3.4', model: 'busy', worker: 1 });
    for (const stage of ['readMs', 'decodeMs', 'queueMs', 'runMs'])
      expect(line[stage]).toEqual(expect.any(Number));
    expect(line).not.toHaveProperty('code');
  });

  it.each([
    ['/api/inference/same', { x: [[1]] }, 400, 'shape_mismatch'],
    ['/api/inference/nothing', { x: [[1]] }, 404, 'model_not_found'],
    ['/v2/repository/models/nothing/load', '', 404, 'model_not_found'],
  ])('has the code of a failed one: %s', async (path, body, status, code) => {
    const requestId = `failed-${path.replaceAll('/', '-')}`;
    expect((await server.post(path, body, { 'x-request-id': requestId })).status).toBe(status);
    expect(await accessLine(requestId)).toMatchObject({ status, code });
  });

  it('counts what was refused, a line a second', async () => {
    const late = await Promise.all(
      Array.from({ length: 40 }, () =>
        server.post('/api/inference/busy', SLOW, { 'x-request-timeout-ms': '1' }),
      ),
    );
    expect(new Set(late.map(({ status }) => status))).not.toContain(200);
    await server.until(
      'all are said',
      () => refusals().reduce((sum, { count }) => sum + Number(count), 0) === 40,
    );
    expect(refusals().length).toBeLessThan(10);
    expect(refusals()[0]).toMatchObject({ level: 'warn', model: 'busy', worker: 1 });
    expect(['deadline_exceeded', 'overloaded']).toContain(refusals()[0]?.code);
  });

  it('bounds the JSON of an answer by a setting, and the texts of an output by model.yaml', async () => {
    const x = Array.from({ length: 100 }, () => [1, 2]);
    const large = await server.post<{ code: string; message: string }>('/api/inference/same', { x });
    expect([large.status, large.body.code]).toEqual([400, 'answer_too_large']);
    expect(large.body.message).toMatch(/JSON_ANSWER_LIMIT/);
    const texts = await server.post<{ code: string; message: string }>('/api/inference/texts', {
      count: [2_000_000],
    });
    expect([texts.status, texts.body.code]).toEqual([400, 'answer_too_large']);
    expect(texts.body.message).toMatch(/has 2000000 texts, more than 1000 \(max_text_elements/);
  });

  function refusals(): Line[] {
    return readFileSync(join(server.logDir, 'app.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"requests refused"'))
      .map((line) => JSON.parse(line) as Line);
  }
});
