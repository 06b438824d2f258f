import type { CacheFigures } from './cache-figures';
import { FAMILIES } from './metric-families';
import type { FamilySamples, Sample } from './sample';

/** What there is to show of the prediction cache, apart from what is shown of each model. */
export function cacheSamples(cache: CacheFigures): FamilySamples[] {
  const { lookups, writes, faults, circuitOpenings, redisStates, removals, memory } = cache;
  return [
    [FAMILIES.cacheLookups, byTwo('tier', 'result', lookups)],
    [FAMILIES.cacheWrites, byTwo('tier', 'result', writes)],
    [FAMILIES.cacheFaults, byTwo('operation', 'kind', faults)],
    [FAMILIES.cacheCircuitOpenings, [{ labels: {}, value: circuitOpenings }]],
    [FAMILIES.cacheRedisWorkers, by('state', redisStates)],
    [FAMILIES.cacheRemovals, by('reason', removals)],
    [FAMILIES.cacheEntries, [{ labels: {}, value: memory.entries }]],
    [FAMILIES.cacheBytes, [{ labels: {}, value: memory.bytes }]],
    [FAMILIES.cacheLimit, [{ labels: {}, value: memory.limitBytes }]],
  ];
}

type Counts = Readonly<Record<string, number>>;

function by(label: string, counts: Counts): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function byTwo(outer: string, inner: string, counts: Readonly<Record<string, Counts>>): Sample[] {
  return Object.entries(counts).flatMap(([name, within]) =>
    by(inner, within).map(({ labels, value }) => ({ labels: { [outer]: name, ...labels }, value })),
  );
}
