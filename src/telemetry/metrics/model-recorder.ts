import { CACHE_TIERS, type CacheTier } from './cache-figures';
import { gather } from './cells';
import { AT, batchIndex, durationBucket, DURATION_BUCKETS, FIGURES, HISTOGRAM_SIZE } from './layout';
import {
  CACHE_OUTCOMES,
  type CacheOutcome,
  type Outcome,
  OUTCOMES,
  type Protocol,
  PROTOCOLS,
} from './outcome';
import type { ModelFigures } from './snapshot';

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

const REQUESTS_AT = offsets(PROTOCOLS, AT.requests, OUTCOMES.length);
const TOTAL_AT = offsets(OUTCOMES, AT.total, HISTOGRAM_SIZE);
const OUTCOME_INDEX = offsets(OUTCOMES, 0, 1);
const CACHE_INDEX = offsets(CACHE_OUTCOMES, 0, 1);
const CACHE_HITS_AT = offsets(CACHE_TIERS, AT.cacheHits, 1);

/**
 * The figures of one model version in this process. Recording is additions into an array that was there
 * before, and nothing else: it is on the way of every request.
 */
export class ModelRecorder {
  /** Set by whatever is recorded; the recorder clears it. */
  touched = true;
  private readonly figures = new Float64Array(FIGURES);
  /** The memory of each loaded version, by its queue; two while one is replaced by another of the same name. */
  private readonly residents = new Map<WaitingRequests, number>();
  /** Of `performance.now()`; becomes a date when a snapshot is taken, which saves each request a clock. */
  private lastEndMs = -Infinity;
  private lastInferenceMs = 0;

  /** @param model empty for requests of which no model is known */
  constructor(
    readonly model: string,
    readonly version: string,
  ) {}

  /**
   * An inference call that was answered.
   * @param rows the leading dimension of its inputs
   * @param run of the run that it took part in; undefined when the cache answered
   * @param endMs of `performance.now()`; `totalMs` goes from the request's arrival to then
   */
  succeeded(
    protocol: Protocol,
    rows: number,
    decodeMs: number,
    encodeMs: number,
    totalMs: number,
    endMs: number,
    run: RunTimes | undefined,
  ): void {
    const { figures } = this;
    figures[REQUESTS_AT[protocol]]!++;
    this.observe(AT.total, totalMs);
    this.observe(AT.decode, decodeMs);
    this.observe(AT.encode, encodeMs);
    if (run !== undefined) {
      this.observe(AT.queue, run.queueMs);
      this.observe(AT.run, run.runMs);
      figures[AT.rows]! += rows;
      const batch = batchIndex(run.batchRows);
      figures[AT.batchDecodeMs + batch]! += decodeMs;
      figures[AT.batchEncodeMs + batch]! += encodeMs;
    }
    this.lastEndMs = endMs;
    this.touched = true;
  }

  /** An inference call that was not. */
  failed(protocol: Protocol, outcome: Exclude<Outcome, 'success'>, totalMs: number): void {
    this.figures[REQUESTS_AT[protocol] + OUTCOME_INDEX[outcome]]!++;
    this.observe(TOTAL_AT[outcome], totalMs);
    this.touched = true;
  }

  /** How the cache took part in a request. @param tier that had the answer of a hit */
  cached(outcome: CacheOutcome, lookupMs: number, tier?: CacheTier): void {
    const index = CACHE_INDEX[outcome];
    this.figures[AT.cache + index]!++;
    this.figures[AT.cacheMs + index]! += lookupMs;
    if (tier !== undefined) this.figures[CACHE_HITS_AT[tier]]!++;
    this.touched = true;
  }

  /** A run of a whole batch that succeeded. */
  ran(rows: number, runMs: number): void {
    const batch = batchIndex(rows);
    this.figures[AT.batches + batch]!++;
    this.figures[AT.batchRunMs + batch]! += runMs;
    this.figures[AT.batchRows]! += rows;
    this.touched = true;
  }

  /** A run that did not. */
  runFailed(): void {
    this.figures[AT.failedRuns]!++;
    this.touched = true;
  }

  /** A request of a batch was run again alone. @param agrees did it get the same? */
  audited(agrees: boolean): void {
    this.figures[AT.audits + (agrees ? 0 : 1)]!++;
    this.touched = true;
  }

  /** The version is resident from here on, until `unloaded`. */
  loaded(queue: WaitingRequests, memoryBytes: number): void {
    this.residents.set(queue, memoryBytes);
    this.touched = true;
  }

  unloaded(queue: WaitingRequests): void {
    this.residents.delete(queue);
    this.touched = true;
  }

  snapshot(): ModelFigures {
    if (this.lastEndMs > 0) {
      this.lastInferenceMs = Math.round(Date.now() - (performance.now() - this.lastEndMs));
      this.lastEndMs = -Infinity;
    }
    let queuedRequests = 0;
    let memoryBytes = 0;
    for (const [queue, bytes] of this.residents) {
      queuedRequests += queue.queuedRequests;
      memoryBytes += bytes;
    }
    return {
      model: this.model,
      version: this.version,
      cells: gather(this.figures),
      lastInferenceMs: this.lastInferenceMs,
      resident: this.residents.size,
      queuedRequests,
      memoryBytes,
    };
  }

  private observe(at: number, ms: number): void {
    this.figures[at + durationBucket(ms)]!++;
    this.figures[at + DURATION_BUCKETS]! += ms;
  }
}

function offsets<Name extends string>(
  names: readonly Name[],
  at: number,
  step: number,
): Record<Name, number> {
  return Object.fromEntries(names.map((name, i) => [name, at + i * step])) as Record<Name, number>;
}
