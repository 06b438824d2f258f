import type { RequestInputs } from '../../runners/runner';
import type { ModelOptions, ScheduledModel } from '../scheduled-model';
import type { ScheduledRequest, ScheduledResult } from '../scheduled-request';
import { Scheduler, type SchedulerOptions } from '../scheduler';
import { FakeClock } from './fake-clock';
import { FakeRunner, rowsOf } from './fake-runner';

/** How a request ended, and when. */
export interface Outcome {
  result?: ScheduledResult;
  error?: unknown;
  endMs?: number;
}

/** A scheduler on a fake clock, with one slot and roomy queues unless told otherwise. */
export class Harness {
  readonly clock = new FakeClock();
  readonly scheduler: Scheduler;

  constructor(options: Partial<SchedulerOptions> = {}) {
    this.scheduler = new Scheduler({
      slots: 1,
      clock: this.clock,
      limits: { maxQueueRequests: 10_000, maxQueueRequestsPerModel: 10_000 },
      ...options,
    });
  }

  model(runner = new FakeRunner(), options: Partial<ModelOptions> = {}): ScheduledModel {
    return this.scheduler.register({
      key: 'm/1',
      runner,
      batchable: true,
      maxBatchRows: 8,
      maxQueueDelayMs: 0,
      weight: 1,
      ...options,
    });
  }

  /** A model whose runs take as long as `runMs` says of their rows. */
  timedModel(runMs: (rows: number) => number, options: Partial<ModelOptions> = {}) {
    const runner = new FakeRunner(1, (run) => this.clock.setTimeout(() => run.finish(), runMs(run.rows)));
    return { runner, model: this.model(runner, options) };
  }

  /** Submits, and notes the end. */
  submit(
    model: ScheduledModel,
    values: readonly number[] | RequestInputs,
    options: Partial<ScheduledRequest> = {},
  ) {
    const inputs = isValues(values) ? rowsOf(values) : values;
    const rows = inputs[0]?.shape[0] ?? 0;
    const request: ScheduledRequest = { inputs, rows, priority: 0, deadlineMs: Infinity, ...options };
    const outcome: Outcome = {};
    const end = (how: Outcome) => Object.assign(outcome, how, { endMs: this.clock.now() });
    model.submit(request).then(
      (result) => end({ result }),
      (error: unknown) => end({ error }),
    );
    return { outcome };
  }
}

function isValues(values: readonly number[] | RequestInputs): values is readonly number[] {
  return typeof values[0] === 'number';
}
