import { DomainError, type ErrorCode, toDomainError } from '../errors/domain-error';
import type { ModelRunner } from '../runners/runner';
import type { Tensor } from '../tensors/tensor';
import { Admission } from './admission';
import { BatchRun, leadWithRows, padToLongest, rowsFault } from './batch';
import { BatchAudit } from './batch-audit';
import { CostModel, type ForecastErrors } from './cost-model';
import { emptyInput, refusalOf } from './empty-inputs';
import { FillWindow } from './fill-window';
import { CLIENT_LEFT, RequestLedger } from './request-ledger';
import type { HostedModel, ModelHost } from './model-host';
import {
  DEFAULT_PRIORITY_LEVEL,
  priorityLevel,
  type ScheduledRequest,
  type ScheduledResult,
} from './scheduled-request';
import { type GivenUp, QueuedRequest, RETRY_LANE, type RequestQueue } from './request-queue';

export interface ModelOptions {
  /** Names the model version in messages. */
  readonly key: string;
  readonly runner: ModelRunner;
  /** May rows of several requests run together? */
  readonly batchable: boolean;
  readonly maxBatchRows: number;
  /** How long a request may wait for others to fill its batch although a slot is free; 0 for not at all. */
  readonly maxQueueDelayMs: number;
  /** Share of the slots while several models have work; above 0. */
  readonly weight: number;
  /** Do its runs take up an execution slot? A model behind another server needs none. Default true. */
  readonly takesSlot?: boolean;
  /** Are requests refused whose inputs have no elements? Default false. */
  readonly refusesEmpty?: boolean;
  /** Is now and then a request of a batch run again alone, and compared? Default false. */
  readonly audited?: boolean;
  /** A batch did not give each request what it gets alone: the model is not batched any more. */
  readonly onBatchesWrong?: (reason: string) => void;
}

/** Told of each run when it is over. */
export interface RunObserver {
  ran(rows: number, runMs: number): void;
  runFailed(): void;
  /** A request of a batch was run again alone. */
  audited(agrees: boolean): void;
}

/** For how long after a refusal the next ones are looked for before they are decoded. */
const OVERLOADED_MS = 1000;

/** Hardly a run takes less than this part of what runs take. */
const LEAST_OF_A_RUN = 0.75;

/** Failures that no input is to blame for: request by request they would only repeat. */
const NOT_THE_INPUTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not_ready',
  'draining',
  'model_unavailable',
  'overloaded',
  'deadline_exceeded',
  'client_closed_request',
]);

/** One model version in the scheduler: its queue, its runs, and what they cost. */
export class ScheduledModel implements HostedModel {
  readonly key: string;
  readonly weight: number;
  readonly takesSlot: boolean;
  readonly cost: CostModel;
  readonly queue: RequestQueue;
  readonly forecastErrors: ForecastErrors;
  readonly runs: BatchRun[] = [];
  /** What runs of padded rows cost, by their bucket: of long rows two cost more each than a short one alone. */
  private readonly paddedCosts = new Map<number, CostModel>();
  batchable: boolean;
  virtualMs = 0;
  private lastRefusalMs = -Infinity;
  /** Set once the model is warm: what warm-up ran is nobody's request. */
  observer: RunObserver | undefined;
  private readonly runner: ModelRunner;
  private readonly ledger: RequestLedger;
  private readonly admission: Admission;
  private readonly fill: FillWindow;
  private readonly audit: BatchAudit | undefined;
  private state: 'open' | 'draining' | 'removed' = 'open';
  private readonly drained: (() => void)[] = [];
  private readonly giveUp = (entry: QueuedRequest, why: GivenUp): void => {
    this.ledger[why](entry);
    this.settleDown();
  };

