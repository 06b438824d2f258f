import type { Tensor } from '../tensors/tensor';
import type { CacheEntry } from './cache-tier';
import { entryBytes, MemoryTier, ownCopy } from './memory-tier';

const output = (count: number): Tensor => ({
  name: 'y',
  datatype: 'FP32',
  shape: [count],
  data: new Float32Array(count),
});
const entry = (count = 10, bornMs = 0): CacheEntry => ({ outputs: [output(count)], bornMs });
const BYTES = entryBytes(entry().outputs);
const AGELESS = -Infinity;

describe('MemoryTier', () => {
  it('gives back what was set, until then nothing', () => {
    const tier = new MemoryTier(10 * BYTES);
    const one = entry();
    expect(tier.get('a', AGELESS)).toBeUndefined();
    tier.set('a', one);
    expect(tier.get('a', AGELESS)).toBe(one);
    expect(tier.counters).toEqual({ hits: 1, misses: 1, stored: 1, evicted: 0, expired: 0 });
  });

  it('lets those go that were used least recently, when the bytes run out', () => {
    const tier = new MemoryTier(3 * BYTES);
    for (const key of ['a', 'b', 'c']) tier.set(key, entry());
    tier.get('a', AGELESS);
    tier.set('d', entry());
    expect(['a', 'b', 'c', 'd'].map((key) => tier.get(key, AGELESS) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(tier).toMatchObject({ entries: 3, usedBytes: 3 * BYTES, counters: { evicted: 1 } });
  });

  it('counts bytes and not entries', () => {
    const tier = new MemoryTier(10 * BYTES);
    for (let i = 0; i < 10; i++) tier.set(`${i}`, entry());
    tier.set('large', entry(BYTES / 2));
    expect(tier.usedBytes).toBeLessThanOrEqual(10 * BYTES);
    expect(tier.get('large', AGELESS)).toBeDefined();
    expect(tier.entries).toBeLessThan(10);
  });

  it('keeps nothing that is larger than itself, and nothing at all with 0 bytes', () => {
    const tier = new MemoryTier(BYTES);
    tier.set('small', entry());
    tier.set('large', entry(BYTES));
    expect(tier.get('small', AGELESS)).toBeDefined();
    expect(tier.get('large', AGELESS)).toBeUndefined();
    const off = new MemoryTier(0);
    off.set('a', entry(0));
    expect(off).toMatchObject({ entries: 0, usedBytes: 0 });
  });

  it('replaces an entry, bytes and all, and drops it when the new one is too large', () => {
    const tier = new MemoryTier(2 * BYTES);
    tier.set('a', entry());
    const newer = entry(20);
    tier.set('a', newer);
    expect(tier.get('a', AGELESS)).toBe(newer);
    expect(tier.usedBytes).toBe(entryBytes(newer.outputs));
    tier.set('a', entry(BYTES));
    expect(tier).toMatchObject({ entries: 0, usedBytes: 0 });
  });

  it('forgets what is too old when it is asked for it', () => {
    const tier = new MemoryTier(10 * BYTES);
    tier.set('a', entry(10, 1000));
    expect(tier.get('a', 999)).toBeDefined();
    expect(tier.get('a', 1000)).toBeUndefined();
    expect(tier).toMatchObject({ entries: 0, usedBytes: 0, counters: { expired: 1, misses: 1 } });
  });

  it('clears by the beginning of the keys', () => {
    const tier = new MemoryTier(10 * BYTES);
    for (const key of ['n:a:1', 'n:a:2', 'n:ab:1', 'n:b:1']) tier.set(key, entry());
    expect(tier.clear('n:a:')).toBe(2);
    expect(tier.get('n:ab:1', AGELESS)).toBeDefined();
    expect(tier.clear('n:')).toBe(2);
    expect(tier).toMatchObject({ entries: 0, usedBytes: 0 });
  });
});

describe('ownCopy', () => {
  it('shares no memory with a run, and keeps none of its batch', () => {
    const batch = new Float32Array(1000).fill(1);
    const shape = [2];
    const [copy] = ownCopy([{ ...output(2), shape, data: batch.subarray(10, 12) }]);
    batch.fill(9);
    shape[0] = 7;
    expect(copy).toEqual({ name: 'y', datatype: 'FP32', shape: [2], data: Float32Array.of(1, 1) });
    expect((copy!.data as Float32Array).buffer.byteLength).toBe(8);
    expect(Object.isFrozen(copy)).toBe(true);
  });
});

describe('entryBytes', () => {
  it('counts the code units of strings', () => {
    const texts = (data: string[]): Tensor => ({ name: 's', datatype: 'BYTES', shape: [data.length], data });
    expect(entryBytes([texts(['a'.repeat(1000)])]) - entryBytes([texts([''])])).toBe(2000);
  });
});
