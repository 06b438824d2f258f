import { PassingSet } from '../common/passing';
import type { BatchRun } from './batch';
import type { Clock } from '../common/clock';
import { DeadlineWatch } from '../common/deadline-watch';
import type { HostedModel, ModelHost, QueueLimits } from './model-host';
import type { QueuedRequest } from './request-queue';
import { type ModelOptions, ScheduledModel } from './scheduled-model';

export interface SchedulerLimits extends QueueLimits {
  /** Bytes of inputs that one batch may join; default 64 MiB. */
  readonly maxBatchBytes?: number;
}

export interface SchedulerOptions {
  /** Runs under way at once, of all models that take slots. */
  readonly slots: number;
  readonly clock: Clock;
  readonly limits: SchedulerLimits;
  /** Within a model, how much longer a request has to wait to stand equal to one a level more urgent; default 250. */
  readonly ageingMs?: number;
  /** Between models, how much more run time a model may take for each level that its request is more urgent; default 25. */
  readonly priorityCreditMs?: number;
}

/**
 * Shares the execution slots of a worker among its models. While a slot is free, what arrives in one turn of the
 * event loop runs at once; while all are busy requests gather, and the next free slot takes as many as fit.
 *
 * Whose turn it is: each model's run time is counted, divided by its weight (start-time fair queueing, Goyal, Vin
 * and Cheng 1996), and the one that has had least goes first, less a credit for an urgent request. So a flood on
 * one model waits behind its own share, and no priority can keep another model waiting for ever.
 */
export class Scheduler implements ModelHost {
  readonly slots: number;
  readonly clock: Clock;
  readonly limits: SchedulerLimits;
  readonly maxBatchBytes: number;
  readonly ageingMs: number;
  readonly deadlines: DeadlineWatch<QueuedRequest>;
  readonly models = new PassingSet<HostedModel>();
  /** Those of them with something to do, and at times one that has just done it: among hundreds they are few. */
  readonly busy: HostedModel[] = [];
  readonly slotRuns: BatchRun[] = [];
  queuedRequests = 0;
  virtualMs = 0;
  private readonly priorityCreditMs: number;
  private runs = 0;
  private gathering = false;

  constructor(options: SchedulerOptions) {
    this.slots = options.slots;
    this.clock = options.clock;
    this.limits = options.limits;
    this.maxBatchBytes = options.limits.maxBatchBytes ?? 64 * 2 ** 20;
    this.ageingMs = options.ageingMs ?? 250;
    this.priorityCreditMs = options.priorityCreditMs ?? 25;
    this.deadlines = new DeadlineWatch(options.clock, (entry) => entry.giveUp(entry, 'expired'));
  }

  register(options: ModelOptions): ScheduledModel {
    const model = new ScheduledModel(options, this);
    this.models.add(model);
    return model;
  }

  /** @internal */
  hasWork(model: HostedModel): void {
    if (!this.busy.includes(model)) this.busy.push(model);
  }

  /** @internal */
  wake(model: HostedModel): void {
    if (this.gathering || !model.startable || (model.takesSlot && this.slotRuns.length >= this.slots)) return;
    this.gathering = true;
    this.clock.setImmediate(this.onGathered);
  }

  /** @internal */
  runStarted(model: HostedModel, run: BatchRun): void {
    this.runs++;
    if (!model.takesSlot) return;
    this.slotRuns.push(run);
    model.virtualMs += chargeMs(run) / model.weight;
  }

  /** @internal */
  runEnded(model: HostedModel, run: BatchRun, runMs: number): void {
    this.runs--;
    if (model.takesSlot) {
      this.slotRuns.splice(this.slotRuns.indexOf(run), 1);
      model.virtualMs += (runMs - chargeMs(run)) / model.weight;
    }
    this.dispatch();
  }

  /** @internal */
  forget(model: HostedModel): void {
    this.models.delete(model);
    const place = this.busy.indexOf(model);
    if (place !== -1) this.busy.splice(place, 1);
  }

  private readonly onGathered = (): void => {
    this.gathering = false;
    this.dispatch();
  };

  private dispatch(): void {
    const nowMs = this.clock.now();
    this.startAudits(nowMs, true);
    if (this.queuedRequests > 0) {
      for (let model = this.nextModel(nowMs); model !== undefined; model = this.nextModel(nowMs)) {
        model.start(nowMs);
      }
    }
    this.startAudits(nowMs, false);
    this.dropIdle();
  }

  /** From the end, as each one that goes is followed by the last. */
  private dropIdle(): void {
    const { busy } = this;
    for (let i = busy.length - 1; i >= 0; i--) {
      if (busy[i]!.hasWork) continue;
      const last = busy.pop()!;
      if (i < busy.length) busy[i] = last;
    }
  }

  /** @param slotWanted may others want the slot? Then only those that have waited long enough */
  private startAudits(nowMs: number, slotWanted: boolean): void {
    for (const model of this.busy) {
      if (model.takesSlot && this.slotRuns.length >= this.slots) continue;
      if (model.auditable(nowMs, slotWanted)) model.startAudit(nowMs);
    }
  }

  /** The model whose turn it is, of those that can start something. */
  private nextModel(nowMs: number): HostedModel | undefined {
    const slotFree = this.slotRuns.length < this.slots;
    let next: HostedModel | undefined;
    let nextRank = 0;
    let nextMs = Infinity;
    let leastMs = Infinity;
    for (const model of this.busy) {
      const head = model.queue.head();
      if (head === undefined) continue;
      if (model.takesSlot) leastMs = Math.min(leastMs, model.virtualMs);
      if (!model.startable || (model.takesSlot && !slotFree) || model.filling(nowMs)) continue;
      if (!model.takesSlot) return model;
      if (head.request.whenIdle === true) {
        if (this.runs === 0) next ??= model;
        continue;
      }
      const turnMs = model.virtualMs + head.level * this.priorityCreditMs;
      if (turnMs > nextMs || (turnMs === nextMs && head.rank >= nextRank)) continue;
      next = model;
      nextMs = turnMs;
      nextRank = head.rank;
    }
    if (next !== undefined) this.virtualMs = Math.max(this.virtualMs, leastMs);
    return next;
  }
}

/** What a run is charged while it is under way; one of unknown cost is not free, or it would go first again. */
function chargeMs(run: BatchRun): number {
  return Math.max(run.expectedMs, 0.1);
}