  constructor(
    private readonly options: ModelOptions,
    private readonly host: ModelHost,
  ) {
    this.key = options.key;
    this.runner = options.runner;
    this.weight = options.weight;
    this.takesSlot = options.takesSlot ?? true;
    this.batchable = options.batchable && options.maxBatchRows > 1;
    this.cost = new CostModel(this.batchable ? options.maxBatchRows : 1);
    this.ledger = new RequestLedger(host);
    this.queue = this.ledger.queue;
    this.forecastErrors = this.ledger.forecastErrors;
    this.admission = new Admission(host, this);
    this.audit = this.batchable && options.audited === true ? new BatchAudit() : undefined;
    this.fill = new FillWindow(this.batchable ? options.maxQueueDelayMs : 0, host.clock, () =>
      host.wake(this),
    );
  }

  get concurrency(): number {
    return this.runner.concurrency;
  }

  get queuedRequests(): number {
    return this.queue.requests;
  }

  get hasWork(): boolean {
    return this.queue.requests > 0 || this.audit?.waiting === true;
  }

  get startable(): boolean {
    return this.queue.requests > 0 && this.runs.length < this.runner.concurrency;
  }

  /**
   * Queues a request; its own rows are the answer.
   * @throws `overloaded` with `Retry-After`, `deadline_exceeded`, `client_closed_request`, `shape_mismatch` for an
   *   input without elements, `model_unavailable`
   *   after `drain` or `remove`, and whatever the runner fails with
   */
  submit(request: ScheduledRequest): Promise<ScheduledResult> {
    const { host, fill } = this;
    const { inputs, rows } = request;
    const nowMs = host.clock.now();
    const level = priorityLevel(request.priority);
    const forecastMs = this.admission.forecastMs(rows, level, nowMs);
    const refusal = this.refuse(request, level, forecastMs, nowMs);
    if (refusal !== undefined) {
      request.onInputsConsumed?.();
      return Promise.reject(refusal);
    }
    const rank = nowMs + level * host.ageingMs;
    const joinable = leadWithRows(inputs, rows);
    const entry = new QueuedRequest(this.giveUp, request, level, nowMs, forecastMs, rank, joinable);
    if (fill.enabled) entry.fillUntilMs = fill.endFor(nowMs, entry.deadlineMs, this.cost.predictMs(rows));
    const result = new Promise<ScheduledResult>((resolve, reject) => {
      entry.resolve = resolve;
      entry.reject = reject;
    });
    if (entry.deadlineMs < Infinity) host.deadlines.add(entry);
    this.enqueue(entry);
    host.wake(this);
    return result;
  }

  /**
   * Why a request of one row and of no special priority would be refused, if it were submitted now; looked for
   * only while others are refused, so that it costs nothing as long as all goes well.
   */
  foreseeRefusal(deadlineMs: number): DomainError | undefined {
    const nowMs = this.host.clock.now();
    if (nowMs - this.lastRefusalMs > OVERLOADED_MS || this.state !== 'open') return undefined;
    const forecastMs = this.admission.forecastMs(1, DEFAULT_PRIORITY_LEVEL, nowMs);
    return this.admission.refuse(1, DEFAULT_PRIORITY_LEVEL, deadlineMs, forecastMs, nowMs);
  }

  /** Notes that a request is refused, here or as was foreseen. */
  refused(refusal: DomainError): DomainError {
    this.lastRefusalMs = this.host.clock.now();
    return refusal;
  }

  /** Takes no new requests; resolves when those in hand are answered and no run is under way. */
  drain(): Promise<void> {
    if (this.state === 'open') this.state = 'draining';
    this.audit?.drop();
    return new Promise((resolve) => {
      this.drained.push(resolve);
      this.host.wake(this);
      this.settleDown();
    });
  }

  /** Out of the scheduler: what waits fails with `why`, what runs is answered yet. */
  remove(why = this.unavailable()): void {
    this.state = 'removed';
    for (let entry = this.queue.head(); entry !== undefined; entry = this.queue.head()) {
      this.ledger.fail(entry, why);
    }
    this.host.forget(this);
    this.settleDown();
  }

