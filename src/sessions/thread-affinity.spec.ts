import { allowedCpus, cpuOfEachWorker, cpusOfSession, onlineCpus, threadCpus } from './thread-affinity';
import { planThreads, type ThreadPlan } from './thread-plan';

const PLAN: ThreadPlan = { quota: 2, workers: 2, slots: 1, intraOpThreads: 1 };

describe('allowedCpus', () => {
  it.each([
    ['Cpus_allowed:\tf\nCpus_allowed_list:\t0-3,8\nMems_allowed_list:\t0\n', [0, 1, 2, 3, 8]],
    ['Cpus_allowed_list:\t5\n', [5]],
    ['State:\tR (running)\n', []],
    ['Cpus_allowed_list:\tnone\n', []],
  ])('reads what Linux says of the process: %j', (status, cpus) => {
    expect(allowedCpus((path) => (path === '/proc/self/status' ? status : undefined))).toEqual(cpus);
  });

  it('is empty where there is nothing to read', () => {
    expect(allowedCpus(() => undefined)).toEqual([]);
  });
});

describe('onlineCpus', () => {
  const online = (text?: string) => (path: string) =>
    path === '/sys/devices/system/cpu/online' ? text : undefined;

  it('leaves out those that are allowed but not there', () => {
    expect(onlineCpus([0, 1, 2, 3], online('0-1,3\n'))).toEqual([0, 1, 3]);
  });

  it('leaves all where nobody says which are there', () => {
    expect(onlineCpus([0, 1], online())).toEqual([0, 1]);
  });
});

describe('cpuOfEachWorker', () => {
  it('is one for each where there are as many workers as CPUs', () => {
    expect(cpuOfEachWorker(PLAN, [0, 1], 'linux')).toEqual([0, 1]);
    expect(cpuOfEachWorker({ ...PLAN, quota: 3, workers: 3 }, [2, 3, 9], 'linux')).toEqual([2, 3, 9]);
  });

  it.each<[string, Partial<ThreadPlan>, number[], NodeJS.Platform]>([
    ['on other systems', {}, [0, 1], 'darwin'],
    ['with fewer workers than CPUs', { quota: 4 }, [0, 1, 2, 3], 'linux'],
    ['with more workers than CPUs', { workers: 3 }, [0, 1], 'linux'],
    ['where a quota is tighter than the CPUs', { quota: 2 }, [0, 1, 2, 3], 'linux'],
    ['where a quota is tighter than as many workers', { quota: 2, workers: 4 }, [0, 1, 2, 3], 'linux'],
    ['with one worker', { quota: 1, workers: 1 }, [0], 'linux'],
    ['without a supervisor', { workers: 0 }, [0, 1], 'linux'],
    ['where a worker runs several models at a time', { slots: 2 }, [0, 1], 'linux'],
    ['where a run takes several threads', { intraOpThreads: 2 }, [0, 1], 'linux'],
    ['where the CPUs are not known', {}, [], 'linux'],
  ])('is none %s', (_name, plan, cpus, platform) => {
    expect(cpuOfEachWorker({ ...PLAN, ...plan }, cpus, platform)).toBeUndefined();
  });

  it('follows from the default settings while there are not too many CPUs for one event loop each', () => {
    const bound = (quota: number): boolean => {
      const cpus = Array.from({ length: quota }, (_, cpu) => cpu);
      const plan = planThreads({ quota, workers: 'auto', slots: 'auto' });
      return cpuOfEachWorker(plan, cpus, 'linux') !== undefined;
    };
    expect([1, 2, 4, 8, 9, 64].map(bound)).toEqual([false, true, true, true, false, false]);
  });
});

describe('threadCpus', () => {
  it('has the CPUs of the setting, and all for what needs more', () => {
    expect(threadCpus([1], [0, 1])).toEqual({ own: [1], all: [0, 1] });
  });

  it.each(['off', 'auto'] as const)('is nothing for %s', (affinity) => {
    expect(threadCpus(affinity, [0, 1])).toBeUndefined();
  });
});

describe('cpusOfSession', () => {
  const cpus = { own: [1], all: [0, 1] };

  it.each([
    [1, 1, cpus.own],
    [2, 1, cpus.all],
    [1, 2, cpus.all],
  ])('with %i threads in an operator and %i across them', (intraOpThreads, interOpThreads, expected) => {
    expect(cpusOfSession(cpus, { intraOpThreads, interOpThreads })).toBe(expected);
  });
});
