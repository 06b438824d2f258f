import { cacheCountersOf, type CacheFigures, NO_CACHE, sumOfCaches } from './cache-figures';

const one: CacheFigures = {
  ...NO_CACHE,
  lookups: { ...NO_CACHE.lookups, memory: { hit: 1, miss: 2 } },
  circuitOpenings: 4,
  memory: { entries: 5, bytes: 6, limitBytes: 7 },
  redisStates: { connected: 1, 'read-only': 0, unreachable: 0 },
};

describe('the figures of caches', () => {
  it('add up, place by place', () => {
    expect(sumOfCaches([one, NO_CACHE, one])).toEqual({
      ...NO_CACHE,
      lookups: { ...NO_CACHE.lookups, memory: { hit: 2, miss: 4 } },
      circuitOpenings: 8,
      memory: { entries: 10, bytes: 12, limitBytes: 14 },
      redisStates: { connected: 2, 'read-only': 0, unreachable: 0 },
    });
    expect(sumOfCaches([])).toEqual(NO_CACHE);
  });

  it('keep what a process did, and not what it held', () => {
    const { memory, redisStates } = NO_CACHE;
    expect(cacheCountersOf(one)).toEqual({ ...one, memory, redisStates });
  });
});
