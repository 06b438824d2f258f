import { requestSpans } from '../telemetry/tracing/request-spans';
import type { Span } from '../telemetry/tracing/span';
import { type RequestTrace, TraceRecord } from '../telemetry/tracing/trace-record';
import { FakeRunner, valuesOf } from './testing/fake-runner';
import { Harness } from './testing/harness';

const DEADLINE_EXCEEDED = 504;

describe('Scheduler: traces', () => {
  let batches: Span[];
  beforeEach(() => (batches = []));

  const traced = (): RequestTrace & { record: TraceRecord } => ({
    incoming: undefined,
    record: new TraceRecord(undefined, '/infer', { add: (span) => batches.push(span) }),
  });
  const stages = (record: TraceRecord, endMs: number, status = 200): unknown[] =>
    requestSpans(record, { method: 'POST', status, startMs: 0, readMs: undefined, endMs, code: undefined })
      .slice(1)
      .map(({ name, startMs, endMs, error, links }) => [name, startMs, endMs, error, links.length]);

  it('tell of the queue and the run that a request had, and of its batch', async () => {
    const harness = new Harness();
    const { model } = harness.timedModel((rows) => 10 * rows);
    const traces = [traced(), traced()];
    harness.submit(model, [0]);
    await harness.clock.settle();
    for (const trace of traces) harness.submit(model, [1], { trace });
    harness.submit(model, [2]);
    await harness.clock.advance(100);
    for (const { record } of traces) {
      expect(stages(record, 100)).toEqual([
        ['queue', 0, 10, undefined, 0],
        ['run', 10, 40, undefined, 1],
      ]);
    }
    expect(batches).toMatchObject([
      {
        startMs: 10,
        endMs: 40,
        attributes: { 'nestor.batch.rows': 3, 'nestor.batch.requests': 3 },
        links: traces.map(({ record }) => ({ spanId: record.runs[0]!.spanId, traceId: record.traceId })),
      },
    ]);
  });

  it('tell of a batch that failed and of the runs that followed', async () => {
    const harness = new Harness();
    const runner = new FakeRunner(1, (run) =>
      run.batch.flatMap(valuesOf).includes(13) ? run.fail(new Error('poison')) : run.finish(),
    );
    const model = harness.model(runner);
    const [good, bad] = [traced(), traced()];
    harness.submit(model, [1], { trace: good });
    harness.submit(model, [13], { trace: bad });
    await harness.clock.settle();
    const failed = ['run', 0, 0, 'internal_error'];
    expect(stages(good.record, 0)).toEqual([
      ['queue', 0, 0, undefined, 0],
      [...failed, 1],
      ['queue', 0, 0, undefined, 0],
      ['run', 0, 0, undefined, 0],
    ]);
    expect(stages(bad.record, 0).at(-1)).toEqual([...failed, 0]);
    expect(batches).toMatchObject([{ error: 'internal_error' }]);
  });

  it('tell where a request was when its time was up', async () => {
    const harness = new Harness();
    const { model } = harness.timedModel(() => 50);
    const [runs, waits] = [traced(), traced()];
    harness.submit(model, [1], { trace: runs, deadlineMs: 20 });
    await harness.clock.settle();
    harness.submit(model, [2], { trace: waits, deadlineMs: 30 });
    await harness.clock.advance(30);
    expect(stages(runs.record, 20, DEADLINE_EXCEEDED)).toEqual([
      ['queue', 0, 0, undefined, 0],
      ['run', 0, 20, '504', 0],
    ]);
    expect(stages(waits.record, 30, DEADLINE_EXCEEDED)).toEqual([['queue', 0, 30, '504', 0]]);
  });
});
