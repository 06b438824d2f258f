import { type Figures, type Exemplar, gather, type Subject } from './figures';
import {
  CALLERS,
  MODELS,
  REMOTES,
  type Scope,
  type ScopeName,
  SERVER,
  bucketOf,
  type HistogramPlace,
  type Place,
} from './layout';
import { FAMILIES, batchIndex, STATISTICS } from './metric-families';
import type { CacheOutcome, CacheTierName, Outcome, Protocol } from './outcome';

/**
 * What this process counts of one subject. Counting is additions into an array that was there before, and nothing
 * else: it is on the way of every request.
 */
export class Tally<Name extends ScopeName> {
  /** Set by whatever is counted; the recorder clears it. */
  touched = true;
  private readonly figures: Float64Array;
  /** By the cell of its bucket; made with the first. */
  private exemplars: Map<number, Exemplar> | undefined;

  /** @param labels the values of the scope's labels */
  constructor(
    scope: Scope<Name>,
    readonly labels: readonly string[],
  ) {
    this.figures = new Float64Array(scope.size);
  }

  add(place: Place<Name>, by = 1): void {
    this.figures[place]! += by;
    this.touched = true;
  }

  /** For what is counted elsewhere, or changes by itself: it is set when it is wanted, and is no reason to tell. */
  set(place: Place<Name>, value: number): void {
    this.figures[place] = value;
  }

  /** One duration in milliseconds, or one size. */
  observe({ at, bounds }: HistogramPlace<Name>, value: number): void {
    this.figures[at + bucketOf(bounds, value)]!++;
    this.figures[at + bounds.length + 1]! += value;
    this.touched = true;
  }

  /** Keeps which trace shows a value that was observed, until another one falls into the same bucket. */
  exemplify({ at, bounds }: HistogramPlace<Name>, value: number, traceId: string): void {
    this.exemplars ??= new Map();
    const cell = at + bucketOf(bounds, value);
    this.exemplars.set(cell, { cell, value, traceId, atMs: Date.now() });
  }

  snapshot(): Subject {
    const { labels, figures, exemplars } = this;
    const cells = gather(figures);
    return exemplars === undefined
      ? { labels, cells }
      : { labels, cells, exemplars: [...exemplars.values()] };
  }
}

const RESPONSES = Object.values(FAMILIES.httpResponses.at);

/** What this process counts: of itself, and of each model version and each remote, whose tallies are made at load. */
export class Recorder {
  readonly server = new Tally(SERVER, []);
  /** For requests that end before their model is known: whatever name they came with is no label. */
  readonly noModel = new ModelRecorder('', '');
  private readonly models = new Map<string, ModelRecorder>();
  private readonly remotes = new Map<string, Tally<'remotes'>>();
  private readonly callers = new Map<string, Tally<'callers'>>();
  private readonly tellers: (() => void)[] = [];
  /** The models that ought to serve here and do not. */
  unavailable = (): readonly string[] => [];

  /** The tally of a version that exists; the same one each time it is loaded. Beyond a bound they share one. */
  model(model: string, version: string): ModelRecorder {
    return tallyOf(
      this.models,
      MODELS,
      [model, version] as const,
      ([name, of]) => new ModelRecorder(name, of),
    );
  }

  /** The same of a remote of a model. @param remote its host and port */
  remote(model: string, remote: string): Tally<'remotes'> {
    return tallyOf(this.remotes, REMOTES, [model, remote], (labels) => new Tally(REMOTES, labels));
  }

  /** The same of a caller by its name. */
  caller(name: string): Tally<'callers'> {
    return tallyOf(this.callers, CALLERS, [name], (labels) => new Tally(CALLERS, labels));
  }

  /** Any HTTP answer, an inference's or not. */
  response(status: number): void {
    this.server.add(RESPONSES[((status / 100) | 0) - 1]!);
  }

  /** Before figures are read, `tell` sets those of what counts by itself. */
  beforeSnapshot(tell: (server: Tally<'server'>) => void): void {
    this.tellers.push(() => tell(this.server));
  }

  /** Was anything counted since `settle`? */
  get changed(): boolean {
    for (const tally of this.all()) if (tally.touched) return true;
    return false;
  }

  settle(): void {
    for (const tally of this.all()) tally.touched = false;
  }

  snapshot(): Figures {
    for (const tell of this.tellers) tell();
    return {
      server: [this.server.snapshot()],
      models: [this.noModel, ...this.models.values()].map((model) => model.snapshot()),
      remotes: [...this.remotes.values()].map((remote) => remote.snapshot()),
      callers: [...this.callers.values()].map((caller) => caller.snapshot()),
    };
  }

  private *all(): Iterable<{ touched: boolean }> {
    yield this.server;
    yield this.noModel;
    yield* this.models.values();
    yield* this.remotes.values();
    yield* this.callers.values();
  }
}

function tallyOf<T, Labels extends readonly string[]>(
  tallies: Map<string, T>,
  scope: Scope<ScopeName>,
  labels: Labels,
  make: (labels: Labels) => T,
): T {
  const key = JSON.stringify(labels);
  let tally = tallies.get(key);
  if (tally === undefined) {
    const isFull = tallies.size >= scope.most && labels[0] !== scope.rest[0];
    if (isFull) return tallyOf(tallies, scope, scope.rest as Labels, make);
    tally = make(labels);
    tallies.set(key, tally);
  }
  return tally;
}

/** What one run in the scheduler has to say of a request. */
export interface RunTimes {
  readonly queueMs: number;
  readonly runMs: number;
  /** Rows of the batch that the request ran in. */
  readonly batchRows: number;
}

/** Where the requests of a loaded version wait. */
interface WaitingRequests {
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
