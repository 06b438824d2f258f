import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from '../../../test/helpers/model-folder';
import { USAGE } from './messages';
import { identityModel, widenModel } from '../../../test/helpers/onnx-models';
import { ClusterHarness, type TestWorker } from './testing/cluster-harness';

describe('a worker that joins others', () => {
  const folder = temporaryFolder();
  let harness: ClusterHarness;
  const put = (version: string, model = identityModel('FP32')): void => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'model.onnx'), model);
  };
  const configure = (yaml: string): void => writeFileSync(join(folder, 'm', 'model.yaml'), yaml);
  const load = (): Promise<void> => harness.coordinator.change({ action: 'load', model: 'm' });
  const ensure = (version: string): Promise<void> =>
    harness.coordinator.change({ action: 'ensure', model: 'm', version });
  beforeEach(async () => {
    put('1');
    configure('description: old');
    harness = new ClusterHarness(folder, ['m']);
    await harness.start();
    expect(harness.answers('m')).toEqual(['1: old']);
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  it('has the settings that were changed while it started', async () => {
    const late = harness.fork();
    await late.membership.start();
    configure('description: new');
    await load();
    await late.membership.join();
    expect(harness.answers('m')).toEqual(['1: new', '1: new']);
  });

  it('has all take the settings of the folder where it finds others than they have', async () => {
    configure('description: new');
    await harness.start();
    expect(harness.answers('m')).toEqual(['1: new', '1: new']);
  });

  it('serves nothing that the others have replaced, not even where it cannot load what they have', async () => {
    const late = harness.fork();
    await late.membership.start();
    put('2');
    await load();
    late.opening = (file) => {
      if (file.includes('/2/')) throw new Error('no memory');
    };
    await late.membership.join();
    expect(harness.answers('m')).toEqual(['2: old', 'nothing']);
    // What kept it from loading has passed.
    late.opening = () => undefined;
    await ensure('2');
    expect(harness.answers('m')).toEqual(['2: old', '2: old']);
  });

  it('gives requests that name no version the one that they get from the others', async () => {
    put('2');
    configure('versions: {specific: [1]}');
    await load();
    await ensure('2');
    await harness.start();
    expect(harness.answers('m')).toEqual(['1: ', '1: ']);
    expect(harness.answers('m', '2')).toEqual(['2: ', '2: ']);
  });

  it('lacks what a call unloaded while it started, until a call brings it back', async () => {
    const late = harness.fork();
    await late.membership.start();
    await harness.coordinator.change({ action: 'unload', model: 'm' });
    await late.membership.join();
    expect(harness.answers('m')).toEqual(['nothing', 'nothing']);
    expect(late.registry.entry('m').unloaded).toBe(true);
    await load();
    expect(harness.answers('m')).toEqual(['1: old', '1: old']);
  });

  it('has what was loaded again by a call while it started, or says why not', async () => {
    await harness.coordinator.change({ action: 'unload', model: 'm' });
    const late = harness.fork();
    await late.membership.start();
    await load();
    late.opening = () => {
      throw new Error('no memory');
    };
    await late.membership.join();
    expect(late.registry.entry('m')).toMatchObject({ unloaded: false, required: true });
    expect(late.registry.entry('m').version(undefined)?.reason).toBe('no memory');
  });

  it('takes part in a change that waits for room', async () => {
    writeModel(folder, 'a', identityModel('FP32'));
    writeModel(folder, 'b', identityModel('FP32'));
    harness = new ClusterHarness(folder, ['m'], 2.5 * identityModel('FP32').length);
    const worker = await harness.start();
    await harness.coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    const held = worker.registry.entry('a').version('1')!.served!;
    held.use.take();
    const loaded = harness.coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    while (!harness.asked.some(({ topic }) => topic === USAGE)) await new Promise(setImmediate);
    const late = await harness.start();
    // It may be refused yet, and then only those who had it loaded before would let it go.
    expect(late.answer('b')).toBe('nothing');
    held.use.release();
    await loaded;
    expect(harness.answers('b')).toEqual(['1: ', '1: ']);
    expect(harness.answers('a')).toEqual(['nothing', 'nothing']);
  });

  it('does not even open files that are other ones than the others have loaded', async () => {
    put('1', widenModel(3));
    harness.workers[0]!.opening = () => {
      throw new Error('no memory');
    };
    const late = harness.fork();
    await late.membership.start();
    expect(late.opened).toEqual([]);
    await late.membership.join();
    expect(harness.answers('m')).toEqual(['1: old', 'nothing']);
    await expect(ensure('1')).rejects.toThrow('other files or settings by now than the server has loaded');
  });
});

describe('workers that start together', () => {
  const folder = temporaryFolder();
  let harness: ClusterHarness;
  let first: TestWorker;
  let second: TestWorker;
  beforeEach(() => {
    writeModel(folder, 'm', identityModel('FP32'));
    harness = new ClusterHarness(folder, ['m']);
    [first, second] = [harness.fork(), harness.fork()];
  });

  it('all get what one of them could load', async () => {
    first.opening = () => {
      throw new Error('too slow');
    };
    await Promise.all([first.membership.start(), second.membership.start()]);
    first.opening = () => undefined;
    await first.membership.join();
    await second.membership.join();
    expect(harness.answers('m')).toEqual(['1: ', '1: ']);
    expect(harness.coordinator.isLoaded('m')).toBe(true);
    await harness.coordinator.change({ action: 'unload', model: 'm' });
    expect(harness.answers('m')).toEqual(['nothing', 'nothing']);
  });

  it('do not serve different files that they found, even where the first cannot load the newer ones', async () => {
    await first.membership.start();
    writeModel(folder, 'm', widenModel(2));
    await second.membership.start();
    first.opening = () => {
      throw new Error('no memory');
    };
    await first.membership.join();
    await second.membership.join();
    expect(harness.answers('m')).toEqual(['1: ', 'nothing']);
  });
});
