import { countWorkers, needsOf, type WorkerNeeds } from './worker-count';

const MB = 2 ** 20;
const GB = 2 ** 30;
const needs = (about: Partial<WorkerNeeds> = {}): WorkerNeeds => ({
  quota: 4,
  maxWorkers: 8,
  memoryLimitBytes: 16 * GB,
  cacheBytes: 64 * MB,
  models: { ownBytes: 0, sharedBytes: 0 },
  ...about,
});

describe('countWorkers', () => {
  it('gives every core a worker where memory is plenty', () => {
    expect(countWorkers(needs())).toMatchObject({ workers: 4, boundBy: 'CPUs', tight: false });
    expect(countWorkers(needs({ quota: 64 }))).toMatchObject({ workers: 8, boundBy: 'MAX_AUTO_WORKERS' });
    expect(countWorkers(needs({ quota: 64, maxWorkers: 32 }))).toMatchObject({ workers: 32 });
  });

  it('stays within a small container, and serves with one worker in one that is too small', () => {
    expect(countWorkers(needs({ memoryLimitBytes: 512 * MB }))).toMatchObject({
      workers: 2,
      boundBy: 'memory',
    });
    expect(countWorkers(needs({ memoryLimitBytes: 128 * MB }))).toMatchObject({
      workers: 1,
      boundBy: 'memory',
      tight: true,
    });
  });

  it('counts what each worker has for itself again and again, and what they share once', () => {
    const models = { ownBytes: 700 * MB, sharedBytes: 0 };
    expect(countWorkers(needs({ memoryLimitBytes: 2 * GB, models }))).toMatchObject({
      workers: 1,
      boundBy: 'memory',
      workerBytes: 884 * MB,
      tight: false,
    });
    const prepared = { ownBytes: 64 * MB, sharedBytes: 500 * MB };
    expect(countWorkers(needs({ memoryLimitBytes: 2 * GB, models: prepared }))).toMatchObject({ workers: 4 });
  });
});

describe('needsOf', () => {
  const large = { sizeBytes: 400 * MB, instances: 2 };
  const small = { sizeBytes: 10 * MB, instances: 1 };

  it('counts each session of a model that is not prepared', () => {
    const preparing = { preparedDir: undefined, preparedMinBytes: 16 * MB };
    expect(needsOf([large, small], preparing)).toEqual({ ownBytes: 1296 * MB, sharedBytes: 0 });
  });

  it('counts the weights of a prepared one once', () => {
    const preparing = { preparedDir: '/prepared', preparedMinBytes: 16 * MB };
    expect(needsOf([large, small], preparing)).toEqual({ ownBytes: 144 * MB, sharedBytes: 440 * MB });
  });
});
