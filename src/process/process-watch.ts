import { readdir } from 'node:fs/promises';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { ownMemoryBytes } from './own-memory';

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;
const MS = 1e6;

/** One process at one moment. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Of it what no other process shares. */
  readonly ownBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Of buffers and typed arrays: memory of V8 outside its heap. */
  readonly externalBytes: number;
  /** Absent where the system does not tell. */
  readonly openFiles?: number;
  /** Since 1970. */
  readonly startSeconds: number;
  readonly eventLoopDelay: DelayFigures;
}

const startSeconds = Date.now() / 1000 - process.uptime();

/** Looks at the process that it is in. */
export class ProcessWatch {
  private readonly delay = new EventLoopDelay();

  async figures(): Promise<ProcessFigures> {
    const openFiles = await countOpenFiles();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      ownBytes: ownMemoryBytes(),
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      ...(openFiles !== undefined && { openFiles }),
      startSeconds,
      eventLoopDelay: this.delay.figures(),
    };
  }

  stop(): void {
    this.delay.stop();
  }
}

async function countOpenFiles(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return undefined;
  }
}

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
