import type { VersionUsage } from './messages';
import { leastRecentlyUsed, LruResidency } from './lru-residency';

const usage = (model: string, unusedMs: number, idle = true): VersionUsage => ({
  model,
  version: '1',
  idle,
  unusedMs,
});

const anyone = (): boolean => true;

describe('the version that makes room', () => {
  it('is the one that no worker has used for longest', () => {
    const workers = [
      [usage('a', 900), usage('b', 500)],
      [usage('a', 100), usage('b', 800)],
    ];
    expect(leastRecentlyUsed(workers, anyone)?.model).toBe('b');
  });

  it('is idle on every worker', () => {
    const workers = [[usage('a', 900), usage('b', 500)], [usage('a', 900, false)]];
    expect(leastRecentlyUsed(workers, anyone)?.model).toBe('b');
  });

  it('is one that may go', () => {
    expect(leastRecentlyUsed([[usage('a', 900), usage('b', 500)]], (model) => model !== 'a')?.model).toBe(
      'b',
    );
  });

  it('is none when all are at work', () => {
    expect(leastRecentlyUsed([[usage('a', 900, false)]], anyone)).toBeUndefined();
    expect(leastRecentlyUsed([], anyone)).toBeUndefined();
  });
});

describe('LruResidency', () => {
  it('takes no place from what is on its way, though a worker may still have it', async () => {
    const usages = [usage('a', 900), usage('b', 100)];
    const gone: string[] = [];
    const residents = new LruResidency(
      {
        maxResident: 2,
        maxMemoryBytes: 0,
        loadTimeoutMs: 1000,
        askAll: <Value>() => Promise.resolve([{ worker: 0, ok: true as const, value: usages as Value }]),
      },
      ({ model }) => void gone.push(model),
    );
    await residents.reserve('a', '1');
    const b = { model: 'b', version: '1', kept: false, byDefault: true, memoryBytes: 1, light: true };
    residents.add({ ...b, digest: 'd' });
    await residents.reserve('c', '1');
    expect(gone).toEqual(['b']);
  });
});
