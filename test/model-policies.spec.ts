import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { mlpModel, widenModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';
import { SteadyLoad } from './helpers/steady-load';

/** Each version is as wide as its number says. */
const modelOf = (version: string): Uint8Array => widenModel(Number(version));

describe('a watched model folder of two workers', () => {
  const models = temporaryFolder();
  let server: TestServer;
  const put = (version: string, yaml?: string): void =>
    writeModel(models, 'wide', modelOf(version), { version, yaml });
  const configure = (yaml: string): void => writeFileSync(join(models, 'wide', 'model.yaml'), yaml);
  beforeAll(async () => {
    put('1');
    put('2');
    writeModel(models, 'tick', modelOf('1'), { version: '1' });
    // About 100 KB each, of which two find room beside the small ones.
    for (const name of ['a', 'b', 'c']) writeModel(models, name, mlpModel([160, 160, 2]));
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'tick,wide',
      WORKERS: '2',
      MODEL_WATCH_INTERVAL_MS: '100',
      MAX_MODELS_MEMORY: '250kb',
    });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  /** What serves, as each worker sees it; several connections reach both. */
  async function loaded(): Promise<string[]> {
    const indexes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { body } = await server.post<{ name: string; version: string }[]>(
          '/v2/repository/index',
          { ready: true },
          { connection: 'close' },
        );
        return body.map(({ name, version }) => `${name} ${version}`).join(', ');
      }),
    );
    return [...new Set(indexes)];
  }
  const untilLoaded = (...wanted: string[]): Promise<void> =>
    server.until(`every worker has ${wanted.join(' or ')}`, async () => {
      const [seen = '', ...others] = await loaded();
      return others.length === 0 && wanted.includes(seen);
    });

  it('serves the latest version, or as many as the policy says', async () => {
    expect(await loaded()).toEqual(['tick 1, wide 2']);
    configure('versions: all');
    await untilLoaded('tick 1, wide 1, wide 2');
    put('3');
    await untilLoaded('tick 1, wide 1, wide 2, wide 3');
    configure('versions: {latest: 2}');
    await untilLoaded('tick 1, wide 2, wide 3');
    configure('versions: {specific: [1, 3]}');
    await untilLoaded('tick 1, wide 1, wide 3');
    configure('versions: {latest: 1}');
    await untilLoaded('tick 1, wide 3');
  });

  it('never serves a copy that is not whole, nor a version that fails its golden cases', async () => {
    const steady = new SteadyLoad(
      server,
      '/api/inference/wide',
      [[1]],
      ({ version }) => version === '3' || version === '5',
    );
    const file = join(models, 'wide', '4', 'model.onnx');
    const whole = modelOf('4');
    configure('golden: [{inputs: {x: [[1]]}, outputs: {y: [[9, 9, 9, 9]]}, tolerance: 0}]');
    mkdirSync(join(models, 'wide', '4'));
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    // What is whole is seen meanwhile.
    writeModel(models, 'tick', modelOf('2'), { version: '2' });
    await untilLoaded('tick 2, wide 3');
    expect(server.output).not.toContain('but what serves stays');
    writeFileSync(file, whole);
    await server.said('but what serves stays');
    await server.said('golden case 1 fails');
    expect(await loaded()).toEqual(['tick 2, wide 3']);
    rmSync(join(models, 'wide', '4'), { recursive: true });
    configure('');
    put('5');
    await untilLoaded('tick 2, wide 5');
    await steady.answered(5);
    expect(await steady.stop()).toEqual({ failed: [] });
  });

  it('has room for as many others as fit its memory, the same ones on every worker', async () => {
    const ask = async (model: string): Promise<number> =>
      (await server.post(`/api/inference/${model}`, [Array<number>(160).fill(0)])).status;
    expect([await ask('a'), await ask('b')]).toEqual([200, 200]);
    expect(await loaded()).toEqual(['a 1, b 1, tick 2, wide 5']);
    expect(await ask('a')).toBe(200);
    expect(await ask('c')).toBe(200);
    // Which one was used last, the primary knows as of a moment ago.
    await untilLoaded('a 1, c 1, tick 2, wide 5', 'b 1, c 1, tick 2, wide 5');
  });
});
