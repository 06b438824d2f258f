import * as fc from 'fast-check';
import { DomainError } from '../errors/domain-error';
import type { Tensor } from '../tensors/tensor';
import type { RequestInputs } from '../runners/runner';
import type { ScheduledModel } from './scheduled-model';
import type { ScheduledRequest } from './scheduled-request';
import { FakeRunner, type GatedRun, rowsOf, valuesOf } from './testing/fake-runner';
import { Harness, type Outcome } from './testing/harness';

const MODELS = 3;
const QUEUE_LIMITS = { maxQueueRequests: 12, maxQueueRequestsPerModel: 8 };
const POISON = new Error('poison');
const CRASH = new Error('crash');
const ONE_ROW: Tensor[] = [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(0) }];

const arrival = fc.record({
  gapMs: fc.integer({ min: 0, max: 4 }),
  model: fc.nat(MODELS - 1),
  rows: fc.integer({ min: 0, max: 5 }),
  width: fc.integer({ min: 1, max: 2 }),
  priority: fc.integer({ min: -1, max: 11 }),
  deadlineInMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: Infinity }),
  leavesInMs: fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined }),
  leaves: fc.constantFrom('flag', 'signal'),
  poison: fc.nat(9).map((n) => n === 0),
});

const run = fc.record({
  ms: fc.integer({ min: 0, max: 15 }),
  ends: fc.oneof(
    { weight: 8, arbitrary: fc.constant('well' as const) },
    { weight: 1, arbitrary: fc.constantFrom('rejects', 'throws', 'notReady', 'otherRows') },
  ),
});

