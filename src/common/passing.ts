/** So many deletions, and as many again as there are members, and another table takes over. */
const DELETIONS = 64;

/**
 * A map of what comes and goes all the time. V8 has each table of a `Map` or a `Set` point to the one that followed it,
 * which happens every few changes. Once the first of them is old, only a full collection finds it dead; until then it
 * keeps all the others, and whatever was in them. So another `Map`, to which no old table points, takes over in time.
 */
export class PassingMap<K, V> {
  private held = new Map<K, V>();
  private deletions = 0;

  get size(): number {
    return this.held.size;
  }

  get(key: K): V | undefined {
    return this.held.get(key);
  }

  has(key: K): boolean {
    return this.held.has(key);
  }

  set(key: K, value: V): void {
    this.held.set(key, value);
  }

  delete(key: K): boolean {
    const wasThere = this.held.delete(key);
    if (wasThere && ++this.deletions > DELETIONS + this.held.size) {
      this.held = new Map(this.held);
      this.deletions = 0;
    }
    return wasThere;
  }

  clear(): void {
    this.held = new Map();
    this.deletions = 0;
  }

  keys(): IterableIterator<K> {
    return this.held.keys();
  }

  values(): IterableIterator<V> {
    return this.held.values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.held.entries();
  }
}

/** The same of a set. */
export class PassingSet<T> {
  private readonly held = new PassingMap<T, true>();

  get size(): number {
    return this.held.size;
  }

  has(member: T): boolean {
    return this.held.has(member);
  }

  add(member: T): void {
    this.held.set(member, true);
  }

  delete(member: T): boolean {
    return this.held.delete(member);
  }

  clear(): void {
    this.held.clear();
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.held.keys();
  }
}
