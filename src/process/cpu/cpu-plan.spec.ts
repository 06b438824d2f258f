import { cpuQuota, planCpus } from './cpu-plan';

function quotaWith(files: Record<string, string>, parallelism = 16): number {
  return cpuQuota((path) => files[path], parallelism);
}

describe('cpuQuota', () => {
  it('is the available parallelism where no control group limits it', () => {
    expect(quotaWith({})).toBe(16);
    expect(quotaWith({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBe(16);
    expect(
      quotaWith({
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      }),
    ).toBe(16);
  });

  it.each([
    ['400000 100000\n', 4],
    ['250000 100000\n', 2],
    ['50000 100000\n', 1],
    ['6400000 100000\n', 16],
  ])('reads the limit of a container with cgroup version 2: %j', (text, expected) => {
    expect(quotaWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': text })).toBe(expected);
  });

  it('reads the limit of a container with cgroup version 1', () => {
    expect(
      quotaWith({
        '/proc/self/cgroup': '4:cpu,cpuacct:/docker/3f\n0::/\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '350000\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      }),
    ).toBe(3);
  });

  it('takes the tightest limit of the group and those above it', () => {
    expect(
      quotaWith({
        '/proc/self/cgroup': '0::/system.slice/nestor.service\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
        '/sys/fs/cgroup/system.slice/nestor.service/cpu.max': '800000 100000\n',
      }),
    ).toBe(3);
  });

  it('passes over files that say nothing it knows', () => {
    expect(quotaWith({ '/proc/self/cgroup': 'nonsense\n0::\n', '/sys/fs/cgroup/cpu.max': '' }, 2)).toBe(2);
    expect(quotaWith({ '/sys/fs/cgroup/cpu.max': '100000 0' }, 2)).toBe(2);
  });

  it('finds at least one core on this machine', () => {
    expect(cpuQuota()).toBeGreaterThanOrEqual(1);
  });
});

describe('planThreads', () => {
  it.each([
    [1, { workers: 1, slots: 1, intraOpThreads: 1 }],
    [2, { workers: 2, slots: 1, intraOpThreads: 1 }],
    [8, { workers: 8, slots: 1, intraOpThreads: 1 }],
    [32, { workers: 8, slots: 4, intraOpThreads: 1 }],
  ])('shares %i cores out by itself', (quota, expected) => {
    expect(planCpus({ quota, workers: 'auto', slots: 'auto' })).toEqual({ quota, ...expected });
  });

  it('stays within the quota whatever is left to it', () => {
    for (let quota = 1; quota <= 64; quota++) {
      for (const workers of ['auto', 1, 2, 3] as const) {
        for (const slots of ['auto', 1] as const) {
          const plan = planCpus({ quota, workers, slots });
          const threads = plan.workers * plan.slots * plan.intraOpThreads;
          expect(threads).toBeLessThanOrEqual(Math.max(quota, plan.workers));
        }
      }
    }
  });

  it('counts a single process without a supervisor as one', () => {
    expect(planCpus({ quota: 4, workers: 0, slots: 'auto' })).toEqual({
      quota: 4,
      workers: 0,
      slots: 4,
      intraOpThreads: 1,
    });
  });

  it('gives the cores that fewer slots leave over to each run', () => {
    expect(planCpus({ quota: 8, workers: 2, slots: 1 }).intraOpThreads).toBe(4);
  });

  it('takes explicit settings as they are, beyond the quota too', () => {
    const wishes = { workers: 4, slots: 3 };
    expect(planCpus({ quota: 2, ...wishes })).toEqual({ quota: 2, ...wishes, intraOpThreads: 1 });
  });

  it('comes to the same plan again in a worker that is told the outcome', () => {
    for (let quota = 1; quota <= 64; quota++) {
      const plan = planCpus({ quota, workers: 'auto', slots: 'auto' });
      expect(planCpus({ quota, workers: plan.workers, slots: plan.slots })).toEqual(plan);
    }
  });
});
