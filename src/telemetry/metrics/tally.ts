import { type Exemplar, gather, type Subject } from './figures';
import { bucketOf, type HistogramPlace, type Place, type Scope, type ScopeName } from './layout';

/**
 * What this process counts of one subject. Counting is additions into an array that was there before, and nothing
 * else: it is on the way of every request.
 */
export class Tally<Name extends ScopeName> {
  /** Set by whatever is counted; the recorder clears it. */
  touched = true;
  private readonly figures: Float64Array;
  /** By the cell of its bucket; made with the first. */
  private exemplars: Map<number, Exemplar> | undefined;

  /** @param labels the values of the scope's labels */
  constructor(
    scope: Scope<Name>,
    readonly labels: readonly string[],
  ) {
    this.figures = new Float64Array(scope.size);
  }

  add(place: Place<Name>, by = 1): void {
    this.figures[place]! += by;
    this.touched = true;
  }

  /** For what is counted elsewhere, or changes by itself: it is set when it is wanted, and is no reason to tell. */
  set(place: Place<Name>, value: number): void {
    this.figures[place] = value;
  }

  /** One duration in milliseconds, or one size. */
  observe({ at, bounds }: HistogramPlace<Name>, value: number): void {
    this.figures[at + bucketOf(bounds, value)]!++;
    this.figures[at + bounds.length + 1]! += value;
    this.touched = true;
  }

  /** Keeps which trace shows a value that was observed, until another one falls into the same bucket. */
  exemplify({ at, bounds }: HistogramPlace<Name>, value: number, traceId: string): void {
    this.exemplars ??= new Map();
    const cell = at + bucketOf(bounds, value);
    this.exemplars.set(cell, { cell, value, traceId, atMs: Date.now() });
  }

  snapshot(): Subject {
    const { labels, figures, exemplars } = this;
    const cells = gather(figures);
    return exemplars === undefined
      ? { labels, cells }
      : { labels, cells, exemplars: [...exemplars.values()] };
  }
}
