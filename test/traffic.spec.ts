import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Exposition } from './helpers/exposition';
import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { startServer, type TestServer } from './helpers/server';

/** y = factor * x */
const times = (factor: number): Uint8Array =>
  graphModel({
    steps: [['Mul', ['x', 'factor'], ['y']]],
    inputs: { x: ['N', 2] },
    outputs: { y: ['N', 2] },
    floats: { factor: [[1], factor] },
  });

describe('traffic between versions', () => {
  const models = temporaryFolder();
  let server: TestServer;
  const configure = (yaml: string): void =>
    writeFileSync(join(models, 'm', 'model.yaml'), `versions: {specific: [1]}\n${yaml}`);
  const load = () => server.post('/v2/repository/models/m/load', {});

  beforeAll(async () => {
    for (const [version, factor] of [1, 1, 1.2, -1].entries()) {
      writeModel(models, 'm', times(factor), { version: String(version + 1) });
    }
    configure('');
    server = await startServer({
      MODEL_DIR: models,
      WORKERS: '1',
      MAX_RESIDENT_MODELS: '10',
      CACHE_ENABLED: 'false',
    });
  });
  afterAll(() => server.stop());

  const versionOf = async (
    headers: Record<string, string> = {},
    path = '/api/inference/m',
  ): Promise<string> => (await server.post<{ version: string }>(path, { x: [[1, 2]] }, headers)).body.version;
  const versionsOf = (count: number, headers?: (i: number) => Record<string, string>): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => versionOf(headers?.(i))));

  it('goes to the default version alone without a word', async () => {
    expect(new Set(await versionsOf(20))).toEqual(new Set(['1']));
  });

  it('is split by chance, once the other version serves', async () => {
    configure('traffic: {2: 50%}');
    await load();
    await server.until('version 2 gets calls', async () => (await versionsOf(20)).includes('2'));
    const seen = await versionsOf(200);
    const share = seen.filter((version) => version === '2').length / seen.length;
    // Beyond five standard deviations.
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    expect(
      await server.post('/v2/models/m/versions/1/infer', {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }],
      }),
    ).toMatchObject({ body: { model_version: '1' } });
  });

  it('keeps a caller at its version where that is asked for', async () => {
    configure('traffic: {2: 50%, by: X-User}');
    await load();
    await server.until('version 2 gets calls', async () =>
      (await versionsOf(20, (i) => ({ 'x-user': `u${i}` }))).includes('2'),
    );
    const first = await versionsOf(40, (i) => ({ 'x-user': `u${i}` }));
    expect(new Set(first)).toEqual(new Set(['1', '2']));
    expect(await versionsOf(40, (i) => ({ 'x-user': `u${i}` }))).toEqual(first);
  });

  it('sends nothing to a version that is not there', async () => {
    configure('traffic: {9: 50%}');
    await load();
    expect(new Set(await versionsOf(40))).toEqual(new Set(['1']));
  });

  it.each([
    ['2', 'same'],
    ['3', 'near'],
    ['4', 'differs'],
  ])('has version %s run copies, whose answers are counted as %s', async (version, result) => {
    configure(`shadow: ${version}`);
    await load();
    const counted = async (): Promise<number> =>
      new Exposition(await (await fetch(`${server.url}/metrics`)).text()).sum(
        'nestor_shadow_requests_total',
        {
          model: 'm',
          result,
        },
      );
    const before = await counted();
    await server.until(`a copy was ${result}`, async () => {
      expect(await versionOf()).toBe('1');
      return (await counted()) > before;
    });
  });
});
