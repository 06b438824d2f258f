import { memoryLimitBytes } from './memory-limit';

const GB = 2 ** 30;

function limitWith(files: Record<string, string>, totalBytes = 64 * GB): number {
  return memoryLimitBytes((path) => files[path], totalBytes);
}

describe('memoryLimitBytes', () => {
  it("is the machine's memory where no control group limits it", () => {
    expect(limitWith({})).toBe(64 * GB);
    expect(limitWith({ '/sys/fs/cgroup/memory.max': 'max\n' })).toBe(64 * GB);
    expect(limitWith({ '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' })).toBe(
      64 * GB,
    );
    expect(limitWith({ '/proc/self/cgroup': 'nonsense\n0::\n', '/sys/fs/cgroup/memory.max': '' })).toBe(
      64 * GB,
    );
  });

  it('reads the limit of a container with cgroup version 2', () => {
    expect(limitWith({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': `${2 * GB}\n` })).toBe(
      2 * GB,
    );
  });

  it('reads the limit of a container with cgroup version 1', () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/docker/3f\n2:cpu:/docker/3f\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GB}\n`,
    };
    expect(limitWith(files)).toBe(GB);
    expect(
      limitWith({ ...files, '/sys/fs/cgroup/memory/docker/3f/memory.limit_in_bytes': `${GB / 2}` }),
    ).toBe(GB / 2);
  });

  it('takes the tightest limit of the group and those above it', () => {
    const files = {
      '/proc/self/cgroup': '0::/system.slice/nestor.service\n',
      '/sys/fs/cgroup/system.slice/memory.max': `${3 * GB}\n`,
      '/sys/fs/cgroup/system.slice/nestor.service/memory.max': `${8 * GB}\n`,
    };
    expect(limitWith(files)).toBe(3 * GB);
    expect(limitWith(files, GB)).toBe(GB);
  });

  it('finds some on this machine', () => {
    expect(memoryLimitBytes()).toBeGreaterThan(2 ** 26);
  });
});
