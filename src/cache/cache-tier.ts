import type { ExpectedAnswer } from './plausible-entry';
import type { Tensor } from '../tensors/tensor';

/** What has happened between this process and a tier since it began. */
export interface TierCounters {
  hits: number;
  /** Redis was asked and had nothing, or nothing of use. */
  misses: number;
  /** Of the misses: what was there is cut off, foreign, or of another format. */
  unreadable: number;
  /** Redis was not asked, because it was away or slow. */
  skipped: number;
  stored: number;
  /** Not written: too many writes were under way, or none would have succeeded. */
  dropped: number;
  /** Reads that failed, except by time-out. */
  readErrors: number;
  readTimeouts: number;
  writeErrors: number;
  writeTimeouts: number;
}

/** `read-only`: entries are read, but writes fail, as with a full memory or on a replica. */
export type TierState = 'connected' | 'read-only' | 'unreachable';

/** Where answers are kept behind the memory of a worker, for other workers and servers as well. */
export interface CacheTier {
  readonly counters: Readonly<TierCounters>;
  /** How often it was given up for a while. */
  readonly circuitOpenings: number;
  readonly state: TierState;
  /**
   * The entry, unless it was born before `bornAfterMs` (of `performance.now()`). What is there and no entry of the
   * expected kind is removed. Never rejects.
   * @param expected undefined: whatever it is
   */
  get(key: string, bornAfterMs: number, expected?: ExpectedAnswer): Promise<CacheEntry | undefined>;
  /**
   * Has the entry written after the answer that it belongs to, or drops it.
   * @param wanted asked again when its turn has come
   */
  set(key: string, entry: CacheEntry, ttlMs: number, wanted: () => boolean): void;
  /** Removes all keys that begin with `prefix`, a plain text. @throws not_ready */
  clear(prefix: string): Promise<number>;
  /** Resolves when no write is under way; each has a time limit. */
  settled(): Promise<void>;
}

/** An answer that is kept. Its tensors are read by many and never written. */
export interface CacheEntry {
  /** The wanted outputs in the model's order. */
  readonly outputs: readonly Tensor[];
  /** When the model gave them, in milliseconds of this process's `performance.now()`. */
  readonly bornMs: number;
}
