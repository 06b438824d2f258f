import { PRIORITY_LEVELS } from './priority';

/** Weight of a new sample, so that some ten runs tell how far forecasts are off. */
const SMOOTHING = 1 / 8;
/** How many mean deviations of the forecasts' error a promise keeps in hand. */
const DEVIATIONS = 2;

/**
 * How much later requests are answered than was forecast when they came: other processes on the cores, later and
 * more urgent requests, a batch that grew. Mean and mean deviation, as TCP estimates its round trips (RFC 6298).
 */
class ForecastError {
  private meanMs = 0;
  private deviationMs = 0;

  /** Takes in a request that was answered `errorMs` later than forecast. */
  record(errorMs: number): void {
    const surpriseMs = errorMs - this.meanMs;
    this.meanMs += SMOOTHING * surpriseMs;
    this.deviationMs += SMOOTHING * (Math.abs(surpriseMs) - this.deviationMs);
  }

  /** What has to be added to a forecast so that it holds nearly always; it is never shortened. */
  get allowanceMs(): number {
    return Math.max(0, this.meanMs + DEVIATIONS * this.deviationMs);
  }
}

/** Those of one model, by the level of the requests: the least urgent bear what the most urgent cause. */
export class ForecastErrors {
  private readonly levels = Array.from({ length: PRIORITY_LEVELS + 1 }, () => new ForecastError());

  record(level: number, errorMs: number): void {
    this.levels[level]!.record(errorMs);
  }

  allowanceMs(level: number): number {
    return this.levels[level]!.allowanceMs;
  }
}