const scenario = fc.record({
  slots: fc.integer({ min: 1, max: 3 }),
  models: fc.tuple(
    ...Array.from({ length: MODELS }, () =>
      fc.record({
        concurrency: fc.integer({ min: 1, max: 2 }),
        batchable: fc.boolean(),
        maxBatchRows: fc.integer({ min: 1, max: 6 }),
        maxQueueDelayMs: fc.constantFrom(0, 0, 5),
        weight: fc.integer({ min: 1, max: 4 }),
        takesSlot: fc.boolean(),
      }),
    ),
  ),
  arrivals: fc.array(arrival, { maxLength: 60 }),
  runs: fc.array(run, { minLength: 1, maxLength: 20 }),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;
type Arrival = Scenario['arrivals'][number];

/** A request, and all that is seen of it. */
interface Sent extends Arrival {
  readonly values: readonly number[];
  readonly inputs: RequestInputs;
  readonly deadlineMs: number;
  outcome: Outcome;
  left: boolean;
  consumed: number;
  batchRuns: number;
  singleRuns: number;
  crashed: boolean;
}

/** Plays a scenario, holding the rules for every run as it begins. */
class Play {
  readonly harness: Harness;
  readonly models: ScheduledModel[];
  readonly sent: Sent[] = [];
  private readonly byInputs = new Map<RequestInputs, Sent>();
  private readonly underWay = new Array<number>(MODELS).fill(0);
  /** What the scheduler would take for the runner's failure, were it thrown. */
  private readonly violations: unknown[] = [];
  private begun = 0;
  /** Were requests of a batch that failed queued again? */
  private retried = false;

  constructor(private readonly scenario: Scenario) {
    this.harness = new Harness({
      slots: scenario.slots,
      limits: QUEUE_LIMITS,
      ageingMs: 5,
      priorityCreditMs: 2,
    });
    this.models = scenario.models.map(({ concurrency, ...options }, index) =>
      this.harness.model(new FakeRunner(concurrency, (begun) => this.onRun(index, begun)), options),
    );
  }

  async toTheEnd(): Promise<void> {
    for (const each of this.scenario.arrivals) {
      await this.harness.clock.advance(each.gapMs);
      this.send(each);
      // Retried requests were in the queue before: they come back over its bound.
      if (!this.retried)
        expect(this.harness.scheduler.queuedRequests).toBeLessThanOrEqual(QUEUE_LIMITS.maxQueueRequests);
    }
    const drained = Promise.all(this.models.map((model) => model.drain()));
    await this.harness.clock.advance(5000);
    await drained;
    expect(this.violations).toEqual([]);
  }

  private send(each: Arrival): void {
    const { clock } = this.harness;
    const id = this.sent.length + 1;
    const values = Array.from({ length: each.rows * each.width }, (_, i) => id * 100 + i);
    const inputs = rowsOf(values, each.width);
    const deadlineMs = clock.now() + each.deadlineInMs;
    const controller = new AbortController();
    const flag = { aborted: false };
    const signal = each.leaves === 'signal' ? controller.signal : each.leaves === 'flag' ? flag : undefined;
    const onInputsConsumed = () => {
      sent.consumed++;
      // What a pool does: hand the array to the next request.
      (inputs[0]!.data as Float32Array).fill(NaN);
    };
    const options: Partial<ScheduledRequest> = {
      priority: each.priority,
      deadlineMs,
      signal,
      onInputsConsumed,
    };
    const seen = { left: false, consumed: 0, batchRuns: 0, singleRuns: 0, crashed: false };
    const sent: Sent = { ...each, values, inputs, deadlineMs, outcome: {}, ...seen };
    this.sent.push(sent);
    this.byInputs.set(inputs, sent);
    const model = this.models[each.model]!;
    sent.outcome = this.harness.submit(model, inputs, options).outcome;
    if (each.leavesInMs === undefined) return;
    clock.setTimeout(() => {
      sent.left = true;
      flag.aborted = true;
      controller.abort();
    }, each.leavesInMs);
  }

  private onRun(index: number, begun: GatedRun): void {
    const plan = this.scenario.runs[this.begun++ % this.scenario.runs.length]!;
    const requests = begun.batch.map((inputs) => this.byInputs.get(inputs)!);
    const single = requests.length === 1;
    if (plan.ends !== 'throws') this.underWay[index]!++;
    for (const sent of requests) {
      if (single) sent.singleRuns++;
      else sent.batchRuns++;
      if (plan.ends !== 'well') sent.crashed = true;
    }
    try {
      this.checkRun(index, requests, begun.rows);
    } catch (violation) {
      this.violations.push(violation);
    }
    const failsForInputs = requests.some(({ poison }) => poison) || plan.ends !== 'well';
    const willRetry = !single && failsForInputs && plan.ends !== 'notReady';
    if (plan.ends === 'throws') {
      this.retried ||= willRetry;
      throw CRASH;
    }
    this.harness.clock.setTimeout(() => {
      this.underWay[index]!--;
      this.retried ||= willRetry;
      if (plan.ends === 'rejects') begun.fail(CRASH);
      else if (plan.ends === 'notReady') begun.fail(new DomainError('not_ready', 'later'));
      else if (requests.some(({ poison }) => poison)) begun.fail(POISON);
      else if (plan.ends === 'otherRows' && !single) begun.finishWith(ONE_ROW);
      else begun.finish();
    }, plan.ms);
  }

  private checkRun(index: number, requests: readonly Sent[], rows: number): void {
    const { batchable, concurrency, maxBatchRows } = this.scenario.models[index]!;
    for (const sent of requests) {
      expect([sent.model, sent.consumed]).toEqual([index, 0]);
      expect(sent.deadlineMs).toBeGreaterThan(this.harness.clock.now());
    }
    if (requests.length > 1) {
      expect(batchable).toBe(true);
      expect(rows).toBeLessThanOrEqual(maxBatchRows);
      expect(new Set(requests.map(({ width }) => width)).size).toBe(1);
    }
    expect(this.underWay[index]).toBeLessThanOrEqual(concurrency);
    const slotRuns = this.underWay.filter((_, i) => this.scenario.models[i]!.takesSlot);
    expect(slotRuns.reduce((sum, runs) => sum + runs, 0)).toBeLessThanOrEqual(this.scenario.slots);
  }
}

function checkOutcome(sent: Sent): void {
  const { outcome, deadlineMs, values, rows, width } = sent;
  expect(outcome.endMs).toBeDefined();
  expect(sent.consumed).toBe(1);
  expect(sent.batchRuns).toBeLessThanOrEqual(1);
  expect(sent.singleRuns).toBeLessThanOrEqual(1);
  // Timers count whole milliseconds here, so nobody is answered after the deadline.
  expect(outcome.endMs).toBeLessThanOrEqual(deadlineMs);
  const { result, error } = outcome;
  if (result !== undefined) {
    expect(sent.poison).toBe(false);
    expect(valuesOf(result.outputs)).toEqual(values.map((value) => 2 * value));
    expect(result.outputs[0]!.shape).toEqual([rows, width]);
    expect(outcome.endMs).toBeLessThan(deadlineMs);
    return;
  }
  if (error === POISON) return expect(sent.poison && sent.singleRuns === 1).toBe(true);
  if (error === CRASH) return expect(sent.crashed).toBe(true);
  const code = error instanceof DomainError ? error.code : undefined;
  if (code === 'client_closed_request') return expect(sent.left).toBe(true);
  if (code === 'deadline_exceeded') return expect(outcome.endMs).toBe(deadlineMs);
  if (code === 'not_ready') return expect(sent.crashed).toBe(true);
  expect(code).toBe('overloaded');
  expect(sent.singleRuns + sent.batchRuns).toBe(0);
}

describe('Scheduler under random arrivals, failures, cancellations and deadlines', () => {
  it('loses no row, runs none twice but to retry, and settles everything', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (each) => {
        const play = new Play(each);
        await play.toTheEnd();
        for (const sent of play.sent) checkOutcome(sent);
        const { scheduler, clock } = play.harness;
        expect([scheduler.queuedRequests, scheduler.slotRuns.length, scheduler.deadlines.size]).toEqual([
          0, 0, 0,
        ]);
        for (const { runs } of play.models) expect(runs).toEqual([]);
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
