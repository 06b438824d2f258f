import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from '../../../test/helpers/model-folder';
import { identityModel, widenModel } from '../../../test/helpers/onnx-models';
import { PREPARE } from './messages';
import { ClusterHarness, type TestWorker } from './testing/cluster-harness';

describe('a change of a model', () => {
  const folder = temporaryFolder();
  let harness: ClusterHarness;
  const put = (version: string, model = identityModel('FP32')): void => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'model.onnx'), model);
  };
  const load = (asker?: TestWorker): Promise<void> =>
    harness.coordinator.change({ action: 'load', model: 'm' }, asker?.id);
  /** Those that tried to load the file, whatever came of it. */
  let tried: number[];
  /** What becomes of the workers that load it, also of those that start later. */
  function ends(how: 'died' | 'left', version: string, whose = harness.workers): void {
    for (const worker of whose) {
      worker.opening = (file) => {
        if (!file.includes(`/${version}/`)) return;
        tried.push(worker.id);
        worker.end(how);
        throw new Error('nobody hears this any more');
      };
    }
  }
  /** Which workers load at once, one round after the other. */
  async function roundsOf(change: Promise<void>): Promise<(readonly number[])[]> {
    await change;
    return harness.asked.filter(({ topic }) => topic === PREPARE).map(({ workers }) => workers);
  }
  beforeEach(async () => {
    tried = [];
    writeModel(folder, 'required', identityModel('FP32'));
    put('1');
    harness = new ClusterHarness(folder, ['required', 'm']);
    for (let worker = 1; worker <= 3; worker++) await harness.start();
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  describe('that workers die of', () => {
    it('costs one of them, and not the one that hands the reason on', async () => {
      put('2');
      ends('died', '2');
      const refused = expect(load(harness.workers[2])).rejects;
      await refused.toMatchObject({
        code: 'model_unavailable',
        message: 'Model "m" stays as it is: worker 2: it died while it loaded: process 2 ended',
      });
      expect(tried).toEqual([2]);
      expect(harness.answers('m')).toEqual(['1: ', '1: ']);
    });

    it('is not tried by the workers that follow', async () => {
      put('1', widenModel(3));
      ends('died', '1');
      await expect(load()).rejects.toThrow('it died while it loaded');
      const next = harness.fork();
      ends('died', '1', [next]);
      await harness.start(next);
      expect(tried).toEqual([3]);
      expect(harness.answers('m')).toEqual(['1: ', '1: ', 'nothing']);
      expect(harness.answers('required')).toEqual(['1: ', '1: ', '1: ']);
    });

    it('is not tried again for a request, but by a call', async () => {
      put('2');
      ends('died', '2');
      const ensure = (): Promise<void> =>
        harness.coordinator.change({ action: 'ensure', model: 'm', version: '2' });
      await expect(ensure()).rejects.toThrow('it died while it loaded');
      await expect(ensure()).rejects.toThrow('a load call tries again');
      expect(tried).toEqual([3]);
      for (const worker of harness.workers) worker.opening = () => undefined;
      await load();
      expect(harness.answers('m')).toEqual(['2: ', '2: ']);
      await ensure();
    });
  });

  it('does not fail because of a worker that leaves', async () => {
    const leaving = await harness.start();
    put('2');
    ends('left', '2', [leaving]);
    expect(await roundsOf(load())).toEqual([[4], [3], [1, 2], []]);
    expect(harness.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('is tried by the first one alone, which tells the others what it has seen', async () => {
    put('2', widenModel(2));
    const before = harness.workers.map(({ tried: models }) => models.length);
    await load();
    const times = harness.workers.map(({ tried: models }, i) => models.length - before[i]!);
    expect(times.sort()).toEqual([0, 0, 1]);
    expect(harness.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('is loaded by one, then by half of them at once', async () => {
    await harness.start();
    put('2');
    expect(await roundsOf(load(harness.workers[3]))).toEqual([[3], [2, 4], [1], []]);
  });
});
