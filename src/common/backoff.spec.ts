import { backoffMs } from './backoff';

describe('the wait before the next start', () => {
  it('doubles with every failure, up to half a minute', () => {
    expect([1, 2, 3, 4].map(backoffMs)).toEqual([250, 500, 1000, 2000]);
    expect(backoffMs(8)).toBe(30_000);
    expect(backoffMs(5000)).toBe(30_000);
  });
});
