import { atMost } from './at-most';

describe('atMost', () => {
  it('does everything, so many at once, and keeps the order', async () => {
    let running = 0;
    let peak = 0;
    const doubled = await atMost(2, [1, 2, 3, 4, 5], async (n) => {
      peak = Math.max(peak, ++running);
      // The later ones are done sooner.
      for (let turn = n; turn < 6; turn++) await Promise.resolve();
      running--;
      return 2 * n;
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10]);
    expect(peak).toBe(2);
  });

  it('has nothing to do for nothing', async () => {
    expect(await atMost(0, [], () => Promise.reject(new Error('called')))).toEqual([]);
  });
});
