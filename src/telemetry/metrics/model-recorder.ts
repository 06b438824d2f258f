import type { Subject } from './figures';
import { MODELS } from './layout';
import { batchIndex, FAMILIES, STATISTICS } from './metric-families';
import type { CacheOutcome, CacheTierName, Outcome, Protocol } from './outcome';
import { Tally } from './tally';

/** What one run in the scheduler has to say of a request. */
export interface RunTimes {
  readonly queueMs: number;
  readonly runMs: number;
  /** Rows of the batch that the request ran in. */
  readonly batchRows: number;
}

/** Where the requests of a loaded version wait. */
export interface WaitingRequests {
  readonly queuedRequests: number;
}

const { at: REQUESTS } = FAMILIES.requests;
const { at: DURATION } = FAMILIES.requestDuration;
const { at: CACHE } = FAMILIES.cacheRequests;
const CACHE_REQUESTS = { HIT: CACHE.hit, MISS: CACHE.miss, BYPASS: CACHE.bypass, SHARED: CACHE.shared };

/** Counts what happens to one model version in this process. */
export class ModelRecorder extends Tally<'models'> {
  /** The memory of each loaded version, by its queue; two while one is replaced by another of the same name. */
  private readonly residents = new Map<WaitingRequests, { memoryBytes: number; sharedBytes: number }>();
  /** Of `performance.now()`; becomes a date when a snapshot is taken, which saves each request a clock. */
  private lastEndMs = -Infinity;

  /** @param model empty for requests of which no model is known */
  constructor(model: string, version: string) {
    super(MODELS, [model, version]);
  }

  /**
   * An inference call that was answered.
   * @param rows the leading dimension of its inputs
   * @param run of the run that it took part in; undefined when the cache answered
   * @param endMs of `performance.now()`; `totalMs` goes from the request's arrival to then
   * @param traceId of a call that is sampled
   */
  succeeded(
    protocol: Protocol,
    rows: number,
    decodeMs: number,
    encodeMs: number,
    totalMs: number,
    endMs: number,
    run: RunTimes | undefined,
    traceId?: string,
  ): void {
    this.add(REQUESTS[protocol].success);
    this.observe(DURATION.success, totalMs);
    if (traceId !== undefined) this.exemplify(DURATION.success, totalMs, traceId);
    this.observe(FAMILIES.decodeDuration.at, decodeMs);
    this.observe(FAMILIES.encodeDuration.at, encodeMs);
    if (run !== undefined) {
      this.observe(FAMILIES.queueDuration.at, run.queueMs);
      this.observe(FAMILIES.runDuration.at, run.runMs);
      this.add(FAMILIES.rows.at, rows);
      const batch = batchIndex(run.batchRows);
      this.add(STATISTICS.batchDecodeMs[batch]!, decodeMs);
      this.add(STATISTICS.batchEncodeMs[batch]!, encodeMs);
    }
    this.lastEndMs = endMs;
  }

  /** An inference call that was not. */
  failed(protocol: Protocol, outcome: Exclude<Outcome, 'success'>, totalMs: number, traceId?: string): void {
    this.add(REQUESTS[protocol][outcome]);
    this.observe(DURATION[outcome], totalMs);
    if (traceId !== undefined) this.exemplify(DURATION[outcome], totalMs, traceId);
  }

  /** How the cache took part in a request. @param tier that had the answer of a hit */
  cached(outcome: CacheOutcome, lookupMs: number, tier?: CacheTierName): void {
    this.add(CACHE_REQUESTS[outcome]);
    this.add(STATISTICS.cacheMs[outcome], lookupMs);
    if (tier !== undefined) this.add(FAMILIES.cacheHits.at[tier]);
  }

  /** A run of a whole batch that succeeded. */
  ran(rows: number, runMs: number): void {
    this.add(FAMILIES.executions.at.success);
    this.add(FAMILIES.executionSeconds.at, runMs);
    this.observe(FAMILIES.batchRows.at, rows);
    const batch = batchIndex(rows);
    this.add(STATISTICS.batches[batch]!);
    this.add(STATISTICS.batchRunMs[batch]!, runMs);
  }

  /** A run that did not. */
  runFailed(): void {
    this.add(FAMILIES.executions.at.failed);
  }

  /** The version was set aside, as workers died of it. */
  quarantined(): void {
    this.add(FAMILIES.quarantines.at);
  }

  /** A copy of a call came back from the shadow, or never went there. */
  shadowed(result: keyof typeof FAMILIES.shadowRequests.at): void {
    this.add(FAMILIES.shadowRequests.at[result]);
  }

  /** A request of a batch was run again alone. @param agrees did it get the same? */
  audited(agrees: boolean): void {
    this.add(FAMILIES.batchAudits.at[agrees ? 'agrees' : 'differs']);
  }

  /** The version is resident from here on, until `unloaded`. */
  loaded(queue: WaitingRequests, memoryBytes: number, sharedBytes = 0): void {
    this.residents.set(queue, { memoryBytes, sharedBytes });
    this.touched = true;
  }

  unloaded(queue: WaitingRequests): void {
    this.residents.delete(queue);
    this.touched = true;
  }

  override snapshot(): Subject {
    if (this.lastEndMs > 0) {
      this.set(STATISTICS.lastInferenceMs, Math.round(Date.now() - (performance.now() - this.lastEndMs)));
      this.lastEndMs = -Infinity;
    }
    let queuedRequests = 0;
    let memoryBytes = 0;
    let sharedBytes = 0;
    for (const [queue, takes] of this.residents) {
      queuedRequests += queue.queuedRequests;
      memoryBytes += takes.memoryBytes;
      sharedBytes += takes.sharedBytes;
    }
    this.set(STATISTICS.resident, this.residents.size);
    this.set(FAMILIES.queueRequests.at, queuedRequests);
    this.set(FAMILIES.modelMemory.at, memoryBytes);
    this.set(FAMILIES.modelSharedMemory.at, sharedBytes);
    return super.snapshot();
  }
}
