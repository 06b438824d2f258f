import type { VersionUsage } from './messages';
import { leastRecentlyUsed } from './lru-residency';

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
