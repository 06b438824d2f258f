import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from '../../../test/helpers/model-folder';
import { identityModel } from '../../../test/helpers/onnx-models';
import { ClusterHarness } from '../rollout/testing/cluster-harness';

describe('the version of a model, loaded on request, for requests that name none', () => {
  const folder = temporaryFolder();
  let harness: ClusterHarness;
  const put = (version: string): void => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'model.onnx'), identityModel('FP32'));
  };
  const ensure = (version: string): Promise<void> =>
    harness.coordinator.change({ action: 'ensure', model: 'm', version });
  /** A look at the folder by each, as when the models are listed. */
  const look = (): Promise<unknown> => Promise.all(harness.workers.map(({ registry }) => registry.refresh()));
  const defaults = (): (string | undefined)[] =>
    harness.workers.map(({ registry }) => registry.entry('m').defaultVersion);
  beforeEach(async () => {
    writeModel(folder, 'required', identityModel('FP32'));
    put('1');
    put('2');
    harness = new ClusterHarness(folder, ['required']);
    await harness.start();
    await harness.start();
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  it('is the highest one, also after another was asked for by name', async () => {
    await ensure('1');
    expect(defaults()).toEqual(['2', '2']);
    await ensure('2');
    await harness.start();
    expect(harness.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('stays the same while it serves, whatever comes into the folder', async () => {
    await ensure('2');
    put('3');
    await look();
    await harness.start();
    expect(harness.answers('m')).toEqual(['2: ', '2: ', '2: ']);
    await ensure('3');
    expect(harness.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('is looked for anew when it serves no more', async () => {
    await ensure('2');
    put('3');
    await harness.coordinator.change({ action: 'unload', model: 'm' });
    await look();
    expect(defaults()).toEqual(['3', '3']);
  });
});
