/** So many values may be spared, one after the other, because they were used; then one goes although it was. */
const MOST_SPARED = 8;

interface Held<V> {
  readonly value: V;
  /** Since its turn came last, or since it was put in. */
  used: boolean;
}

/**
 * A map that forgets when it holds too much, in turn, but spares what was used since its last turn. Neither a use nor a
 * removal takes longer the more it holds: a `Map` that is reordered on each use does, since V8 keeps what was removed
 * in its chains until it grows, and so does a new iterator over one from whose beginning much was removed.
 */
export class BoundedMap<V> {
  private readonly held = new Map<string, Held<V>>();
  private turns = this.held.entries();

  /**
   * @param maxSize it is never larger, but for values that may not be forgotten
   * @param mayForget asked of a value when its turn has come
   */
  constructor(
    private readonly maxSize: number,
    private readonly mayForget: (value: V) => boolean = () => true,
  ) {}

  get size(): number {
    return this.held.size;
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const found = this.held.get(key);
    if (found === undefined) return undefined;
    found.used = true;
    return found.value;
  }

  set(key: string, value: V): void {
    this.held.set(key, { value, used: this.held.has(key) });
    let spared = 0;
    // Each turn is another value's, so that those which must stay cost one round at most.
    for (let turns = this.held.size; turns > 0 && this.held.size > this.maxSize; turns--) {
      if (this.takeTurn(spared >= MOST_SPARED) === 'spared') spared++;
    }
  }

  delete(key: string): void {
    this.held.delete(key);
  }

  clear(): void {
    this.held.clear();
  }

  private takeTurn(merciless: boolean): 'gone' | 'spared' | 'kept' {
    let next = this.turns.next();
    if (next.done) {
      this.turns = this.held.entries();
      next = this.turns.next();
    }
    if (next.done) return 'gone';
    const [key, each] = next.value;
    this.held.delete(key);
    if (this.mayForget(each.value) && (merciless || !each.used)) return 'gone';
    const outcome = each.used ? 'spared' : 'kept';
    each.used = false;
    this.held.set(key, each);
    return outcome;
  }
}
