import { DURATION_BUCKETS } from './layout';

/** Durations that were observed. */
export interface Durations {
  /** By bucket, each for itself; the last one is for those beyond all bounds. */
  readonly buckets: readonly number[];
  readonly count: number;
  readonly sumMs: number;
}

/** Those of the histogram that begins there. */
export function durationsAt(figures: Float64Array, at: number): Durations {
  const buckets = [...figures.subarray(at, at + DURATION_BUCKETS)];
  return {
    buckets,
    count: buckets.reduce((sum, count) => sum + count, 0),
    sumMs: figures[at + DURATION_BUCKETS]!,
  };
}
