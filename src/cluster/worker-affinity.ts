import type { Logger } from 'pino';
import type { CpuAffinity } from '../config/environment';
import { allowedCpus, cpuOfEachWorker, onlineCpus } from '../sessions/thread-affinity';
import { canBindThreads } from '../sessions/thread-binding';
import { type ReadFile, readText, type ThreadPlan } from '../sessions/thread-plan';

/** What the primary has decided about the workers' CPUs, once for all workers that will ever be. */
export interface WorkerAffinity {
  /** In the order of the places, or those that all of them share; undefined: they are not bound. */
  readonly cpus: readonly number[] | undefined;
  /** `CPU_AFFINITY` of the worker that takes a place, from 1: the CPUs, or `off`. */
  readonly settingOf: (place: number) => string;
}

const UNBOUND: WorkerAffinity = { cpus: undefined, settingOf: () => 'off' };

export function workerAffinity(
  wanted: CpuAffinity,
  plan: ThreadPlan,
  logger: Pick<Logger, 'debug'>,
  readFile: ReadFile = readText,
  canBind: (allowed: readonly number[]) => boolean = canBindThreads,
): WorkerAffinity {
  if (wanted === 'off') return UNBOUND;
  if (wanted !== 'auto') return { cpus: wanted, settingOf: () => wanted.join(',') };
  const allowed = allowedCpus(readFile);
  const cpus = cpuOfEachWorker(plan, onlineCpus(allowed, readFile));
  if (cpus === undefined) return UNBOUND;
  if (!canBind(allowed)) {
    logger.debug('workers are not bound to CPUs: taskset is not there or not allowed');
    return UNBOUND;
  }
  return { cpus, settingOf: (place) => String(cpus[place - 1] ?? 'off') };
}
