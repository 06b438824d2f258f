import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel, widenModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

/** A field of text at the end, which is the model's `doc_string`. */
const deadly = (model: Uint8Array): Uint8Array => Buffer.concat([model, Buffer.from('\x32\x06deadly')]);

interface Answer {
  code: string;
  message: string;
}

describe('a model that kills the worker that loads it', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'same', identityModel('FP32'));
    writeModel(models, 'wide', widenModel(1), { version: '1' });
    const preloaded = join(__dirname, 'helpers', 'deadly-files.js');
    server = await startServer({
      MODEL_DIR: models,
      WORKERS: '2',
      NODE_OPTIONS: `--require=${preloaded}`,
    });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  const load = (model: string) => server.post<{ error: string }>(`/v2/repository/models/${model}/load`, '');
  const deaths = (): number => server.output.match(/worker died, replacing it/g)?.length ?? 0;
  /** What both workers answer, on connections of their own. */
  async function statuses(path: string): Promise<number[]> {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => server.post(`/api/inference/${path}`, [[1]], { connection: 'close' })),
    );
    return [...new Set(answers.map(({ status }) => status))].sort();
  }
  /** One worker died of it, and another one is there. */
  async function replaced(before: readonly number[]): Promise<void> {
    await server.until('one is new', () => server.workers().some((pid) => !before.includes(pid)));
    expect(server.workers().filter((pid) => before.includes(pid))).toHaveLength(1);
  }

  it('costs one worker, the call says so, and the old version goes on', async () => {
    const before = server.workers();
    writeModel(models, 'wide', deadly(widenModel(2)), { version: '1' });
    expect(await load('wide')).toMatchObject({
      status: 503,
      body: {
        error: /^Model "wide" stays as it is: worker \d: it died while it loaded: .* ended by SIGSEGV/,
      },
    });
    expect((await server.post('/api/inference/wide', [[1]], { connection: 'close' })).status).toBe(200);
    await replaced(before);
    // The new worker cannot have the old files, does not touch the new ones, and leaves what comes in to the other.
    await server.said(/this worker waits/);
    expect(await statuses('wide')).toEqual([200]);
    expect(deaths()).toBe(1);
    writeModel(models, 'wide', widenModel(2), { version: '1' });
    expect((await load('wide')).status).toBe(200);
    await server.workersReady(2);
    expect(await statuses('wide')).toEqual([200]);
  });

  it('costs one worker when a request names it, and is left alone from then on', async () => {
    const before = server.workers();
    writeModel(models, 'wide', deadly(widenModel(3)), { version: '2' });
    const ask = () => server.post<Answer>('/api/inference/wide?version=2', [[1]], { connection: 'close' });
    expect(await ask()).toMatchObject({ status: 503, body: { message: /it died while it loaded/ } });
    await replaced(before);
    await server.workersReady(2);
    expect(await ask()).toMatchObject({ status: 503, body: { message: /a load call tries again/ } });
    expect(await statuses('wide')).toEqual([200]);
    expect(deaths()).toBe(2);
  });
});