  /** Is it better to wait for more rows than to start? */
  filling(nowMs: number): boolean {
    if (!this.fill.enabled || !this.batchable || this.state !== 'open') return false;
    const { maxRows } = this.costOf(this.queue.head());
    if (this.queue.rows >= maxRows || this.queue.hasRetries) return false;
    return this.fill.open(nowMs);
  }

  /** Runs the most urgent batch; nothing when all who wait turn out to have left. */
  start(nowMs: number): void {
    const maxRows = this.batchable ? this.costOf(this.queue.head()).batchRows(this.queue.rows) : 0;
    const requests = this.ledger.takeBatch(maxRows, nowMs, this.leastRunMs());
    if (this.fill.enabled) this.restartFilling();
    if (requests.length === 0) return this.settleDown();
    let rows = 0;
    for (const entry of requests) {
      entry.state = 'running';
      rows += entry.rows;
    }
    const run = new BatchRun(this.key, requests, rows, nowMs, this.cost.predictMs(rows));
    this.runs.push(run);
    this.host.runStarted(this, run);
    try {
      if (requests.length > 1 && requests[0]!.request.padding !== undefined) padToLongest(requests);
      const inputs = requests.map((entry) => entry.inputs);
      this.runner.run(inputs, this.takesSlot ? undefined : run.context()).then(
        (outputs) => this.succeeded(run, outputs),
        (error: unknown) => this.failed(run, error),
      );
    } catch (error) {
      queueMicrotask(() => this.failed(run, error));
    }
    // Those of a larger batch are read again, should it fail.
    if (requests.length === 1) requests[0]!.releaseInputs();
  }

  /** What says how many rows are worth a batch that this request leads. */
  private costOf(leader: QueuedRequest | undefined): CostModel {
    const bucket = leader?.request.padding?.bucket;
    if (bucket === undefined || !this.batchable) return this.cost;
    let cost = this.paddedCosts.get(bucket);
    if (cost === undefined) this.paddedCosts.set(bucket, (cost = new CostModel(this.options.maxBatchRows)));
    return cost;
  }

  /** What a run takes at the least, where that is known and somebody waits who could use the time. */
  private leastRunMs(): number {
    const { cost, queue } = this;
    return queue.requests > 1 && cost.knows(1) ? LEAST_OF_A_RUN * cost.predictMs(1) : 0;
  }

  /** Does a request wait to be run again alone, and may it be? */
  auditable(nowMs: number, slotWanted: boolean): boolean {
    const { audit, runs } = this;
    if (audit === undefined || runs.length >= this.runner.concurrency) return false;
    return slotWanted ? audit.overdue(nowMs) : audit.waiting;
  }

  /** Runs a request again alone that was answered from a batch. */
  startAudit(nowMs: number): void {
    const audit = this.audit!;
    const kept = audit.begin();
    const { inputs, rows } = kept;
    const run = new BatchRun(this.key, [], rows, nowMs, this.cost.predictMs(rows));
    this.runs.push(run);
    this.host.runStarted(this, run);
    const end = (alone: Tensor[] | undefined): void => {
      const fault = audit.end(alone);
      if (alone !== undefined) this.observer?.audited(fault === undefined);
      this.end(run, this.host.clock.now() - run.startMs);
      if (fault !== undefined) this.batchesAreWrong(fault);
      this.settleDown();
    };
    try {
      this.runner.run([inputs], this.takesSlot ? undefined : run.context()).then(end, () => end(undefined));
    } catch {
      queueMicrotask(() => end(undefined));
    }
    kept.release();
  }

  /** From here on each request runs alone. */
  stopBatching(): void {
    this.batchable = false;
    this.audit?.drop();
  }

  private batchesAreWrong(reason: string): void {
    if (!this.batchable) return;
    this.stopBatching();
    this.options.onBatchesWrong?.(reason);
  }

  private refuse(
    request: ScheduledRequest,
    level: number,
    forecastMs: number,
    nowMs: number,
  ): DomainError | undefined {
    if (this.state !== 'open') return this.unavailable();
    const empty = this.options.refusesEmpty === true ? emptyInput(request.inputs) : undefined;
    if (empty !== undefined) return refusalOf(empty);
    if (request.signal?.aborted === true) return CLIENT_LEFT;
    const refusal = this.admission.refuse(request.rows, level, request.deadlineMs, forecastMs, nowMs);
    return refusal && this.refused(refusal);
  }

