import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;
const MS = 1e6;

/** How late the event loop came to its timers, in seconds. */
export interface DelayFigures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * The delay over the last 30 to 60 seconds. Two histograms take turns: the older one is read, and starts anew
 * when the younger one has filled a window. So nobody who reads takes anything from another reader.
 */
export class EventLoopDelay {
  private older = start();
  private younger = start();
  private readonly timer = setInterval(() => this.turn(), WINDOW_MS).unref();

  figures(): DelayFigures {
    return delayOf(this.older);
  }

  stop(): void {
    clearInterval(this.timer);
    this.older.disable();
    this.younger.disable();
  }

  private turn(): void {
    [this.older, this.younger] = [this.younger, this.older];
    this.younger.reset();
  }
}

/** What is recorded is the time between two ticks: what exceeds the resolution is the delay. */
export function delayOf(ticks: Pick<IntervalHistogram, 'count' | 'percentile' | 'max'>): DelayFigures {
  if (ticks.count === 0) return { p50: 0, p99: 0, max: 0 };
  const seconds = (ns: number): number => Math.max(0, Math.round(ns) - RESOLUTION_MS * MS) / 1e9;
  return { p50: seconds(ticks.percentile(50)), p99: seconds(ticks.percentile(99)), max: seconds(ticks.max) };
}

function start(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}
