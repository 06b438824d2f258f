import { DomainError } from '../errors/domain-error';
import { Harness, type Outcome } from './testing/harness';

function refusalOf({ error }: Outcome): [string, number | undefined] | undefined {
  return error instanceof DomainError ? [error.code, error.retryAfterSeconds] : undefined;
}

/** A harness whose one model, 1 row at a time, is known to take `runMs`. */
async function warmHarness(runMs: number, limits = { maxQueueRequests: 100, maxQueueRequestsPerModel: 100 }) {
  const harness = new Harness({ limits });
  const { model } = harness.timedModel(() => runMs, { maxBatchRows: 1 });
  for (let i = 0; i < 4; i++) {
    harness.submit(model, [i]);
    await harness.clock.advance(runMs);
  }
  return { harness, model };
}

describe('Admission', () => {
  it('refuses what finds the queue of its model full, and says when to come again', async () => {
    const { harness, model } = await warmHarness(500, { maxQueueRequests: 100, maxQueueRequestsPerModel: 4 });
    harness.submit(model, [0]);
    await harness.clock.settle();
    const outcomes = [1, 2, 3, 4, 5].map((value) => harness.submit(model, [value]).outcome);
    await harness.clock.settle();
    expect(outcomes.map(refusalOf)).toEqual([undefined, undefined, undefined, undefined, ['overloaded', 3]]);
    expect([model.queuedRequests, model.counters.rejected]).toEqual([4, 1]);
  });

  it('refuses what finds the queue of the worker full', async () => {
    const harness = new Harness({ limits: { maxQueueRequests: 3, maxQueueRequestsPerModel: 2 } });
    const [one, other] = [harness.timedModel(() => 5).model, harness.timedModel(() => 5).model];
    const outcomes = [one, one, one, other, other].map((model) => harness.submit(model, [1]).outcome);
    await harness.clock.settle();
    expect(outcomes.map(refusalOf)).toEqual([
      undefined,
      undefined,
      ['overloaded', 1],
      undefined,
      ['overloaded', 1],
    ]);
  });

  it('refuses at the door what would be late, and takes what would not', async () => {
    const { harness, model } = await warmHarness(10);
    for (let i = 0; i < 6; i++) harness.submit(model, [i]);
    await harness.clock.settle();
    const inMs = (ms: number) => ({ deadlineMs: harness.clock.now() + ms });
    const late = harness.submit(model, [7], inMs(60));
    const inTime = harness.submit(model, [8], inMs(75));
    await harness.clock.advance(100);
    expect(refusalOf(late.outcome)).toEqual(['overloaded', 1]);
    expect(inTime.outcome.result).toBeDefined();
  });

  it('reckons only with what goes before a request of its priority', async () => {
    const { harness, model } = await warmHarness(10);
    for (let i = 0; i < 20; i++) harness.submit(model, [i], { priority: 8 });
    await harness.clock.settle();
    const deadlineMs = harness.clock.now() + 50;
    const urgent = harness.submit(model, [1], { priority: 1, deadlineMs });
    const patient = harness.submit(model, [2], { priority: 9, deadlineMs });
    await harness.clock.advance(50);
    expect(urgent.outcome.result).toBeDefined();
    expect(refusalOf(patient.outcome)).toEqual(['overloaded', 1]);
  });

  it('reckons with the share that other models take', async () => {
    const harness = new Harness();
    const [one, other] = [1, 2].map(() => harness.timedModel(() => 10, { maxBatchRows: 1 }).model);
    for (let i = 0; i < 5; i++) {
      harness.submit(one!, [i]);
      harness.submit(other!, [i]);
    }
    await harness.clock.advance(45);
    const deadlineMs = harness.clock.now() + 65;
    for (let i = 0; i < 2; i++) harness.submit(one!, [i]);
    const { outcome } = harness.submit(one!, [9], { deadlineMs });
    await harness.clock.settle();
    expect(refusalOf(outcome)).toEqual(['overloaded', 1]);
  });

  it('always tries a model that stands idle, so that a wrong estimate mends itself', async () => {
    const { harness, model } = await warmHarness(200);
    const { outcome } = harness.submit(model, [1], { deadlineMs: harness.clock.now() + 50 });
    await harness.clock.settle();
    expect(refusalOf(outcome)).toBeUndefined();
    expect(model.runs).toHaveLength(1);
  });

  it('foresees what it would refuse once it has refused, and counts nothing until that is refused', async () => {
    const { harness, model } = await warmHarness(10);
    const inMs = (ms: number) => harness.clock.now() + ms;
    for (let i = 0; i < 6; i++) harness.submit(model, [i]);
    await harness.clock.settle();
    expect(model.foreseeRefusal(inMs(60))).toBeUndefined();
    harness.submit(model, [1], { deadlineMs: inMs(60) });
    await harness.clock.settle();
    expect(model.counters.rejected).toBe(1);
    expect(model.foreseeRefusal(inMs(75))).toBeUndefined();
    const refusal = model.foreseeRefusal(inMs(60))!;
    expect([refusal.code, model.counters.rejected]).toEqual(['overloaded', 1]);
    expect(model.refused(refusal)).toBe(refusal);
    expect(model.counters.rejected).toBe(2);
  });

  it('promises less where its forecasts were too bright', async () => {
    const harness = new Harness();
    const costs = [10, 10, 10, 10, 10, 30, 10, 30];
    const { model } = harness.timedModel(() => costs.shift() ?? 10, { maxBatchRows: 1 });
    for (let i = 0; i < 8; i++) {
      harness.submit(model, [i]);
      await harness.clock.advance(30);
    }
    harness.submit(model, [1]);
    await harness.clock.settle();
    // Two runs of about 15 ms would fit; but one in four took twice that.
    const { outcome } = harness.submit(model, [2], { deadlineMs: harness.clock.now() + 38 });
    await harness.clock.settle();
    expect(refusalOf(outcome)).toEqual(['overloaded', 1]);
    const patient = harness.submit(model, [3], { deadlineMs: harness.clock.now() + 60 });
    await harness.clock.advance(60);
    expect(patient.outcome.result).toBeDefined();
  });

  it('admits everything while nothing is known of the cost', async () => {
    const harness = new Harness();
    const { model } = harness.timedModel(() => 10);
    for (let i = 0; i < 50; i++) harness.submit(model, [i], { deadlineMs: 5 });
    expect(model.queuedRequests).toBe(50);
    await harness.clock.advance(20);
    expect(model.counters).toMatchObject({ rejected: 0, expired: 50 });
  });

  it('expects a run that overran to go on, and the queue goes on after it', async () => {
    const { harness, model } = await warmHarness(10);
    const stuck = harness.timedModel(() => 30_000, { key: 'stuck', maxBatchRows: 1 }).model;
    harness.submit(stuck, [1]);
    await harness.clock.advance(20_000);
    const { outcome } = harness.submit(model, [1], { deadlineMs: harness.clock.now() + 1000 });
    await harness.clock.settle();
    expect(refusalOf(outcome)).toEqual(['overloaded', 20]);
    const patient = harness.submit(model, [2]);
    await harness.clock.advance(10_010);
    expect(patient.outcome.result).toBeDefined();
  });

  it('keeps nearly all of its goodput at ten times the load it can carry', async () => {
    const harness = new Harness({ limits: { maxQueueRequests: 100_000, maxQueueRequestsPerModel: 100_000 } });
    const runMs = (rows: number) => 1 + 0.1 * rows;
    const { model } = harness.timedModel(runMs, { maxBatchRows: 32 });
    const capacityPerMs = 32 / runMs(32);
    const durationMs = 1000;
    const outcomes: Outcome[] = [];
    for (let ms = 0; ms < durationMs; ms++) {
      for (let i = 0; i < 10 * capacityPerMs; i++) {
        outcomes.push(harness.submit(model, [i], { deadlineMs: ms + 100 }).outcome);
      }
      await harness.clock.advance(1);
    }
    await harness.clock.advance(200);
    const { completed, expired, rejected } = model.counters;
    expect(completed).toBeGreaterThan(0.9 * capacityPerMs * durationMs);
    expect(expired).toBeLessThan(0.05 * completed);
    expect(completed + expired + rejected).toBe(outcomes.length);
  });

  it('keeps its goodput where rows cost the same in any batch, and runs take now more, now less', async () => {
    const harness = new Harness();
    const rowMs = 4;
    const slowness = [1, 0.75, 1.25, 1, 1.5, 0.5, 1];
    let runs = 0;
    const runMs = (rows: number) => Math.round(rows * rowMs * slowness[runs++ % slowness.length]!);
    const { model } = harness.timedModel(runMs, { maxBatchRows: 64 });
    const flood = async (durationMs: number): Promise<void> => {
      for (let ms = 0; ms < durationMs; ms++) {
        const deadlineMs = harness.clock.now() + 100;
        for (let i = 0; i < 10 / rowMs; i++) harness.submit(model, [i], { deadlineMs });
        await harness.clock.advance(1);
      }
    };
    await flood(1000);
    const learned = { ...model.counters };
    await flood(2000);
    const completed = model.counters.completed - learned.completed;
    expect(completed).toBeGreaterThan((0.95 * 2000) / rowMs);
    expect(model.counters.expired - learned.expired).toBeLessThan(0.02 * completed);
  });
});