  private enqueue(entry: QueuedRequest): void {
    // Time without work earns nothing: who comes back stands where the least served stands.
    if (this.queue.requests === 0) {
      this.virtualMs = Math.max(this.virtualMs, this.host.virtualMs);
      this.host.hasWork(this);
    }
    this.ledger.enqueue(entry);
    if (this.fill.enabled) this.fill.include(entry.fillUntilMs);
  }

  private succeeded(run: BatchRun, outputs: Tensor[]): void {
    const runMs = this.host.clock.now() - run.startMs;
    const joined = run.requests.length > 1;
    const fault = joined ? rowsFault(outputs, run.rows) : undefined;
    run.trace?.end(run.startMs + runMs, fault === undefined ? undefined : 'wrong_outputs');
    // While it ran, another batch may have turned out to be wrong.
    if (fault !== undefined || (joined && !this.batchable)) {
      this.observer?.runFailed();
      this.retry(run);
      this.end(run, runMs);
      this.settleDown();
      if (fault !== undefined) this.batchesAreWrong(fault);
      return;
    }
    if (joined && this.state === 'open') {
      this.audit?.consider(run, outputs, run.startMs + runMs);
      if (this.audit?.waiting === true) this.host.hasWork(this);
    }
    this.cost.record(run.rows, runMs);
    const cost = this.costOf(run.requests[0]);
    if (cost !== this.cost) cost.record(run.rows, runMs);
    this.observer?.ran(run.rows, runMs);
    // The next batch is on its way before these answers are written.
    this.end(run, runMs);
    this.ledger.answer(run, outputs, runMs);
    this.settleDown();
  }

  private failed(run: BatchRun, error: unknown): void {
    const nowMs = this.host.clock.now();
    this.observer?.runFailed();
    run.trace?.end(nowMs, toDomainError(error).code);
    if (run.requests.length > 1 && this.mayRunApart(error)) this.retry(run);
    else for (const entry of run.requests) this.ledger.fail(entry, error);
    this.end(run, nowMs - run.startMs);
    this.settleDown();
  }

  private mayRunApart(error: unknown): boolean {
    if (error instanceof DomainError && NOT_THE_INPUTS.has(error.code)) return false;
    return this.runner.mayRunApart?.(error) ?? true;
  }

  /** Queues the requests of a failed batch again, each for a run of its own, so that a bad input fails alone. */
  private retry(run: BatchRun): void {
    for (const entry of run.requests) {
      if (entry.state === 'settled') continue;
      if (this.state === 'removed') {
        this.ledger.fail(entry, this.unavailable());
        continue;
      }
      entry.state = 'queued';
      entry.lane = RETRY_LANE;
      entry.traced = entry.request.trace?.record?.queued(this.host.clock.now());
      this.enqueue(entry);
    }
  }

  private end(run: BatchRun, runMs: number): void {
    this.runs.splice(this.runs.indexOf(run), 1);
    this.host.runEnded(this, run, runMs);
  }

  /** The batch that was filling has started: what is left waits for its own time. */
  private restartFilling(): void {
    this.fill.reset();
    this.queue.beginScan();
    for (let entry = this.queue.scan(); entry !== undefined; entry = this.queue.scan()) {
      this.fill.include(entry.fillUntilMs);
    }
  }

  /** Tells those who wait for the last request. */
  private settleDown(): void {
    if (this.queue.requests > 0) return;
    if (this.fill.enabled) this.fill.reset();
    if (this.runs.length > 0) return;
    for (const resolve of this.drained.splice(0)) resolve();
  }

  private unavailable(): DomainError {
    return new DomainError('model_unavailable', `Model "${this.key}" is being unloaded`, {
      retryAfterSeconds: 1,
    });
  }
}
