import { type CacheFigures, NO_CACHE } from '../telemetry/metrics/cache-figures';
import type { CacheStatistics } from './prediction-cache';

/** The statistics of this process as the metrics have them. */
export function cacheFiguresOf({ memory, redis }: CacheStatistics): CacheFigures {
  const { hits: hit, misses: miss, stored, evicted, expired, entries, bytes, limitBytes } = memory;
  const ofRedis = redis === undefined ? NO_CACHE : redisFiguresOf(redis);
  return {
    ...ofRedis,
    lookups: { ...ofRedis.lookups, memory: { hit, miss } },
    writes: { ...ofRedis.writes, memory: { stored } },
    removals: { evicted, expired },
    memory: { entries, bytes, limitBytes },
  };
}

function redisFiguresOf(redis: NonNullable<CacheStatistics['redis']>): CacheFigures {
  const { hits: hit, misses: miss, skipped, stored, dropped, circuitOpenings, state } = redis;
  const { readErrors, readTimeouts, unreadable, writeErrors, writeTimeouts } = redis;
  return {
    ...NO_CACHE,
    lookups: { ...NO_CACHE.lookups, redis: { hit, miss, skipped } },
    writes: { ...NO_CACHE.writes, redis: { stored, dropped } },
    faults: {
      read: { error: readErrors, timeout: readTimeouts, unreadable },
      write: { error: writeErrors, timeout: writeTimeouts },
    },
    circuitOpenings,
    redisStates: { ...NO_CACHE.redisStates, [state]: 1 },
  };
}
