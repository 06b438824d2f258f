import type { ModelsConfig } from '../config/config.slices';
import type { Ipc } from '../process/ipc/ipc.service';
import { VersionEntry } from './loading/model-entry';
import { ModelRegistry } from './loading/model-registry';
import { ModelsService } from './models.service';
import type { ModelConfig } from './repository/model-config';
import type { ModelRepository } from './repository/model-repository';
import type { Participant } from './rollout/participant';
import type { WorkerJoin } from './rollout/worker-join';

/** A folder on a disk that does not answer. */
const silent = {
  find: () => new Promise<never>(() => undefined),
  asBefore: () => ({}),
} as unknown as ModelRepository;

describe('ModelsService', () => {
  const registry = new ModelRegistry(silent);
  const models = new ModelsService(
    {} as ModelsConfig,
    registry,
    {} as Participant,
    {} as WorkerJoin,
    {} as Ipc,
  );

  it('waits for the model folder until the deadline, and no longer', async () => {
    const late = { code: 'deadline_exceeded', message: expect.stringContaining('model folder') as string };
    await expect(models.acquire('any', undefined, performance.now() + 1)).rejects.toMatchObject(late);
    await expect(models.requireKnown('any', undefined, performance.now() + 1)).rejects.toMatchObject(late);
  });

  it('looks for a version that is not known at the files of a model that is', async () => {
    const found = { version: '1', configFolder: '/m', file: '/m/1/model.onnx', sizeBytes: 1 };
    const entry = new VersionEntry('known', found, {} as ModelConfig, undefined);
    registry.expect('known').versions.set('1', entry);
    expect(models.requireKnown('known', '1', performance.now() + 1)).toBeUndefined();
    const late = { code: 'deadline_exceeded', message: expect.stringContaining('model folder') as string };
    await expect(models.acquire('known', '7', performance.now() + 1)).rejects.toMatchObject(late);
    await expect(models.requireKnown('known', '7', performance.now() + 1)).rejects.toMatchObject(late);
  });
});
