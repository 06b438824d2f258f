import type { WorkerLoad } from './admission';
import type { BatchRun } from './batch-run';
import type { Clock } from '../common/clock';
import type { LedgerHost } from './request-ledger';

/** A model, as the scheduler's bookkeeping sees it. */
export interface HostedModel {
  /** Has it requests that wait, and may it run them? */
  readonly startable: boolean;
  readonly takesSlot: boolean;
  readonly weight: number;
  /** Run time taken so far, by weight: the model that had least goes first. */
  virtualMs: number;
}

/** The scheduler, as a model sees it. */
export interface ModelHost extends WorkerLoad, LedgerHost {
  readonly clock: Clock;
  readonly ageingMs: number;
  readonly draining: boolean;
  /** Where the least served of the models with work stands. */
  readonly virtualMs: number;
  queuedRequests: number;
  /** The model may have something to start. */
  wake(model: HostedModel): void;
  runStarted(model: HostedModel, run: BatchRun): void;
  /** A run is over: what waits for its slot starts before this returns. */
  runEnded(model: HostedModel, run: BatchRun, runMs: number): void;
  /** A model has nothing more to do. */
  modelIdle(): void;
  forget(model: HostedModel): void;
}
