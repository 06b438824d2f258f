import { PRIORITY_LEVELS } from './priority';

/** Weight of a new sample, so that some ten runs tell how far forecasts are off. */
const SMOOTHING = 1 / 8;
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
    this.meanMs += SMOOTHING * surpriseMs;
    this.deviationMs += SMOOTHING * (Math.abs(surpriseMs) - this.deviationMs);
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
