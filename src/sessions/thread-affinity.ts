import { parseCpuList } from '../config/cpu-list';
import type { CpuAffinity } from '../config/environment';
import type { SessionOptions } from './session-options';
import { type ReadFile, readText, type ThreadPlan } from './thread-plan';

/** Where the threads of this process run, by what they are. */
export interface ThreadCpus {
  /** The main thread, once it serves, and the threads of sessions that run on one thread. */
  readonly own: readonly number[];
  /** Sessions of several threads: every CPU that the process had when it started. */
  readonly all: readonly number[];
}

/** The CPUs that this process may use, as its main thread has them at this moment; none where that is not Linux. */
export function allowedCpus(readFile: ReadFile = readText): readonly number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFile('/proc/self/status') ?? '') ?? [];
  return parseCpuList(list) ?? [];
}

/** Those of them that are there: a virtual machine may allow a hundred, for the day when it is given more. */
export function onlineCpus(allowed: readonly number[], readFile: ReadFile = readText): readonly number[] {
  const online = parseCpuList(readFile('/sys/devices/system/cpu/online')?.trim() ?? '');
  return online === undefined ? allowed : allowed.filter((cpu) => online.includes(cpu));
}

/**
 * A CPU for each place of a worker, where there is one for each and none is left over, each worker runs one thing at a
 * time, and no quota is tighter than the CPUs. Elsewhere CPUs would idle beside workers that share one.
 * @param cpus that this process has
 */
export function cpuOfEachWorker(
  { quota, workers, slots, intraOpThreads }: ThreadPlan,
  cpus: readonly number[],
  platform: NodeJS.Platform = process.platform,
): readonly number[] | undefined {
  const oneEach = workers > 1 && workers === cpus.length && quota === cpus.length;
  const oneAtATime = slots === 1 && intraOpThreads === 1;
  return platform === 'linux' && oneEach && oneAtATime ? cpus : undefined;
}

/** Undefined: threads run wherever there is room. `auto` comes here only without a primary: nothing is to be shared out. */
export function threadCpus(affinity: CpuAffinity, allowed: readonly number[]): ThreadCpus | undefined {
  return affinity === 'auto' || affinity === 'off' ? undefined : { own: affinity, all: allowed };
}

/** The CPUs of a session's thread, which those that the runtime starts for it take over. */
export function cpusOfSession(
  { own, all }: ThreadCpus,
  { intraOpThreads, interOpThreads }: Pick<SessionOptions, 'intraOpThreads' | 'interOpThreads'>,
): readonly number[] {
  return intraOpThreads === 1 && interOpThreads === 1 ? own : all;
}
