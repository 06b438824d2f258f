import type { ModelsConfig } from '../config/config.slices';
import type { Ipc } from '../process/ipc/ipc.service';
import { ModelRegistry } from './loading/model-registry';
import { ModelsService } from './models.service';
import type { ModelRepository } from './repository/model-repository';
import type { Participant } from './rollout/participant';
import type { WorkerJoin } from './rollout/worker-join';

/** A folder on a disk that does not answer. */
const silent = { find: () => new Promise<never>(() => undefined) } as unknown as ModelRepository;

describe('ModelsService', () => {
  const models = new ModelsService(
    {} as ModelsConfig,
    new ModelRegistry(silent),
    {} as Participant,
    {} as WorkerJoin,
    {} as Ipc,
  );

  it('waits for the model folder until the deadline, and no longer', async () => {
    const late = { code: 'deadline_exceeded', message: expect.stringContaining('model folder') as string };
    await expect(models.acquire('any', undefined, performance.now() + 1)).rejects.toMatchObject(late);
    await expect(models.requireKnown('any', undefined, performance.now() + 1)).rejects.toMatchObject(late);
  });
});
