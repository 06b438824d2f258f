import { CACHE_TIERS, type CacheTier } from './cache-figures';
import { type Durations, durationsAt } from './durations';
import { AT, BATCH_SIZES, HISTOGRAM_SIZE } from './layout';
import {
  CACHE_OUTCOMES,
  type CacheOutcome,
  type Outcome,
  OUTCOMES,
  type Protocol,
  PROTOCOLS,
} from './outcome';
import { type ModelFigures, spread } from './snapshot';

/** The runs of one batch size. */
export interface BatchTotals {
  readonly rows: number;
  readonly runs: number;
  readonly runMs: number;
  /** Of the requests in those runs, as is `encodeMs`. */
  readonly decodeMs: number;
  readonly encodeMs: number;
}

/** The parts of a request that are measured one by one. */
export type Stage = 'decode' | 'queue' | 'run' | 'encode';

/** The figures of one model version under their names. */
export class ModelTotals {
  /** By size, the smallest first; sizes that did not occur are left out. */
  readonly batches: readonly BatchTotals[];
  private readonly figures: Float64Array;

  constructor(readonly of: ModelFigures) {
    this.figures = spread(of);
    this.batches = batchesIn(this.figures);
  }

  get rows(): number {
    return this.figures[AT.rows]!;
  }

  get batchRows(): number {
    return this.figures[AT.batchRows]!;
  }

  get failedRuns(): number {
    return this.figures[AT.failedRuns]!;
  }

  /** Requests of batches that were run again alone. @param agrees those that got the same? */
  audits(agrees: boolean): number {
    return this.figures[AT.audits + (agrees ? 0 : 1)]!;
  }

  requests(protocol: Protocol, outcome: Outcome): number {
    return this.figures[
      AT.requests + PROTOCOLS.indexOf(protocol) * OUTCOMES.length + OUTCOMES.indexOf(outcome)
    ]!;
  }

  /** Whole requests. */
  total(outcome: Outcome): Durations {
    return durationsAt(this.figures, AT.total + OUTCOMES.indexOf(outcome) * HISTOGRAM_SIZE);
  }

  stage(stage: Stage): Durations {
    return durationsAt(this.figures, AT[stage]);
  }

  cache(outcome: CacheOutcome): { readonly count: number; readonly ms: number } {
    const index = CACHE_OUTCOMES.indexOf(outcome);
    return { count: this.figures[AT.cache + index]!, ms: this.figures[AT.cacheMs + index]! };
  }

  cacheHits(tier: CacheTier): number {
    return this.figures[AT.cacheHits + CACHE_TIERS.indexOf(tier)]!;
  }
}

function batchesIn(figures: Float64Array): BatchTotals[] {
  return BATCH_SIZES.flatMap((rows, i) => {
    const runs = figures[AT.batches + i]!;
    if (runs === 0) return [];
    const [runMs, decodeMs, encodeMs] = [
      figures[AT.batchRunMs + i]!,
      figures[AT.batchDecodeMs + i]!,
      figures[AT.batchEncodeMs + i]!,
    ];
    return [{ rows, runs, runMs, decodeMs, encodeMs }];
  });
}
