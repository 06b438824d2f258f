import { FakeRunner, valuesOf } from './testing/fake-runner';
import { Harness } from './testing/harness';

describe('Scheduler: fairness among models', () => {
  it('keeps a quiet model quick while another is flooded', async () => {
    const harness = new Harness();
    const flooded = harness.timedModel(() => 10, { key: 'flooded', maxBatchRows: 4 }).model;
    const quiet = harness.timedModel(() => 1, { key: 'quiet' }).model;
    for (let i = 0; i < 1000; i++) harness.submit(flooded, [i]);
    const waits: number[] = [];
    for (let i = 0; i < 30; i++) {
      await harness.clock.advance(13);
      const sentMs = harness.clock.now();
      const { outcome } = harness.submit(quiet, [i]);
      await harness.clock.advance(12);
      expect(outcome.result).toBeDefined();
      waits.push(outcome.endMs! - sentMs);
    }
    expect(flooded.queuedRequests).toBeGreaterThan(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(11);
  });

  it('shares the run time of a slot by weight', async () => {
    const harness = new Harness();
    const heavy = harness.timedModel(() => 5, { key: 'heavy', weight: 3, maxBatchRows: 1 });
    const light = harness.timedModel(() => 2, { key: 'light', weight: 1, maxBatchRows: 1 });
    for (let i = 0; i < 1000; i++) {
      harness.submit(heavy.model, [i]);
      harness.submit(light.model, [i]);
    }
    await harness.clock.advance(1000);
    const ratio = (heavy.runner.runs.length * 5) / (light.runner.runs.length * 2);
    expect(ratio).toBeGreaterThan(2.8);
    expect(ratio).toBeLessThan(3.2);
  });

  it('counts what a run took beyond what was expected by weight, too', async () => {
    const harness = new Harness();
    const order: string[] = [];
    const models = [3, 1].map((weight) => {
      const key = `weight ${weight}`;
      // Nothing is known of the first runs: all of their time is counted when they are over.
      const runner = new FakeRunner(1, (run) => {
        order.push(key);
        harness.clock.setTimeout(() => run.finish(), 30);
      });
      return harness.model(runner, { key, weight, maxBatchRows: 1 });
    });
    for (let i = 0; i < 10; i++) for (const model of models) harness.submit(model, [i]);
    await harness.clock.advance(4 * 30 - 1);
    expect(order).toEqual(['weight 3', 'weight 1', 'weight 3', 'weight 3']);
  });

  it('saves up nothing for a model that had no work', async () => {
    const harness = new Harness();
    const { model: busy, runner } = harness.timedModel(() => 5, { key: 'busy', maxBatchRows: 1 });
    const late = harness.timedModel(() => 5, { key: 'late', maxBatchRows: 1 }).model;
    for (let i = 0; i < 1000; i++) harness.submit(busy, [i]);
    await harness.clock.advance(1000);
    for (let i = 0; i < 1000; i++) harness.submit(late, [i]);
    const before = runner.runs.length;
    await harness.clock.advance(400);
    expect(runner.runs.length - before).toBeGreaterThanOrEqual(39);
  });

  it('lets an urgent request of one model pass the others, for a while', async () => {
    const harness = new Harness({ priorityCreditMs: 10 });
    const started: string[] = [];
    const modelOf = (key: string) =>
      harness.model(
        new FakeRunner(1, (run) => {
          started.push(key);
          harness.clock.setTimeout(() => run.finish(), 5);
        }),
        { key, maxBatchRows: 1 },
      );
    const urgent = modelOf('urgent');
    const patient = modelOf('patient');
    for (let i = 0; i < 100; i++) {
      harness.submit(patient, [i]);
      harness.submit(urgent, [i], { priority: 3 });
    }
    await harness.clock.advance(250);
    expect(started.slice(0, 3)).toEqual(['urgent', 'urgent', 'urgent']);
    expect(started.filter((key) => key === 'patient').length).toBeGreaterThan(20);
  });

  it('runs several models at once in several slots, and none in more than it may', async () => {
    const harness = new Harness({ slots: 3 });
    const runners = [new FakeRunner(1), new FakeRunner(2), new FakeRunner(2)];
    const models = runners.map((runner, i) => harness.model(runner, { key: `m${i}`, maxBatchRows: 1 }));
    for (const model of models) for (let i = 0; i < 5; i++) harness.submit(model, [i]);
    await harness.clock.settle();
    expect(harness.scheduler.slotRuns).toHaveLength(3);
    expect(runners.map(({ runs }) => runs.length)).toEqual([1, 1, 1]);
  });

  it('runs what waits for an idle worker only while nothing else does', async () => {
    const harness = new Harness({ slots: 2 });
    const busy = harness.timedModel(() => 10, { key: 'busy', maxBatchRows: 1 });
    const shadow = harness.timedModel(() => 10, { key: 'shadow', maxBatchRows: 1 });
    const first = harness.submit(busy.model, [1]);
    const copy = harness.submit(shadow.model, [1], { whenIdle: true });
    await harness.clock.advance(5);
    // A slot is free, and more comes in.
    const second = harness.submit(busy.model, [2]);
    await harness.clock.advance(14);
    expect([first.outcome.endMs, second.outcome.endMs, copy.outcome.endMs]).toEqual([
      10,
      undefined,
      undefined,
    ]);
    expect(shadow.runner.runs).toHaveLength(0);
    await harness.clock.advance(30);
    expect([second.outcome.endMs, copy.outcome.endMs]).toEqual([20, 30]);
  });

  it('lets a model without need of a slot run while all are taken', async () => {
    const harness = new Harness();
    const local = new FakeRunner();
    const remote = new FakeRunner(2);
    harness.submit(harness.model(local), [1]);
    await harness.clock.settle();
    const model = harness.model(remote, { key: 'remote', takesSlot: false, batchable: false });
    const requests = [1, 2, 3].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    expect(remote.runs.map(({ batch }) => batch.flatMap(valuesOf))).toEqual([[1], [2]]);
    remote.runs[0]!.finish();
    await harness.clock.settle();
    expect(requests[0]!.outcome.result).toBeDefined();
    expect(remote.runs).toHaveLength(3);
  });
});
