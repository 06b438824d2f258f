import type { CacheManagerStore } from 'cache-manager';
import type { RedisGuard } from './redis-guard';

/**
 * Redis as cache-manager sees it, behind the guard. It has what the cache uses: values are read and written one by
 * one; they expire by themselves; and clearing is the tier's, as a store's own way of it is FLUSHDB.
 */
export class RedisCacheStore implements CacheManagerStore {
  readonly name = 'redis';

  constructor(private readonly guard: RedisGuard) {}

  async get(key: string): Promise<unknown> {
    const value = await this.guard.read((store) => store.get(key));
    if (value === undefined || isRecord(value)) return value;
    this.guard.counters.unreadable++;
    return undefined;
  }

  async set(key: string, value: unknown, ttlMs?: number): Promise<void> {
    if (await this.guard.write((store) => store.set(key, value, ttlMs))) this.guard.counters.stored++;
    else this.guard.counters.dropped++;
  }

  /** Asked for when this process's clock says that a value has expired; Redis's clock will say so soon. */
  del(): Promise<void> {
    return Promise.resolve();
  }

  readonly mget = unused;
  readonly mset = unused;
  readonly mdel = unused;
  readonly ttl = unused;
  readonly keys = unused;
  readonly reset = unused;
}

/** As Keyv writes it: the value with the time of its end. */
function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'string';
}

function unused(): Promise<never> {
  return Promise.reject(new Error('the prediction cache reads and writes single values'));
}
