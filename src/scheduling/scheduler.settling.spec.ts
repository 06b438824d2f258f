import { DomainError } from '../errors/domain-error';
import { FakeRunner, valuesOf } from './testing/fake-runner';
import { Harness, type Outcome } from './testing/harness';

function codeOf({ error }: Outcome): string | undefined {
  return error instanceof DomainError ? error.code : undefined;
}

const batchValues = (runner: FakeRunner) => runner.runs.map(({ batch }) => batch.flatMap(valuesOf));

describe('Scheduler: failures', () => {
  const poisoned = new Error('poison');
  const poisonRunner = () =>
    new FakeRunner(1, (run) =>
      run.batch.flatMap(valuesOf).includes(13) ? run.fail(poisoned) : run.finish(),
    );

  it('lets a bad input fail alone', async () => {
    const harness = new Harness();
    const runner = poisonRunner();
    const model = harness.model(runner);
    const requests = [1, 13, 2].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => outcome.error)).toEqual([undefined, poisoned, undefined]);
    expect(valuesOf(requests[2]!.outcome.result!.outputs)).toEqual([4]);
    expect(batchValues(runner)).toEqual([[1, 13, 2], [1], [13], [2]]);
  });

  it('keeps the inputs of a batch until it cannot be retried any more, and no longer', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const consumed: number[] = [];
    for (const value of [1, 2])
      harness.submit(model, [value], { onInputsConsumed: () => consumed.push(value) });
    await harness.clock.settle();
    runner.last.fail(poisoned);
    await harness.clock.settle();
    expect(consumed).toEqual([1]);
    runner.last.finish();
    await harness.clock.settle();
    expect(consumed).toEqual([1, 2]);
  });

  it('does not retry what no input is to blame for', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const requests = [1, 2].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    runner.last.fail(new DomainError('draining', 'going away'));
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => codeOf(outcome))).toEqual(['draining', 'draining']);
    expect(runner.runs).toHaveLength(1);
  });

  it('does not retry what the runner knows may not be done again', async () => {
    const harness = new Harness();
    const runner = Object.assign(new FakeRunner(), { mayRunApart: (error: unknown) => error !== poisoned });
    const model = harness.model(runner);
    const submitTwo = () => [1, 2].map((value) => harness.submit(model, [value]));
    const requests = submitTwo();
    await harness.clock.settle();
    runner.last.fail(poisoned);
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => outcome.error)).toEqual([poisoned, poisoned]);
    submitTwo();
    await harness.clock.settle();
    runner.last.fail(new Error('one of them'));
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1, 2], [1, 2], [1]]);
  });

  it('takes a runner that throws as one that fails', async () => {
    const harness = new Harness();
    const runner = new FakeRunner(1, () => {
      throw poisoned;
    });
    const model = harness.model(runner);
    const requests = [1, 2].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => outcome.error)).toEqual([poisoned, poisoned]);
    expect(runner.runs).toHaveLength(3);
  });

  it('stops batching a model whose batch came back with other rows', async () => {
    const harness = new Harness();
    const reasons: string[] = [];
    const runner = new FakeRunner(1, (run) => {
      if (run.batch.length === 1) return run.finish();
      run.finishWith([{ name: 'y', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(0) }]);
    });
    const model = harness.model(runner, { onBatchesWrong: (reason) => reasons.push(reason) });
    const requests = [1, 2].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => valuesOf(outcome.result!.outputs))).toEqual([[2], [4]]);
    expect(reasons).toEqual(['output "y" has 1 rows for a batch of 2']);
    expect(model.batchable).toBe(false);
    harness.submit(model, [3]);
    harness.submit(model, [4]);
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[1, 2], [1], [2], [3], [4]]);
  });
});

