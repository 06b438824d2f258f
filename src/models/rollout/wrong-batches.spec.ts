import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/helpers/model-folder';
import { identityModel } from '../../../test/helpers/onnx-models';
import { ClusterHarness } from './testing/cluster-harness';

const WRONG = 'its batches were wrong: output "y" of a row differs in a batch';

describe('a version whose batches were wrong', () => {
  const folder = temporaryFolder();
  let harness: ClusterHarness;
  const alone = (): string[] => harness.workers.map((worker) => worker.alone('m'));
  beforeEach(async () => {
    mkdirSync(join(folder, 'm', '1'), { recursive: true });
    writeFileSync(join(folder, 'm', '1', 'model.onnx'), identityModel('FP32'));
    harness = new ClusterHarness(folder, ['m']);
    for (let i = 0; i < 2; i++) await harness.start();
    const [first] = harness.workers;
    const forgotten = new Promise((resolve) => first!.registry.onWrongBatches(resolve));
    const served = first!.registry.entry('m').version(undefined)!.served!;
    first!.wrongBatches(served, 'output "y" of a row differs in a batch');
    expect(await forgotten).toBe('m');
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  it('is batched on no worker, nor on one that comes later', async () => {
    expect(alone()).toEqual([WRONG, WRONG]);
    await harness.start();
    expect(alone()).toEqual([WRONG, WRONG, WRONG]);
    expect(harness.log.events.map(({ msg }) => msg)).toContain(
      'batches of a model were wrong, it is not batched any more',
    );
  });

  it('is tried again after a call has loaded it', async () => {
    await harness.coordinator.change({ action: 'load', model: 'm' });
    await harness.start();
    expect(alone()).toEqual(['', '', '']);
  });

  it('says nothing of other files in its place', async () => {
    writeFileSync(join(folder, 'm', '1', 'model.onnx'), identityModel('FP32', ['N', 3]));
    await harness.start();
    expect(alone()).toEqual(['', '', '']);
  });
});
