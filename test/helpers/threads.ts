import { readdirSync, readFileSync } from 'node:fs';
import { parseCpuList } from '../../src/config/cpu-list';
import { allowedCpus, onlineCpus } from '../../src/sessions/thread-affinity';
import { cpuQuota } from '../../src/sessions/thread-plan';
import { describeWith } from './requirements-of-tests';

export interface ThreadSeen {
  readonly id: number;
  /** Where it may run. */
  readonly cpus: readonly number[];
  readonly niceness: number;
}

/** The threads of a process as Linux shows them, without those that end meanwhile. */
export function threadsOf(pid: number): ThreadSeen[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((name) => {
    try {
      return [threadOf(pid, Number(name))];
    } catch {
      return [];
    }
  });
}

export function threadOf(pid: number, id: number): ThreadSeen {
  const folder = `/proc/${pid}/task/${id}`;
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`${folder}/status`, 'utf8')) ?? [];
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  const niceness = Number(stat.slice(stat.lastIndexOf(')')).split(' ')[17]);
  return { id, cpus: onlineCpus(parseCpuList(list) ?? []), niceness };
}

/**
 * A `describe` whose tests bind threads and are handed all CPUs of this process, two or more. Elsewhere they are
 * skipped and say why.
 */
export function describeWithCpus(name: string, tests: (cpus: readonly number[]) => void): void {
  const cpus = onlineCpus(allowedCpus());
  const lacking = whatIsLacking(cpus);
  if (lacking === undefined) describeWith('taskset', name, () => tests(cpus));
  else describe.skip(`${name} (skipped: ${lacking})`, () => tests(cpus));
}

function whatIsLacking(cpus: readonly number[]): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (cpus.length < 2) return 'this process has one CPU';
  if (cpuQuota() < 2) return 'the CPU quota is less than two CPUs';
  return undefined;
}
