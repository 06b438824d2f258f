import { PRIORITY_LEVELS } from './scheduled-request';

/** Buckets hold the sizes 1, 2, 3-4, 5-8, 9-16 and so on. */
const BUCKETS = 32;
/** Weight of a new sample once there are enough; before, all weigh the same. */
const SMOOTHING = 0.1;
/** A size above the cap is sampled seldom, so that each sample must say more. */
const PROBE_SMOOTHING = 0.5;
/** Samples a bucket needs before it can cap batches or be capped. */
const TRUSTED_SAMPLES = 4;
/**
 * A sample counts as at most this many times what is known: a stalled event loop is not the model's cost. What is known
 * from a few samples counts as at most as many times a new one: neither is a first run that found everything cold.
 */
const OUTLIER_FACTOR = 4;
/** Runs after which costs are known well enough to refuse by. */
const KNOWN_RUNS = 8;
/** A size may be as many times the largest that has run, for what it costs to be known. */
const NEAR_SIZE = 2;
/** How much dearer a row may be than in the cheapest smaller batch: a batch also saves hops. */
const DEARER_FACTOR = 1.2;
/** A batch that lasts longer than this must be worth the wait of those in it and behind it. */
const LONG_BATCH_MS = 10;
/** It is when its rows cost no more than this part of what they cost in a smaller one. */
const WORTHWHILE_FACTOR = 0.9;
/** A capped size is tried again after this many batches that could have been larger, then ever more seldom. */
const PROBE_INTERVAL = 64;
const MAX_PROBE_INTERVAL = 1024;

/**
 * What a model's runs cost by their size, learned from the runs themselves. A line `a + b * rows` cannot say it:
 * some models' rows get cheaper together, some dearer, so each power of two is learned apart, and between them the
 * cost is taken to rise evenly.
 */
export class CostModel {
  /** Mean of all runs, whatever their size; 0 while nothing is known. */
  msPerRun = 0;
  private readonly ms = new Float64Array(BUCKETS);
  private readonly rows = new Float64Array(BUCKETS);
  private readonly samples = new Uint32Array(BUCKETS);
  private runs = 0;
  private cap: number;
  private wanted = 0;
  private probeInterval = PROBE_INTERVAL;

  constructor(private readonly limitRows: number) {
    this.cap = limitRows;
  }

  /** The largest batch worth forming. */
  get maxRows(): number {
    return this.cap;
  }

  /** Takes in a run that took `runMs`. */
  record(rows: number, runMs: number): void {
    const bucket = bucketOf(rows);
    const seen = this.samples[bucket]!;
    const known = seen < KNOWN_RUNS ? Math.min(this.ms[bucket]!, runMs * OUTLIER_FACTOR) : this.ms[bucket]!;
    const sampleMs = seen >= TRUSTED_SAMPLES ? Math.min(runMs, known * OUTLIER_FACTOR) : runMs;
    const weight = Math.max(1 / (seen + 1), rows > this.cap ? PROBE_SMOOTHING : SMOOTHING);
    this.ms[bucket] = known + weight * (sampleMs - known);
    this.rows[bucket]! += weight * (rows - this.rows[bucket]!);
    this.samples[bucket] = seen + 1;
    if (this.runs < KNOWN_RUNS) this.msPerRun = Math.min(this.msPerRun, sampleMs * OUTLIER_FACTOR);
    this.runs++;
    this.msPerRun += Math.max(1 / this.runs, SMOOTHING) * (sampleMs - this.msPerRun);
    if (this.limitRows > 1) this.learnCap();
  }

  /** Is it known what a request of `rows` takes, well enough to refuse it for that? A guess from smaller ones is not. */
  knows(rows: number): boolean {
    return this.runs >= KNOWN_RUNS && this.nearest(bucketOf(Math.ceil(rows / NEAR_SIZE)), 1) !== -1;
  }

  /**
   * What a run of `rows` is likely to take; 0 while nothing is known. More rows than were ever run are taken to cost
   * as much each, but those of a single request, which no batch has to hold, as a few times what is known at the most.
   */
  predictMs(rows: number): number {
    if (this.runs === 0) return 0;
    const bucket = bucketOf(rows);
    const isBelow = this.samples[bucket] !== 0 && this.rows[bucket]! <= rows;
    const lower = this.nearest(isBelow ? bucket : bucket - 1, -1);
    const upper = this.nearest(isBelow ? bucket + 1 : bucket, 1);
    if (lower === -1) return this.ms[upper]!;
    const fromMs = this.ms[lower]!;
    const fromRows = this.rows[lower]!;
    if (rows <= fromRows) return fromMs;
    if (upper === -1) {
      const times = rows / Math.max(fromRows, 1);
      return fromMs * (rows > this.limitRows ? Math.min(times, OUTLIER_FACTOR) : times);
    }
    const slope = (this.ms[upper]! - fromMs) / (this.rows[upper]! - fromRows);
    return fromMs + slope * (rows - fromRows);
  }

