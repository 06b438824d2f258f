import { FakeRunner, rowsOf, valuesOf } from './testing/fake-runner';
import { Harness } from './testing/harness';

const batchValues = (runner: FakeRunner) => runner.runs.map(({ batch }) => batch.flatMap(valuesOf));

describe('Scheduler: batches', () => {
  it('runs what arrives in one turn together, each request getting its own rows', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const first = harness.submit(model, [1, 2]);
    const second = harness.submit(model, [3]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1, 2, 3]]);
    runner.last.finish();
    await harness.clock.settle();
    expect(valuesOf(first.outcome.result!.outputs)).toEqual([2, 4]);
    expect(first.outcome.result!.outputs[0]!.shape).toEqual([2, 1]);
    expect(valuesOf(second.outcome.result!.outputs)).toEqual([6]);
    expect(second.outcome.result!.batchRows).toBe(3);
  });

  it('gathers while the slot is busy, and starts the next batch as soon as it is free', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    harness.submit(model, [1]);
    await harness.clock.settle();
    for (const value of [2, 3, 4]) {
      harness.submit(model, [value]);
      await harness.clock.advance(5);
    }
    expect(runner.runs).toHaveLength(1);
    runner.last.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1], [2, 3, 4]]);
  });

  it('looks at the models with something to do alone, among hundreds that have nothing', async () => {
    const harness = new Harness();
    for (let i = 0; i < 300; i++) harness.model();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const { scheduler } = harness;
    harness.submit(model, [1]);
    expect(scheduler.busy).toEqual([model]);
    await harness.clock.settle();
    harness.submit(model, [2]);
    expect(scheduler.busy).toEqual([model]);
    runner.last.finish();
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1], [2]]);
    expect([scheduler.busy, scheduler.models.size]).toEqual([[], 301]);
  });

  it('says how long a request waited and ran', async () => {
    const harness = new Harness();
    const { model } = harness.timedModel(() => 10);
    harness.submit(model, [1]);
    await harness.clock.advance(4);
    const second = harness.submit(model, [2]);
    await harness.clock.advance(30);
    expect(second.outcome.result).toMatchObject({ queueMs: 6, runMs: 10, batchRows: 1 });
  });

  it('counts rows, not requests, and lets a small request fill the room a large one leaves', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 4 });
    for (const values of [[1, 1, 1], [2, 2], [3]]) harness.submit(model, values);
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([
      [1, 1, 1, 3],
      [2, 2],
    ]);
  });

  it('runs a request alone that is larger than any batch', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 2 });
    const large = harness.submit(model, [1, 2, 3]);
    harness.submit(model, [4]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1, 2, 3]]);
    runner.last.finish();
    await harness.clock.settle();
    expect(valuesOf(large.outcome.result!.outputs)).toEqual([2, 4, 6]);
  });

  it('keeps other trailing dimensions for another batch', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    harness.submit(model, rowsOf([1, 1], 2));
    harness.submit(model, rowsOf([2, 2, 2], 3));
    harness.submit(model, rowsOf([3, 3], 2));
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([
      [1, 1, 3, 3],
      [2, 2, 2],
    ]);
  });

  it('runs requests without rows alone', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const empty = harness.submit(model, rowsOf([]));
    harness.submit(model, [1]);
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[], [1]]);
    expect(empty.outcome.result!.outputs[0]!.shape).toEqual([0, 1]);
  });

  it('runs one request at a time of a model that is not batchable', async () => {
    const harness = new Harness({ slots: 4 });
    const runner = new FakeRunner(2);
    const model = harness.model(runner, { batchable: false });
    for (const value of [1, 2, 3]) harness.submit(model, [value]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1], [2]]);
    runner.runs[0]!.finish();
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1], [2], [3]]);
  });

  it('joins no more bytes than a batch may have', async () => {
    const limits = { maxQueueRequests: 100, maxQueueRequestsPerModel: 100, maxBatchBytes: 12 };
    const harness = new Harness({ limits });
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 1e9 });
    for (const value of [1, 2, 3, 4]) harness.submit(model, [value]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1, 2, 3]]);
  });

  it('waits for the batch to fill when the model asks for it, and no longer', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 3, maxQueueDelayMs: 20 });
    harness.submit(model, [1]);
    await harness.clock.advance(19);
    expect(runner.runs).toHaveLength(0);
    await harness.clock.advance(1);
    expect(batchValues(runner)).toEqual([[1]]);
    runner.last.finish();
    for (const value of [2, 3, 4]) harness.submit(model, [value]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1], [2, 3, 4]]);
    runner.last.finish();
    await harness.clock.settle();
    expect(harness.clock.timers).toBe(0);
  });

  it('starts a filling batch in time for the tightest deadline in it', async () => {
    const harness = new Harness();
    const { runner, model } = harness.timedModel(() => 10, { maxQueueDelayMs: 50 });
    harness.submit(model, [1]);
    await harness.clock.advance(100);
    harness.submit(model, [2]);
    await harness.clock.settle();
    const pressing = harness.submit(model, [3], { deadlineMs: harness.clock.now() + 30 });
    await harness.clock.advance(19);
    expect(runner.runs).toHaveLength(1);
    await harness.clock.advance(12);
    expect(runner.runs).toHaveLength(2);
    expect(pressing.outcome.error).toBeDefined();
  });

  it('does not forget what fills a batch when most of it leaves', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 2, maxQueueDelayMs: 20 });
    const leaving = new AbortController();
    for (const value of [1, 2, 3]) harness.submit(model, [value]);
    for (const value of [4, 5]) harness.submit(model, [value], { signal: leaving.signal });
    await harness.clock.settle();
    leaving.abort();
    runner.last.finish();
    await harness.clock.advance(20);
    expect(batchValues(runner)).toEqual([[1, 2], [3]]);
  });
});

describe('Scheduler: priorities', () => {
  it('takes the urgent first, whatever came first', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxBatchRows: 1 });
    harness.submit(model, [0]);
    await harness.clock.settle();
    for (const priority of [10, 0, 1, 5, 3]) harness.submit(model, [priority], { priority });
    while (runner.runs.length < 6) {
      runner.last.finish();
      await harness.clock.settle();
    }
    expect(batchValues(runner).flat()).toEqual([0, 1, 3, 0, 5, 10]);
  });

  it('lets the least urgent progress under a flood of the most urgent', async () => {
    const harness = new Harness({ ageingMs: 10 });
    const { runner, model } = harness.timedModel(() => 1, { maxBatchRows: 1 });
    const least = harness.submit(model, [-1], { priority: 10 });
    for (let i = 0; i < 200; i++) {
      harness.submit(model, [1], { priority: 1 });
      harness.submit(model, [1], { priority: 1 });
      await harness.clock.advance(1);
    }
    expect(least.outcome.result).toBeDefined();
    expect(least.outcome.endMs).toBeGreaterThan(50);
    expect(runner.runs.length).toBeGreaterThan(150);
  });
});
