import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import { groupsOf, type ReadFile, readText } from '../cgroup';

/** How the cores are shared out: workers x slots x intra-op threads stay within the quota unless settings say otherwise. */
export interface CpuPlan {
  /** Whole cores this server may use. */
  readonly quota: number;
  /** Worker processes; 0: one process, without a supervisor. */
  readonly workers: number;
  /** Runs that may go on at the same time in one process. */
  readonly slots: number;
  /** Threads that one run may use, unless its model says otherwise. */
  readonly intraOpThreads: number;
}

export interface CpuWishes {
  readonly quota: number;
  readonly workers: number | 'auto';
  readonly slots: number | 'auto';
}

// More event loops than this take more memory than they win.
const MAX_AUTO_WORKERS = 8;
/** Where version 1's cpu controller is mounted, by distribution. */
const V1_MOUNTS = ['cpu', 'cpu,cpuacct'];

/**
 * Shares the quota out. Slots come before intra-op threads: separate runs use cores better than one run
 * that is split, so a run gets several threads only where fewer slots were asked for.
 */
export function planCpus({ quota, workers, slots }: CpuWishes): CpuPlan {
  const plannedWorkers = workers === 'auto' ? Math.min(quota, MAX_AUTO_WORKERS) : workers;
  const processes = Math.max(1, plannedWorkers);
  const plannedSlots = slots === 'auto' ? share(quota, processes) : slots;
  return {
    quota,
    workers: plannedWorkers,
    slots: plannedSlots,
    intraOpThreads: share(quota, processes * plannedSlots),
  };
}

/**
 * Whole cores that may be used: what the scheduler's affinity allows, cut by the CPU quota of the control
 * groups (both versions) this process is in. A fraction is rounded down, but to no less than 1.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 * https://docs.kernel.org/scheduler/sched-bwc.html
 */
export function cpuQuota(
  readFile: ReadFile = readText,
  parallelism: number = availableParallelism(),
): number {
  const limits = groupsOf(readFile, 'cpu', V1_MOUNTS).map((folder) => limitIn(folder, readFile));
  return Math.max(1, Math.floor(Math.min(parallelism, ...limits)));
}

function share(cores: number, parts: number): number {
  return Math.max(1, Math.floor(cores / parts));
}

function limitIn(folder: string, readFile: ReadFile): number {
  // Version 2: "<quota> <period>" or "max <period>", in microseconds.
  const [quota, period] = readFile(posix.join(folder, 'cpu.max'))?.trim().split(/\s+/) ?? [];
  if (quota !== undefined) return cores(quota, period);
  return cores(
    readFile(posix.join(folder, 'cpu.cfs_quota_us')),
    readFile(posix.join(folder, 'cpu.cfs_period_us')),
  );
}

function cores(quotaUs: string | undefined, periodUs: string | undefined): number {
  const limit = Number.parseInt(quotaUs ?? '', 10) / Number.parseInt(periodUs ?? '', 10);
  return limit > 0 ? limit : Infinity;
}