  /** How many rows the batch may have that is formed now, of `waitingRows`: the cap, or now and then more to learn. */
  batchRows(waitingRows: number): number {
    if (waitingRows <= this.cap || this.cap >= this.limitRows) return this.cap;
    if (++this.wanted < this.probeInterval) return this.cap;
    this.wanted = 0;
    this.probeInterval = Math.min(this.probeInterval * 2, MAX_PROBE_INTERVAL);
    return Math.min(this.cap * 2, this.limitRows);
  }

  /** The first bucket that was sampled, from `bucket` on in steps of `step`; -1 when there is none. */
  private nearest(bucket: number, step: 1 | -1): number {
    for (let each = bucket; each >= 0 && each < BUCKETS; each += step) {
      if (this.samples[each] !== 0) return each;
    }
    return -1;
  }

  /**
   * Caps below the first size whose rows are clearly dearer than those of a smaller one; where batches last long,
   * already below those whose rows are not clearly cheaper.
   */
  private learnCap(): void {
    const before = this.cap;
    let cheapest = Infinity;
    this.cap = this.limitRows;
    for (let bucket = 0; bucket < BUCKETS && 2 ** bucket < 2 * this.limitRows; bucket++) {
      if (this.samples[bucket]! < TRUSTED_SAMPLES) continue;
      const rowMs = this.ms[bucket]! / Math.max(this.rows[bucket]!, 1);
      const below = Math.min(2 ** (bucket - 1), this.cap);
      if (rowMs > cheapest * DEARER_FACTOR) {
        this.cap = below;
        break;
      }
      const isLong = this.ms[bucket]! > LONG_BATCH_MS;
      if (isLong && rowMs > cheapest * WORTHWHILE_FACTOR) {
        this.cap = below;
        continue;
      }
      // Of a long batch that no smaller one is known to compare with, the smaller ones are tried.
      const isUntried = isLong && bucket > 0 && cheapest === Infinity;
      this.cap = isUntried ? below : this.limitRows;
      cheapest = Math.min(cheapest, rowMs);
    }
    if (this.cap > before) this.probeInterval = PROBE_INTERVAL;
  }
}

function bucketOf(rows: number): number {
  return rows <= 1 ? 0 : Math.min(32 - Math.clz32(rows - 1), BUCKETS - 1);
}

/** Weight of a new sample, so that some ten runs tell how far forecasts are off. */
const FORECAST_SMOOTHING = 1 / 8;
/** How many mean deviations of the forecasts' error are the most that is kept in hand, or given. */
const DEVIATIONS = 2;
/** How much more careful one late answer makes, and how much less one that came in time: one in a hundred may be late. */
const LATE_STEP = 0.5;
const IN_TIME_STEP = LATE_STEP / 100;

/** Up to here a late answer was an accident. */
const CALM = -0.25;

/**
 * How much later requests are answered than was forecast when they came: other processes on the cores, later and
 * more urgent requests, a batch that grew. Mean and mean deviation, as TCP estimates its round trips (RFC 6298).
 *
 * Whether the deviation counts for a request or against it follows from what became of those that were admitted: while
 * they come in time, only what would almost surely be late is refused; once some are late, what might be.
 */
class ForecastError {
  private meanMs = 0;
  private deviationMs = 0;
  /** From -1, where all come in time, to 1. */
  private care = -1;

  /** Takes in that a request came in time, or late. */
  ended(late: boolean): void {
    this.care = late ? Math.min(1, this.care + LATE_STEP) : Math.max(-1, this.care - IN_TIME_STEP);
  }

  /** Takes in a request that was answered `errorMs` later than forecast. */
  record(errorMs: number): void {
    const surpriseMs = errorMs - this.meanMs;
    this.meanMs += FORECAST_SMOOTHING * surpriseMs;
    this.deviationMs += FORECAST_SMOOTHING * (Math.abs(surpriseMs) - this.deviationMs);
  }

  /** What has to be added to a forecast before it is held against a deadline; negative where forecasts are too dark. */
  get allowanceMs(): number {
    return this.meanMs + this.care * DEVIATIONS * this.deviationMs;
  }

  /** Do those that are admitted come in time, but for one now and then? */
  get isCalm(): boolean {
    return this.care < CALM;
  }
}

/** Those of one model, by the level of the requests: the least urgent bear what the most urgent cause. */
export class ForecastErrors {
  private readonly levels = Array.from({ length: PRIORITY_LEVELS + 1 }, () => new ForecastError());

  ended(level: number, late: boolean): void {
    this.levels[level]!.ended(late);
  }

  record(level: number, errorMs: number): void {
    this.levels[level]!.record(errorMs);
  }

  allowanceMs(level: number): number {
    return this.levels[level]!.allowanceMs;
  }

  isCalm(level: number): boolean {
    return this.levels[level]!.isCalm;
  }
}
