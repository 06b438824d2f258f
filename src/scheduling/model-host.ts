import type { Clock } from '../common/clock';
import type { DeadlineWatch } from '../common/deadline-watch';
import type { BatchRun } from './batch';
import type { CostModel, ForecastErrors } from './cost-model';
import type { QueuedRequest, RequestQueue } from './request-queue';

export interface QueueLimits {
  /** Waiting requests of all models together. */
  readonly maxQueueRequests: number;
  /** Waiting requests of one model. */
  readonly maxQueueRequestsPerModel: number;
}

/** A model, as the scheduler and its admission see it. */
export interface HostedModel {
  readonly key: string;
  readonly queue: RequestQueue;
  readonly cost: CostModel;
  readonly forecastErrors: ForecastErrors;
  readonly runs: readonly BatchRun[];
  readonly concurrency: number;
  readonly batchable: boolean;
  readonly weight: number;
  readonly takesSlot: boolean;
  /** Does a request wait, be it for its run or to be run again alone? */
  readonly hasWork: boolean;
  /** Has it requests that wait, and may it run them? */
  readonly startable: boolean;
  /** Run time taken so far, by weight: the model that had least goes first. */
  virtualMs: number;
  filling(nowMs: number): boolean;
  start(nowMs: number): void;
  auditable(nowMs: number, slotWanted: boolean): boolean;
  startAudit(nowMs: number): void;
}

/** The scheduler, as its models see it. */
export interface ModelHost {
  readonly clock: Clock;
  readonly limits: QueueLimits;
  readonly maxBatchBytes: number;
  readonly ageingMs: number;
  readonly deadlines: DeadlineWatch<QueuedRequest>;
  readonly slots: number;
  /** The runs that take up a slot. */
  readonly slotRuns: readonly BatchRun[];
  /** The models for which requests wait; at times also one for which none does any more. */
  readonly busy: readonly HostedModel[];
  /** Where the least served of the models with work stands. */
  readonly virtualMs: number;
  /** Waiting requests of all models. */
  queuedRequests: number;
  /** Requests of the model wait from here on. */
  hasWork(model: HostedModel): void;
  /** The model may have something to start. */
  wake(model: HostedModel): void;
  runStarted(model: HostedModel, run: BatchRun): void;
  /** A run is over: what waits for its slot starts before this returns. */
  runEnded(model: HostedModel, run: BatchRun, runMs: number): void;
  forget(model: HostedModel): void;
}
