import { readdir } from 'node:fs/promises';
import { type DelayFigures, EventLoopDelay } from './event-loop-delay';

/** One process at one moment. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
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
