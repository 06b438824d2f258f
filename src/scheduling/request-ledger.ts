import { DomainError } from '../errors/domain-error';
import type { Tensor } from '../tensors/tensor';
import { formBatch, sliceRows, type BatchRun } from './batch';
import { ForecastErrors } from './cost-model';
import type { ModelHost } from './model-host';
import { RETRY_LANE, type QueuedRequest, RequestQueue } from './request-queue';

/** Made once: an error's stack takes longer than all the rest of a request here. */
const EXPIRED_IN_QUEUE = new DomainError('deadline_exceeded', 'The deadline passed while the request waited');
const EXPIRED_BEFORE_RUN = new DomainError(
  'deadline_exceeded',
  'The request waited until less time was left than a run takes',
);
const EXPIRED_IN_RUN = new DomainError('deadline_exceeded', 'The deadline passed while the model ran');
export const CLIENT_LEFT = new DomainError('client_closed_request', 'The client left before the answer');

/** The requests of one model in hand: each comes in once, and goes once, answered or not. */
export class RequestLedger {
  readonly queue = new RequestQueue();
  readonly forecastErrors = new ForecastErrors();

  constructor(private readonly host: ModelHost) {}

  enqueue(entry: QueuedRequest): void {
    this.queue.push(entry);
    this.host.queuedRequests++;
  }

  /**
   * Takes a batch of up to `maxRows` from the queue (0: of one request), less those whom nobody waits for any more.
   * @param leastMs a run takes that long: who has less time left would only be answered too late
   */
  takeBatch(maxRows: number, nowMs: number, leastMs: number): QueuedRequest[] {
    const { host, queue } = this;
    const before = queue.requests;
    const batch = formBatch(queue, maxRows, host.maxBatchBytes, (entry) =>
      this.isGone(entry, nowMs, leastMs),
    );
    host.queuedRequests -= before - queue.requests;
    return batch;
  }

  /** Gives each request of a run that is still waited for its rows. */
  answer(run: BatchRun, outputs: Tensor[], runMs: number): void {
    const single = run.requests.length === 1;
    const endMs = run.startMs + runMs;
    // One sample of each run; its first request came first, and may have waited for all the others.
    this.compareForecast(run.requests[0]!, endMs, true);
    let offset = 0;
    for (const entry of run.requests) {
      if (entry.state === 'running' && entry.deadlineMs <= endMs) this.expired(entry);
      if (entry.state === 'running') {
        this.close(entry);
        entry.resolve({
          outputs: single ? outputs : sliceRows(outputs, offset, entry.rows, run.rows),
          queueMs: run.startMs - entry.enqueuedMs,
          runMs,
          batchRows: run.rows,
        });
      }
      offset += entry.rows;
    }
  }

  fail(entry: QueuedRequest, reason: unknown): void {
    if (entry.state === 'settled') return;
    if (entry.state === 'queued') this.leaveQueue(entry);
    this.reject(entry, reason);
  }

  cancelled(entry: QueuedRequest): void {
    this.fail(entry, CLIENT_LEFT);
  }

  expired(entry: QueuedRequest): void {
    const queued = entry.state === 'queued';
    if (queued) {
      this.leaveQueue(entry);
      this.compareForecast(entry, entry.deadlineMs, false);
    }
    this.reject(entry, queued ? EXPIRED_IN_QUEUE : EXPIRED_IN_RUN);
  }

  /** Does nobody wait any more for a request that has just been taken from the queue? */
  private isGone(entry: QueuedRequest, nowMs: number, leastMs: number): boolean {
    if (entry.request.signal?.aborted === true) {
      this.reject(entry, CLIENT_LEFT);
      return true;
    }
    const leftMs = entry.deadlineMs - nowMs;
    if (leftMs > leastMs) return false;
    this.compareForecast(entry, entry.deadlineMs, false);
    this.reject(entry, leftMs > 0 ? EXPIRED_BEFORE_RUN : EXPIRED_IN_QUEUE);
    return true;
  }

  private compareForecast(entry: QueuedRequest, endMs: number, answered: boolean): void {
    this.forecastErrors.ended(entry.level, endMs >= entry.deadlineMs);
    const nothingKnown = entry.forecastMs === entry.enqueuedMs;
    if (nothingKnown || entry.lane === RETRY_LANE) return;
    const errorMs = endMs - entry.forecastMs;
    // Of one that was never answered this much is known: it would have taken longer.
    if (answered || errorMs > 0) this.forecastErrors.record(entry.level, errorMs);
  }

  private leaveQueue(entry: QueuedRequest): void {
    this.queue.remove(entry);
    this.host.queuedRequests--;
  }

  private reject(entry: QueuedRequest, reason: unknown): void {
    this.close(entry);
    entry.run?.gaveUp();
    entry.reject(reason);
  }

  private close(entry: QueuedRequest): void {
    this.host.deadlines.remove(entry);
    entry.close();
  }
}
