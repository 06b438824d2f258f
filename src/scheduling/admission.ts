import { DomainError } from '../errors/domain-error';
import type { BatchRun } from './batch';
import type { HostedModel, ModelHost } from './model-host';
import { PRIORITY_LEVELS } from './scheduled-request';

/** A queue as short as that is nearly empty. */
const NEARLY_EMPTY = 2;

/** Refusals are many when they come; an error with its stack takes 8 us, so these are made once. */
const ALREADY_LATE = new DomainError('deadline_exceeded', 'The deadline had passed before the request came');

/** Decides at the door whether a request of one model may wait, from what the model's runs have cost so far. */
export class Admission {
  private modelFull: DomainError | undefined;
  private workerFull: DomainError | undefined;
  private tooLate: DomainError | undefined;

  constructor(
    private readonly worker: ModelHost,
    private readonly model: HostedModel,
  ) {}

  /** When a request that came now would likely be answered. */
  forecastMs(rows: number, level: number, nowMs: number): number {
    const startMs = startDelayMs(this.worker, this.model, nowMs);
    return nowMs + startMs + this.queueMs(level) + this.runMs(rows, level);
  }

  /**
   * Why the request is refused (`overloaded`, `deadline_exceeded`); undefined when it may queue.
   * @param forecastMs when it would likely be answered
   */
  refuse(
    rows: number,
    level: number,
    deadlineMs: number,
    forecastMs: number,
    nowMs: number,
  ): DomainError | undefined {
    const { worker, model } = this;
    if (deadlineMs <= nowMs) return ALREADY_LATE;
    if (model.queue.requests >= worker.limits.maxQueueRequestsPerModel) {
      const message = `The queue of model "${model.key}" is full`;
      return (this.modelFull = overloaded(this.modelFull, message, this.drainMs(nowMs)));
    }
    if (worker.queuedRequests >= worker.limits.maxQueueRequests) {
      return (this.workerFull = overloaded(this.workerFull, 'The queue is full', this.drainMs(nowMs)));
    }
    const lateMs = forecastMs + model.forecastErrors.allowanceMs(level) - deadlineMs;
    if (!(lateMs > 0) || this.isIdle(nowMs) || this.mayTry(rows, level)) return undefined;
    const message = `Model "${model.key}" has too much to do to answer within the deadline`;
    return (this.tooLate = overloaded(this.tooLate, message, lateMs, this.inTheWay()));
  }

  /** Is nothing in the way of a request? Then it is always tried, or a wrong estimate could shut the model for ever. */
  private isIdle(nowMs: number): boolean {
    return this.model.queue.requests === 0 && startDelayMs(this.worker, this.model, nowMs) === 0;
  }

  /**
   * May a request be tried against its forecast? While those that are admitted are answered in time, it may where the
   * queue is nearly empty, and where too little is known to forecast by: one slow run is no reason to refuse.
   */
  private mayTry(rows: number, level: number): boolean {
    const { cost, forecastErrors, queue } = this.model;
    return forecastErrors.isCalm(level) && (queue.requestsAhead(level) <= NEARLY_EMPTY || !cost.knows(rows));
  }

  /** The models whose runs take the slots that a request of this one would wait for. */
  private inTheWay(): string[] {
    const { model, worker } = this;
    if (!model.takesSlot || worker.slotRuns.length < worker.slots) return [];
    const others = new Set(worker.slotRuns.map((run) => nameOf(run.model)));
    others.delete(nameOf(model.key));
    return [...others];
  }

  /** How long a queue as it stands takes, the runs under way included. */
  private drainMs(nowMs: number): number {
    const { model } = this;
    return (
      startDelayMs(this.worker, model, nowMs) + this.queueMs(PRIORITY_LEVELS) + this.runMs(1, PRIORITY_LEVELS)
    );
  }

  /** How long the batches ahead of a new request take: in the model's share of the slots, and no longer than all work in all. */
  private queueMs(level: number): number {
    const { model, worker } = this;
    const ownMs = workAheadMs(model, level);
    if (ownMs === 0) return 0;
    if (!model.takesSlot) return ownMs / model.concurrency;
    let activeWeight = 0;
    let otherMs = 0;
    for (const other of worker.busy) {
      if (!other.takesSlot || (other !== model && other.queue.requests === 0)) continue;
      activeWeight += other.weight;
      if (other !== model) otherMs += workAheadMs(other, PRIORITY_LEVELS);
    }
    const shareMs = (ownMs * activeWeight) / (worker.slots * model.weight);
    const wholeMs = (ownMs + otherMs) / worker.slots;
    return Math.max(Math.min(shareMs, wholeMs), ownMs / model.concurrency);
  }

  /** How long the run takes that a new request would be in. */
  private runMs(rows: number, level: number): number {
    const { batchable, cost, queue } = this.model;
    if (!batchable || rows >= cost.maxRows) return cost.predictMs(rows);
    return cost.predictMs(Math.min((queue.rowsAhead(level) % cost.maxRows) + rows, cost.maxRows));
  }
}

/** How long until a run could start if nothing waited: 0, or until the first of the runs in the way ends. */
function startDelayMs(worker: ModelHost, model: HostedModel, nowMs: number): number {
  let inTheWay: readonly BatchRun[];
  if (model.runs.length >= model.concurrency) inTheWay = model.runs;
  else if (model.takesSlot && worker.slotRuns.length >= worker.slots) inTheWay = worker.slotRuns;
  else return 0;
  let delayMs = Infinity;
  for (const run of inTheWay) delayMs = Math.min(delayMs, run.remainingMs(nowMs));
  return delayMs === Infinity ? 0 : delayMs;
}

/** Run time of the batches that go before a new request of `level`; the one it would join itself is not among them. */
function workAheadMs(model: HostedModel, level: number): number {
  const { batchable, cost, queue } = model;
  if (!batchable) return queue.requestsAhead(level) * cost.msPerRun;
  const batches = Math.floor(queue.rowsAhead(level) / cost.maxRows);
  return batches === 0 ? 0 : batches * cost.predictMs(cost.maxRows);
}

/** The same error again while its `Retry-After` and what is in the way are the same. */
function overloaded(
  last: DomainError | undefined,
  message: string,
  waitMs: number,
  inTheWay: readonly string[] = [],
): DomainError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  if (last?.retryAfterSeconds === retryAfterSeconds && last.inTheWay?.join() === inTheWay.join()) return last;
  return new DomainError('overloaded', message, { retryAfterSeconds, inTheWay });
}

/** The model of a version's key. */
function nameOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
