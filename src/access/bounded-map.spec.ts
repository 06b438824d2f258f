import { BoundedMap } from './bounded-map';

describe('a bounded map', () => {
  it('forgets in turn, but not what was used meanwhile', () => {
    const map = new BoundedMap<number>(3);
    for (const key of ['a', 'b', 'c']) map.set(key, 1);
    map.get('a');
    map.set('d', 1);
    expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual([1, undefined, 1, 1]);
  });

  it('forgets one even when all were used', () => {
    const map = new BoundedMap<number>(100);
    for (let i = 0; i < 1000; i++) {
      map.set(`key ${i}`, i);
      map.get(`key ${i}`);
      expect(map.size).toBeLessThanOrEqual(100);
    }
    expect(map.get('key 999')).toBe(999);
  });

  it('keeps what may not be forgotten, and forgets others in its stead', () => {
    const map = new BoundedMap<{ busy: boolean }>(3, ({ busy }) => !busy);
    for (const key of ['a', 'b', 'c']) map.set(key, { busy: true });
    for (let i = 0; i < 100; i++) map.set(`other ${i}`, { busy: false });
    expect(['a', 'b', 'c'].every((key) => map.get(key) !== undefined)).toBe(true);
    expect(map.size).toBe(3);
  });

  it('does not slow down however much passes through it', () => {
    const map = new BoundedMap<number>(50_000);
    for (let i = 0; i < 500_000; i++) {
      map.set(`key ${i}`, i);
      map.get('key 0');
    }
    expect(map.size).toBe(50_000);
    expect(map.get('key 0')).toBe(0);
    expect(map.get('key 450001')).toBe(450_001);
    expect(map.get('key 450000')).toBeUndefined();
  });

  it('goes on after it was emptied', () => {
    const map = new BoundedMap<number>(2);
    for (const key of ['a', 'b', 'c']) map.set(key, 1);
    map.clear();
    for (const key of ['d', 'e', 'f']) map.set(key, 1);
    expect([map.size, map.get('d'), map.get('f')]).toEqual([2, undefined, 1]);
  });
});
