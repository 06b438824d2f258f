import type { ModelLoad, WorkerLoad } from './admission';
import type { BatchRun } from './batch-run';
import type { Clock } from '../common/clock';
import type { LedgerHost } from './request-ledger';

/** A model, as the scheduler sees it. */
export interface HostedModel extends ModelLoad {
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

/** The scheduler, as a model sees it. */
export interface ModelHost extends WorkerLoad, LedgerHost {
  readonly clock: Clock;
  readonly ageingMs: number;
  readonly draining: boolean;
  /** Where the least served of the models with work stands. */
  readonly virtualMs: number;
  queuedRequests: number;
  /** Requests of the model wait from here on. */
  hasWork(model: HostedModel): void;
  /** The model may have something to start. */
  wake(model: HostedModel): void;
  runStarted(model: HostedModel, run: BatchRun): void;
  /** A run is over: what waits for its slot starts before this returns. */
  runEnded(model: HostedModel, run: BatchRun, runMs: number): void;
  /** A model has nothing more to do. */
  modelIdle(): void;
  forget(model: HostedModel): void;
}
