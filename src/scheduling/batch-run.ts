import type { RunContext } from '../runners/runner';
import { BatchTrace } from '../telemetry/tracing/run-trace';
import { OutgoingTrace } from '../telemetry/tracing/trace-record';
import type { QueuedRequest } from './queued-request';

/** One run under way. */
export class BatchRun {
  private abort: AbortController | undefined;
  /** Undefined where none of its requests is traced. */
  readonly trace: BatchTrace | undefined;

  /**
   * @param model the key of the model that runs
   * @param expectedMs what it is likely to take; 0 when nothing is known
   */
  constructor(
    readonly model: string,
    readonly requests: readonly QueuedRequest[],
    readonly rows: number,
    readonly startMs: number,
    readonly expectedMs: number,
  ) {
    this.trace = BatchTrace.of(requests, rows, startMs);
  }

  /** For a run that happens elsewhere, and can be told when nobody waits for it any more. */
  context(): RunContext {
    this.abort = new AbortController();
    let deadlineMs = 0;
    const requestIds: string[] = [];
    for (const entry of this.requests) {
      entry.run = this;
      deadlineMs = Math.max(deadlineMs, entry.deadlineMs);
      if (entry.request.requestId !== undefined) requestIds.push(entry.request.requestId);
    }
    return { signal: this.abort.signal, deadlineMs, requestIds, trace: OutgoingTrace.of(this.requests) };
  }

  /** Nobody waits any more for one of its requests. */
  gaveUp(): void {
    if (this.requests.every(({ state }) => state === 'settled')) this.abort?.abort();
  }

  /** What is likely left of it. One that overran may take as long again as it has overrun. */
  remainingMs(nowMs: number): number {
    return Math.abs(this.startMs + this.expectedMs - nowMs);
  }
}
