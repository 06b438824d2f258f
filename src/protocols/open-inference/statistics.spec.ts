import { Recorder } from '../../telemetry/metrics/recorder';
import { modelStatistics, noStatistics } from './statistics';

const NOTHING = { count: 0, ns: 0 };

describe('modelStatistics', () => {
  it('says in nanoseconds what requests and runs took', () => {
    const recorder = new Recorder();
    const iris = recorder.model('iris', '1');
    // One run of five rows, of two requests.
    iris.ran(5, 4);
    iris.succeeded('v2', 2, 0.25, 0.5, 7, 1, { queueMs: 2, runMs: 4, batchRows: 5 });
    iris.succeeded('native', 3, 0.25, 0.5, 8, 1, { queueMs: 1, runMs: 4, batchRows: 5 });
    iris.failed('v2', 'rejected', 1);
    iris.failed('v2', 'client_error', 2);
    expect(modelStatistics(recorder.snapshot())).toEqual([
      {
        name: 'iris',
        version: '1',
        last_inference: expect.any(Number) as number,
        inference_count: 5,
        execution_count: 1,
        inference_stats: {
          success: { count: 2, ns: 15_000_000 },
          fail: { count: 2, ns: 3_000_000 },
          queue: { count: 2, ns: 3_000_000 },
          compute_input: { count: 2, ns: 500_000 },
          compute_infer: { count: 2, ns: 8_000_000 },
          compute_output: { count: 2, ns: 1_000_000 },
          cache_hit: NOTHING,
          cache_miss: NOTHING,
        },
        batch_stats: [
          {
            batch_size: 5,
            compute_input: { count: 1, ns: 500_000 },
            compute_infer: { count: 1, ns: 4_000_000 },
            compute_output: { count: 1, ns: 1_000_000 },
          },
        ],
      },
    ]);
  });

  it('counts answers of the cache as successes that went through the queue, not as inferences', () => {
    const recorder = new Recorder();
    const iris = recorder.model('iris', '1');
    iris.cached('MISS', 0.5);
    iris.ran(1, 4);
    iris.succeeded('v2', 1, 0.25, 0.5, 7, 1, { queueMs: 2, runMs: 4, batchRows: 1 });
    iris.cached('HIT', 0.25);
    iris.succeeded('v2', 1, 0.25, 0.5, 1, 1, undefined);
    iris.cached('SHARED', 0.25);
    iris.succeeded('v2', 1, 0.25, 0.5, 1, 1, undefined);
    expect(modelStatistics(recorder.snapshot())[0]).toMatchObject({
      inference_count: 1,
      execution_count: 1,
      inference_stats: {
        success: { count: 3 },
        queue: { count: 3, ns: 2_000_000 },
        compute_input: { count: 1, ns: 250_000 },
        compute_infer: { count: 1 },
        compute_output: { count: 1, ns: 500_000 },
        cache_hit: { count: 2, ns: 500_000 },
        cache_miss: { count: 1, ns: 500_000 },
      },
    });
  });

  it('lists models and versions in order, without those that have no name of their own', () => {
    const recorder = new Recorder();
    for (const [model, version] of [
      ['b', '1'],
      ['a', '10'],
      ['a', '9'],
      ['_other', ''],
    ] as const) {
      recorder.model(model, version);
    }
    const names = modelStatistics(recorder.snapshot()).map(({ name, version }) => `${name} ${version}`);
    expect(names).toEqual(['a 9', 'a 10', 'b 1']);
    expect(modelStatistics(recorder.snapshot(), [{ name: 'a' }])).toHaveLength(2);
    expect(modelStatistics(recorder.snapshot(), [{ name: 'a' }], '10')).toHaveLength(1);
    expect(modelStatistics(recorder.snapshot(), [{ name: '' }])).toEqual([]);
  });

  it('has zeros for a version that was not loaded yet', () => {
    expect(noStatistics('a', '1')).toMatchObject({
      name: 'a',
      version: '1',
      last_inference: 0,
      inference_stats: { success: NOTHING, queue: NOTHING },
      batch_stats: [],
    });
  });
});
