import type { Tensor } from '../tensors/tensor';
import type { CacheEntry } from './cache-tier';

/** What a memory tier has done since its process began. */
export interface MemoryCounters {
  hits: number;
  misses: number;
  stored: number;
  /** Made room for another. */
  evicted: number;
  /** Found, but too old. */
  expired: number;
}

// What V8 needs besides the elements, roughly and rather too much: a bound of bytes has to hold.
const ENTRY_BYTES = 400;
const TENSOR_BYTES = 300;
const STRING_BYTES = 32;
const BYTES_PER_CODE_UNIT = 2;

interface Kept {
  readonly entry: CacheEntry;
  readonly bytes: number;
}

/** Answers in this process: those used least recently go when the bytes run out. */
export class MemoryTier {
  readonly counters: MemoryCounters = { hits: 0, misses: 0, stored: 0, evicted: 0, expired: 0 };
  private bytes = 0;
  /** In the order of their last use, the latest last. */
  private readonly kept = new Map<string, Kept>();

  /** @param maxBytes of all entries together; 0 keeps nothing */
  constructor(private readonly maxBytes: number) {}

  get entries(): number {
    return this.kept.size;
  }

  get usedBytes(): number {
    return this.bytes;
  }

  /** The entry, unless it was born before `bornAfterMs`. */
  get(key: string, bornAfterMs: number): CacheEntry | undefined {
    const found = this.kept.get(key);
    if (found === undefined) {
      this.counters.misses++;
      return undefined;
    }
    this.kept.delete(key);
    if (found.entry.bornMs <= bornAfterMs) {
      this.bytes -= found.bytes;
      this.counters.expired++;
      this.counters.misses++;
      return undefined;
    }
    this.kept.set(key, found);
    this.counters.hits++;
    return found.entry;
  }

  /** @param entry whose tensors are nobody else's to write */
  set(key: string, entry: CacheEntry): void {
    this.remove(key);
    const bytes = entryBytes(entry.outputs);
    if (bytes > this.maxBytes) return;
    this.bytes += bytes;
    this.kept.set(key, { entry, bytes });
    this.counters.stored++;
    this.makeRoom();
  }

  /** Forgets the entries whose keys begin with `prefix`. @returns how many there were */
  clear(prefix: string): number {
    const before = this.kept.size;
    for (const key of this.kept.keys()) if (key.startsWith(prefix)) this.remove(key);
    return before - this.kept.size;
  }

  private makeRoom(): void {
    for (const key of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.remove(key);
      this.counters.evicted++;
    }
  }

  private remove(key: string): void {
    const found = this.kept.get(key);
    if (found === undefined) return;
    this.bytes -= found.bytes;
    this.kept.delete(key);
  }
}

/** Memory that an entry takes, about. */
export function entryBytes(outputs: readonly Tensor[]): number {
  let bytes = ENTRY_BYTES;
  for (const { data } of outputs) {
    bytes += TENSOR_BYTES;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data) bytes += STRING_BYTES + text.length * BYTES_PER_CODE_UNIT;
  }
  return bytes;
}

/** The same outputs in memory of their own: those of a run are parts of its whole batch, which they would keep. */
export function ownCopy(outputs: readonly Tensor[]): readonly Tensor[] {
  return Object.freeze(
    outputs.map(({ name, datatype, shape, data }) =>
      Object.freeze({ name, datatype, shape: Object.freeze([...shape]), data: data.slice() }),
    ),
  );
}
