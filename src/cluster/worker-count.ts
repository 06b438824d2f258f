import type { StartModel } from '../models/repository/start-models';

/** What decides how many workers there are where WORKERS does not say it. */
export interface WorkerNeeds {
  readonly quota: number;
  /** MAX_AUTO_WORKERS */
  readonly maxWorkers: number;
  readonly memoryLimitBytes: number;
  /** The answers that each worker may keep. */
  readonly cacheBytes: number;
  readonly models: ModelNeeds;
}

/** What the models of the start take, by the size of their files. */
export interface ModelNeeds {
  /** In each worker. */
  readonly ownBytes: number;
  /** Once for all of them. */
  readonly sharedBytes: number;
}

export interface WorkerCount {
  readonly workers: number;
  readonly boundBy: 'CPUs' | 'memory' | 'MAX_AUTO_WORKERS';
  /** What each worker is thought to take. */
  readonly workerBytes: number;
  readonly memoryLimitBytes: number;
  /** Does not even one fit? */
  readonly tight: boolean;
}

/** Which models may be prepared. */
export interface Preparing {
  readonly preparedDir?: string | undefined;
  readonly preparedMinBytes: number;
}

const MB = 2 ** 20;
/** Of a model that each worker holds for itself: the weights as they are in its file, and as kernels want them. */
const PLAIN_SHARE = 1.6;
/** Of one that is prepared, the weights that kernels read: shared by all; and what a worker needs to run it. */
const SHARED_SHARE = 1.1;
const PREPARED_OWN_BYTES = 64 * MB;
/** A worker that has served 80,000 small requests, without its models and its cache: 142 to 147 MB, 50 of them shared. */
const WORKER_BYTES = 120 * MB;
/** The supervisor, with what processes of one program share. */
const PRIMARY_BYTES = 80 * MB;
/** The rest is for large requests, and for a version that is loaded beside another. */
const USED_SHARE = 0.9;

/** What models take in memory, as it was measured of some (docs/memory.md). */
export function needsOf(
  models: readonly StartModel[],
  { preparedDir, preparedMinBytes }: Preparing,
): ModelNeeds {
  let ownBytes = 0;
  let sharedBytes = 0;
  for (const { sizeBytes, instances } of models) {
    if (preparedDir === undefined || sizeBytes < preparedMinBytes) {
      ownBytes += sizeBytes * PLAIN_SHARE * instances;
    } else {
      ownBytes += Math.min(sizeBytes, PREPARED_OWN_BYTES) * instances;
      sharedBytes += sizeBytes * SHARED_SHARE;
    }
  }
  return { ownBytes: Math.round(ownBytes), sharedBytes: Math.round(sharedBytes) };
}

/** As many workers as there are cores for, and memory; one where there is not even memory for that. */
export function countWorkers({
  quota,
  maxWorkers,
  memoryLimitBytes,
  cacheBytes,
  models,
}: WorkerNeeds): WorkerCount {
  const workerBytes = WORKER_BYTES + cacheBytes + models.ownBytes;
  const left = memoryLimitBytes * USED_SHARE - PRIMARY_BYTES - models.sharedBytes;
  const fitting = Math.floor(left / workerBytes);
  const bounds = [
    { workers: quota, boundBy: 'CPUs' },
    { workers: maxWorkers, boundBy: 'MAX_AUTO_WORKERS' },
    { workers: Math.max(1, fitting), boundBy: 'memory' },
  ] as const;
  const tightest = bounds.reduce((least, bound) => (bound.workers < least.workers ? bound : least));
  return { ...tightest, workerBytes, memoryLimitBytes, tight: fitting < 1 };
}