describe('Scheduler: deadlines and cancellation', () => {
  it('answers a queued request at its deadline, and forgets it', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    harness.submit(model, [1]);
    await harness.clock.settle();
    const late = harness.submit(model, [2], { deadlineMs: 30 });
    await harness.clock.advance(40);
    expect([codeOf(late.outcome), late.outcome.endMs]).toEqual(['deadline_exceeded', 30]);
    runner.last.finish();
    await harness.clock.settle();
    expect(runner.runs).toHaveLength(1);
  });

  it('answers a running request at its deadline and drops its result, not that of the others', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const late = harness.submit(model, [1], { deadlineMs: 30 });
    const patient = harness.submit(model, [2]);
    await harness.clock.advance(40);
    expect([codeOf(late.outcome), late.outcome.endMs]).toEqual(['deadline_exceeded', 30]);
    runner.last.finish();
    await harness.clock.settle();
    expect(valuesOf(patient.outcome.result!.outputs)).toEqual([4]);
  });

  it.each([0, -5, -Infinity])('refuses a deadline that has passed (%p)', async (deadlineMs) => {
    const harness = new Harness();
    const model = harness.model();
    let consumed = 0;
    const { outcome } = harness.submit(model, [1], { deadlineMs, onInputsConsumed: () => consumed++ });
    await harness.clock.settle();
    expect([codeOf(outcome), consumed, model.queuedRequests]).toEqual(['deadline_exceeded', 1, 0]);
  });

  it.each([1e300, NaN, Number.MAX_SAFE_INTEGER])('takes an absurd deadline (%p)', async (deadlineMs) => {
    const harness = new Harness();
    const { model } = harness.timedModel(() => 5);
    const { outcome } = harness.submit(model, [1], { deadlineMs });
    await harness.clock.advance(5);
    expect(outcome.result).toBeDefined();
  });

  it('takes a cancelled request out of the queue at once', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    harness.submit(model, [1]);
    await harness.clock.settle();
    const client = new AbortController();
    const left = harness.submit(model, [2], { signal: client.signal });
    harness.submit(model, [3]);
    client.abort();
    expect(model.queuedRequests).toBe(1);
    runner.last.finish();
    await harness.clock.settle();
    expect(codeOf(left.outcome)).toBe('client_closed_request');
    expect(batchValues(runner)).toEqual([[1], [3]]);
  });

  it('leaves out of the batch a request whose flag is up', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const signal = { aborted: false };
    const left = harness.submit(model, [1], { signal });
    harness.submit(model, [2]);
    signal.aborted = true;
    await harness.clock.settle();
    expect(batchValues(runner)).toEqual([[2]]);
    expect(codeOf(left.outcome)).toBe('client_closed_request');
  });

  it('listens to an AbortSignal, and refuses one that is up', async () => {
    const harness = new Harness();
    const model = harness.model();
    const controller = new AbortController();
    const { outcome } = harness.submit(model, [1], { signal: controller.signal });
    controller.abort();
    expect(model.queuedRequests).toBe(0);
    const refused = harness.submit(model, [1], { signal: controller.signal });
    await harness.clock.settle();
    expect([codeOf(outcome), codeOf(refused.outcome)]).toEqual([
      'client_closed_request',
      'client_closed_request',
    ]);
  });

  it('answers a client that leaves during the run, and drops the result', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const client = new AbortController();
    const left = harness.submit(model, [1], { signal: client.signal });
    await harness.clock.settle();
    client.abort();
    runner.last.finish();
    await harness.clock.settle();
    expect(codeOf(left.outcome)).toBe('client_closed_request');
    expect(left.outcome.result).toBeUndefined();
  });
});

describe('Scheduler: the end', () => {
  it('drains a model: no new requests, those in hand answered', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner, { maxQueueDelayMs: 1000 });
    const inHand = harness.submit(model, [1]);
    let drained = false;
    void model.drain().then(() => (drained = true));
    const late = harness.submit(model, [2]);
    await harness.clock.settle();
    expect([drained, codeOf(late.outcome)]).toEqual([false, 'model_unavailable']);
    runner.last.finish();
    await harness.clock.settle();
    expect([drained, inHand.outcome.error]).toEqual([true, undefined]);
    await model.drain();
  });

  it('waits in drain for a run whose request is already answered', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    harness.submit(model, [1], { deadlineMs: 10 });
    await harness.clock.advance(20);
    let drained = false;
    void model.drain().then(() => (drained = true));
    await harness.clock.settle();
    expect(drained).toBe(false);
    runner.last.finish();
    await harness.clock.settle();
    expect(drained).toBe(true);
  });

  it('fails what waits when a model is removed, and answers what runs', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const running = harness.submit(model, [1]);
    await harness.clock.settle();
    const waiting = harness.submit(model, [2]);
    model.remove();
    runner.last.finish();
    await harness.clock.settle();
    expect(running.outcome.result).toBeDefined();
    expect(codeOf(waiting.outcome)).toBe('model_unavailable');
    expect([harness.scheduler.models.size, harness.scheduler.queuedRequests]).toEqual([0, 0]);
  });

  it('fails instead of retrying a batch whose model is gone', async () => {
    const harness = new Harness();
    const runner = new FakeRunner();
    const model = harness.model(runner);
    const requests = [1, 2].map((value) => harness.submit(model, [value]));
    await harness.clock.settle();
    model.remove();
    runner.last.fail(new Error('thread died'));
    await harness.clock.settle();
    expect(requests.map(({ outcome }) => codeOf(outcome))).toEqual([
      'model_unavailable',
      'model_unavailable',
    ]);
  });
});
