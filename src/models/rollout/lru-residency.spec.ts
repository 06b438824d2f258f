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

  it('gives a place to who has waited longest for one, not to who comes when it is free', async () => {
    const residents = new LruResidency(
      {
        maxResident: 1,
        maxMemoryBytes: 0,
        loadTimeoutMs: 10_000,
        askAll: () => Promise.resolve([]),
      },
      () => undefined,
    );
    await residents.reserve('a', '1');
    const first = residents.reserve('b', '1');
    // It has looked for one by then, and found none.
    await new Promise(setImmediate);
    residents.remove('a', '1');
    const second = residents.reserve('c', '1');
    await first;
    expect([residents.get('b', '1')?.model, residents.get('c', '1')]).toEqual(['b', undefined]);
    residents.remove('b', '1');
    await second;
    expect(residents.get('c', '1')?.model).toBe('c');
  });

  it('gives up at once where none of the others ever makes room', async () => {
    const residents = new LruResidency(
      { maxResident: 1, maxMemoryBytes: 10, loadTimeoutMs: 1e9, askAll: () => Promise.resolve([]) },
      () => undefined,
    );
    const a = { model: 'a', version: '1', digest: 'd', byDefault: true, memoryBytes: 1, light: true };
    residents.add({ ...a, kept: true });
    const refusal = {
      code: 'model_unavailable',
      message: expect.stringContaining('1 models are resident') as string,
    };
    await expect(residents.reserve('b', '1')).rejects.toMatchObject(refusal);
    residents.remove('a', '1');
    await residents.reserve('b', '1');
    await expect(residents.claim('b', '1', 11)).rejects.toMatchObject({ code: 'model_unavailable' });
  });

  it('gives up on a place when its own time is over, however long others have waited before it', async () => {
    const residents = new LruResidency(
      { maxResident: 1, maxMemoryBytes: 0, loadTimeoutMs: 30, askAll: () => Promise.resolve([]) },
      () => undefined,
    );
    await residents.reserve('a', '1');
    const waiting = ['b', 'c', 'd'].map((model) => residents.reserve(model, '1'));
    const ended = await Promise.allSettled(waiting);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    residents.remove('a', '1');
    await residents.reserve('e', '1');
    expect(residents.get('e', '1')?.model).toBe('e');
  });
});
