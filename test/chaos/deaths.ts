import { holdersOf } from './connections';
import { existsSync } from 'node:fs';
import { until } from '../helpers/until';

interface Death {
  readonly pid: number;
  readonly fromMs: number;
  /** When it was seen to be gone. */
  goneMs: number;
  /** Clients' ports of the connections that it held when the blow fell, and of those that others held. */
  readonly held: ReadonlySet<number>;
  readonly heldByOthers: ReadonlySet<number>;
}

/** Where a request was when it was lost. */
export interface Whereabouts {
  readonly port: number | undefined;
  readonly sentMs: number;
  readonly lostMs: number;
}

/** The workers that the suite brings to their end, and so the requests that may be lost. */
export class Deaths {
  private readonly deaths: Death[] = [];

  constructor(private readonly serverPort: number) {}

  /** Notes who holds which connection, before the blow falls. Best while the victim is stopped. */
  expect(pid: number, workers: readonly number[]): void {
    const holders = [...holdersOf(this.serverPort, workers)];
    const ports = (mine: boolean): Set<number> =>
      new Set(holders.filter(([, holder]) => (holder === pid) === mine).map(([port]) => port));
    this.deaths.push({
      pid,
      fromMs: performance.now(),
      goneMs: Infinity,
      held: ports(true),
      heldByOthers: ports(false),
    });
  }

  /** Waits until the process is gone. A zombie's threads may still hold its connections; one that is reaped has none. */
  async gone(pid: number, limitMs?: number): Promise<void> {
    await until(`process ${pid} is gone`, () => !existsSync(`/proc/${pid}`), limitMs);
    for (const death of this.deaths) if (death.pid === pid) death.goneMs = performance.now();
  }

  /** Does the suite bring this one to its end, or has it? */
  isExpected(pid: number): boolean {
    return this.deaths.some((death) => death.pid === pid);
  }

  /** It survived what was to kill it. */
  spared(pid: number): void {
    const index = this.deaths.findLastIndex((death) => death.pid === pid);
    if (index !== -1) this.deaths.splice(index, 1);
  }

  /**
   * Was the request in flight in a worker that was killed? The connection says it; one that was opened after the
   * blow was prepared says nothing, and then the time has to do: in flight while the worker died.
   */
  explain({ port, sentMs, lostMs }: Whereabouts): boolean {
    return this.deaths.some((death) => {
      if (lostMs < death.fromMs || sentMs > death.goneMs) return false;
      if (port === undefined) return false;
      return death.held.has(port) || !death.heldByOthers.has(port);
    });
  }

  /** For whoever looks for the cause of a loss that is not explained. */
  describe({ port, sentMs, lostMs }: Whereabouts): string {
    if (port === undefined) return 'it had no connection';
    const last = this.deaths.at(-1);
    if (last === undefined) return 'no worker has died';
    const since = (ms: number): string => `${Math.round(ms - last.fromMs)} ms`;
    const holder = last.held.has(port)
      ? 'the victim'
      : last.heldByOthers.has(port)
        ? 'another worker'
        : 'nobody';
    return `held by ${holder}; after the last blow: sent ${since(sentMs)}, lost ${since(lostMs)}, gone ${since(last.goneMs)}`;
  }
}
