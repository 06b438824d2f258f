import { FAMILIES } from '../telemetry/metrics/metric-families';
import type { Tally } from '../telemetry/metrics/recorder';
import type { CacheStatistics } from './prediction-cache';

/** Tells the metrics of this process what its cache did, and what it holds. */
export function tellMetrics(server: Tally<'server'>, { memory, redis }: CacheStatistics): void {
  const { cacheLookups: lookups, cacheWrites: writes, cacheFaults: faults } = FAMILIES;
  server.set(lookups.at.memory.hit, memory.hits);
  server.set(lookups.at.memory.miss, memory.misses);
  server.set(writes.at.memory.stored, memory.stored);
  server.set(FAMILIES.cacheRemovals.at.evicted, memory.evicted);
  server.set(FAMILIES.cacheRemovals.at.expired, memory.expired);
  server.set(FAMILIES.cacheEntries.at, memory.entries);
  server.set(FAMILIES.cacheBytes.at, memory.bytes);
  server.set(FAMILIES.cacheLimit.at, memory.limitBytes);
  if (redis === undefined) return;
  server.set(lookups.at.redis.hit, redis.hits);
  server.set(lookups.at.redis.miss, redis.misses);
  server.set(lookups.at.redis.skipped, redis.skipped);
  server.set(writes.at.redis.stored, redis.stored);
  server.set(writes.at.redis.dropped, redis.dropped);
  server.set(faults.at.read.error, redis.readErrors);
  server.set(faults.at.read.timeout, redis.readTimeouts);
  server.set(faults.at.read.unreadable, redis.unreadable);
  server.set(faults.at.write.error, redis.writeErrors);
  server.set(faults.at.write.timeout, redis.writeTimeouts);
  server.set(FAMILIES.cacheCircuitOpenings.at, redis.circuitOpenings);
  const { at: states } = FAMILIES.cacheRedisWorkers;
  for (const place of Object.values(states)) server.set(place, 0);
  server.set(states[redis.state], 1);
}
