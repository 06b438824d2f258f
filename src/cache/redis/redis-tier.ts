import type { Cache } from 'cache-manager';
import type { CacheEntry, CacheTier, TierCounters, TierState } from '../cache-tier';
import { type ExpectedAnswer, isPlausible } from '../plausible-entry';
import { decodeEntry, encodeEntry } from '../entry-codec';
import type { RedisGuard } from './redis-guard';
import { within } from '../../common/time-limit';

/** Keys looked through, and removed, in one command. */
const KEYS_A_SCAN = 1000;
/** Of one command while clearing, which no request waits for. */
const CLEAR_COMMAND_MS = 5000;

/** Answers in Redis, which workers and replicas share. */
export class RedisTier implements CacheTier {
  private writing = 0;
  private readonly idle: (() => void)[] = [];

  constructor(
    private readonly cache: Pick<Cache, 'get' | 'set'>,
    private readonly guard: RedisGuard,
    private readonly maxPendingWrites: number,
  ) {}

  get counters(): Readonly<TierCounters> {
    return this.guard.counters;
  }

  get circuitOpenings(): number {
    return this.guard.opened;
  }

  get state(): TierState {
    return this.guard.state;
  }

  async get(key: string, bornAfterMs: number, expected?: ExpectedAnswer): Promise<CacheEntry | undefined> {
    const { counters } = this.guard;
    if (!this.guard.readable) {
      counters.skipped++;
      return undefined;
    }
    const text = await this.cache.get<string>(key);
    const decoded = text === undefined ? undefined : decodeEntry(key, text);
    const isOurs =
      decoded !== undefined && (expected === undefined || isPlausible(decoded, expected, Date.now()));
    const stored = isOurs ? decoded : undefined;
    if (text !== undefined && stored === undefined) {
      counters.unreadable++;
      this.remove(key);
    }
    // Its writer's clock may be ahead of this one's.
    const bornMs = stored && performance.now() - Math.max(0, Date.now() - stored.bornAtMs);
    if (stored === undefined || bornMs === undefined || bornMs <= bornAfterMs) {
      counters.misses++;
      return undefined;
    }
    counters.hits++;
    return { outputs: stored.outputs, bornMs };
  }

  set(key: string, entry: CacheEntry, ttlMs: number, wanted: () => boolean): void {
    if (!this.guard.writable || this.writing >= this.maxPendingWrites) {
      this.guard.counters.dropped++;
      return;
    }
    this.writing++;
    const written = (): void => this.written();
    setImmediate(() => void this.write(key, entry, ttlMs, wanted).then(written, written));
  }

  clear(prefix: string): Promise<number> {
    const options = { MATCH: `${prefix}*`, COUNT: KEYS_A_SCAN };
    return this.guard.control(async (client) => {
      let cursor = 0;
      let removed = 0;
      do {
        const page = await within(CLEAR_COMMAND_MS, client.scan(cursor, options));
        if (page.keys.length > 0) removed += await within(CLEAR_COMMAND_MS, client.unlink(page.keys));
        cursor = page.cursor;
      } while (cursor !== 0);
      return removed;
    });
  }

  /** Without waiting for it: what is written next is in its place anyway. */
  private remove(key: string): void {
    this.guard.control((client) => within(CLEAR_COMMAND_MS, client.unlink([key]))).catch(() => undefined);
  }

  async settled(): Promise<void> {
    if (this.writing > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private async write(
    key: string,
    { outputs, bornMs }: CacheEntry,
    ttlMs: number,
    wanted: () => boolean,
  ): Promise<void> {
    if (!wanted()) return;
    const ageMs = performance.now() - bornMs;
    const leftMs = Math.ceil(ttlMs - ageMs);
    if (leftMs > 0)
      await this.cache.set(key, encodeEntry(key, { outputs, bornAtMs: Date.now() - ageMs }), leftMs);
  }

  private written(): void {
    this.writing--;
    if (this.writing === 0) for (const resolve of this.idle.splice(0)) resolve();
  }
}
