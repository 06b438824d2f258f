/** Where answers are kept, in the order of counting. */
export const CACHE_TIERS = ['memory', 'redis'] as const;
export type CacheTier = (typeof CACHE_TIERS)[number];

type Counts<Name extends string> = Readonly<Record<Name, number>>;

/** What the prediction cache of a process did and holds, or those of several together. */
export interface CacheFigures {
  readonly lookups: {
    readonly memory: Counts<'hit' | 'miss'>;
    /** `skipped`: not asked, as it is away or slow. */
    readonly redis: Counts<'hit' | 'miss' | 'skipped'>;
  };
  readonly writes: {
    readonly memory: Counts<'stored'>;
    readonly redis: Counts<'stored' | 'dropped'>;
  };
  /** Of Redis; a read that failed is a miss as well, a write that failed is dropped. */
  readonly faults: {
    readonly read: Counts<'error' | 'timeout' | 'unreadable'>;
    readonly write: Counts<'error' | 'timeout'>;
  };
  /** Times that reading from Redis, or writing to it, was given up for a while. */
  readonly circuitOpenings: number;
  /** From memory. */
  readonly removals: Counts<'evicted' | 'expired'>;
  /** What memory has now. */
  readonly memory: Counts<'entries' | 'bytes' | 'limitBytes'>;
  /** Processes, by the state of Redis as they see it. */
  readonly redisStates: Counts<'connected' | 'read-only' | 'unreachable'>;
}

export const NO_CACHE: CacheFigures = {
  lookups: { memory: { hit: 0, miss: 0 }, redis: { hit: 0, miss: 0, skipped: 0 } },
  writes: { memory: { stored: 0 }, redis: { stored: 0, dropped: 0 } },
  faults: { read: { error: 0, timeout: 0, unreadable: 0 }, write: { error: 0, timeout: 0 } },
  circuitOpenings: 0,
  removals: { evicted: 0, expired: 0 },
  memory: { entries: 0, bytes: 0, limitBytes: 0 },
  redisStates: { connected: 0, 'read-only': 0, unreachable: 0 },
};

/** What several processes did and hold together. */
export function sumOfCaches(caches: readonly CacheFigures[]): CacheFigures {
  return caches.reduce(added, NO_CACHE);
}

/** What remains of a process that is gone. */
export function cacheCountersOf(cache: CacheFigures): CacheFigures {
  return { ...cache, memory: NO_CACHE.memory, redisStates: NO_CACHE.redisStates };
}

/** Figures of one shape, added place by place. */
function added<T>(a: T, b: T): T {
  if (typeof a === 'number') return (a + (b as number)) as T;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return Object.fromEntries(
    Object.entries(left).map(([name, value]) => [name, added(value, right[name])]),
  ) as T;
}
