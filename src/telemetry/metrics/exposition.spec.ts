import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Exposition } from './exposition';
import { FAMILIES } from './metric-families';
import { type ModelRecorder, Recorder } from './recorder';
import type { ServerSnapshot } from './server-snapshot';

const BUILD = { version: '1.2.3', node: '20.0.0', onnxruntime: '1.30.0' };
const ALL = { models: [], maxModels: 1000, buckets: 'all' } as const;
const PROCESS = {
  cpuSeconds: 1.5,
  residentBytes: 2048,
  ownBytes: 1024,
  heapUsedBytes: 3,
  heapTotalBytes: 4,
  externalBytes: 5,
  openFiles: 6,
  startSeconds: 7,
  eventLoopDelay: { p50: 0.001, p99: 0.02, max: 0.3 },
};

function serverOf(record: (recorder: Recorder) => void = () => undefined): ServerSnapshot {
  const recorder = new Recorder();
  record(recorder);
  return {
    figures: recorder.snapshot(),
    processes: [
      { worker: '1', figures: PROCESS },
      { worker: 'primary', figures: { ...PROCESS, openFiles: undefined } },
    ],
    unavailable: [],
    queueLimit: 4096,
    configuredWorkers: 2,
    workers: ['ready', 'starting'],
    restarts: 3,
    accessFailures: 1,
    preparations: { made: 2, failed: 1, doubted: 0 },
  };
}

async function linesOf(server: ServerSnapshot): Promise<string[]> {
  return String(await new Exposition(BUILD, ALL).print(server)).split('\n');
}

describe('renderPrometheus', () => {
  it('says what every metric is, once, and ends with a line feed', async () => {
    const lines = await linesOf(serverOf());
    for (const { name, type, help } of Object.values(FAMILIES)) {
      expect(lines.filter((line) => line === `# HELP ${name} ${help}`)).toHaveLength(1);
      expect(lines.filter((line) => line === `# TYPE ${name} ${type}`)).toHaveLength(1);
    }
    expect(lines.at(-1)).toBe('');
  });

  it('shows histograms in seconds, cumulative, with their sum and count', async () => {
    const lines = await linesOf(
      serverOf((recorder) => {
        const iris = recorder.model('iris', '1');
        iris.succeeded('v2', 1, 0.02, 0.3, 40, 1, { queueMs: 60_000, runMs: 2.5, batchRows: 1 });
        iris.succeeded('v2', 1, 0.03, 0.3, 60, 1, { queueMs: 0, runMs: 2.6, batchRows: 1 });
      }),
    );
    const run = (le: string): string =>
      `nestor_run_duration_seconds_bucket{model="iris",version="1",le="${le}"}`;
    expect(lines).toContain(`${run('0.001')} 0`);
    expect(lines).toContain(`${run('0.0025')} 1`);
    expect(lines).toContain(`${run('0.005')} 2`);
    expect(lines).toContain(`${run('+Inf')} 2`);
    expect(lines).toContain('nestor_run_duration_seconds_sum{model="iris",version="1"} 0.0051');
    expect(lines).toContain('nestor_run_duration_seconds_count{model="iris",version="1"} 2');
    // Beyond the last bound is in no bucket but the infinite one.
    expect(lines).toContain('nestor_queue_duration_seconds_bucket{model="iris",version="1",le="30"} 1');
    expect(lines).toContain('nestor_queue_duration_seconds_bucket{model="iris",version="1",le="+Inf"} 2');
  });

  it('shows batch sizes', async () => {
    const lines = await linesOf(
      serverOf((recorder) => {
        const iris = recorder.model('iris', '1');
        for (const rows of [0, 1, 3, 64, 100, 5000]) iris.ran(rows, 1);
      }),
    );
    const upTo = (le: string): string => `nestor_batch_rows_bucket{model="iris",version="1",le="${le}"}`;
    for (const [le, runs] of Object.entries({ 1: 2, 2: 2, 4: 3, 64: 4, 128: 5, 1024: 5, '+Inf': 6 })) {
      expect(lines).toContain(`${upTo(le)} ${runs}`);
    }
    expect(lines).toContain('nestor_batch_rows_sum{model="iris",version="1"} 5168');
  });

  it('counts refusals of unknown models without a label of the model', async () => {
    const lines = await linesOf(serverOf((recorder) => recorder.noModel.failed('native', 'client_error', 1)));
    expect(lines).toContain('nestor_requests_total{protocol="native",outcome="client_error"} 1');
  });

  it('escapes what stands in labels', async () => {
    const lines = await linesOf(serverOf((recorder) => recorder.model('a"b\\c\nd', '1').runFailed()));
    expect(lines).toContain('nestor_rows_total{model="a\\"b\\\\c\\nd",version="1"} 0');
  });

  it('shows gauges of models only while they are loaded', async () => {
    const lines = await linesOf(
      serverOf((recorder) => {
        recorder.model('here', '1').loaded({ queuedRequests: 2 }, 500);
        recorder.model('here', '1').runFailed();
        recorder.model('gone', '1').runFailed();
      }),
    );
    expect(lines).toContain('nestor_queue_requests{model="here",version="1"} 2');
    expect(lines).toContain('nestor_model_memory_bytes{model="here",version="1"} 500');
    expect(lines.some((line) => line.startsWith('nestor_queue_requests{model="gone"'))).toBe(false);
    expect(lines).toContain('nestor_resident_models 1');
  });

  it('counts models together that were not called: what they hold, and no series of nothing', async () => {
    const lines = await linesOf(
      serverOf((recorder) => {
        for (const model of ['a', 'b']) recorder.model(model, '1').loaded({ queuedRequests: 0 }, 500);
      }),
    );
    expect(lines.filter((line) => line.includes('version="'))).toEqual([
      'nestor_queue_requests{model="_other",version=""} 0',
      'nestor_model_memory_bytes{model="_other",version=""} 1000',
      'nestor_model_shared_memory_bytes{model="_other",version=""} 0',
      expect.stringMatching(/^nestor_build_info/),
    ]);
    expect(lines).toContain('nestor_resident_models 2');
    expect(lines).toContain('nestor_model_available{model="b"} 1');
  });

  it.each([
    ['few', 71, 17],
    ['all', 139, 27],
  ] as const)(
    'with %s buckets shows %i series of a model, as the documentation says',
    async (buckets, series, more) => {
      const call = (recorder: Recorder): ModelRecorder => {
        const iris = recorder.model('iris', '1');
        iris.loaded({ queuedRequests: 0 }, 500);
        iris.ran(1, 1);
        iris.cached('BYPASS', 0);
        iris.succeeded('v2', 1, 1, 1, 1, 1, { queueMs: 1, runMs: 1, batchRows: 1 });
        return iris;
      };
      const count = async (record: (recorder: Recorder) => void): Promise<number> => {
        const text = String(await new Exposition(BUILD, { ...ALL, buckets }).print(serverOf(record)));
        return text.split('\n').filter((line) => line.includes('model="iris"')).length;
      };
      expect(await count(call)).toBe(series);
      expect(await count((recorder) => call(recorder).failed('native', 'failed', 1))).toBe(series + more);
      const page = readFileSync(join(__dirname, '../../../docs/metrics.md'), 'utf8');
      expect(page).toMatch(new RegExp(`\\| \`${buckets}\` +\\| ${series} +\\| ${more - 6} +\\|`));
    },
  );

  it('shows in few buckets what all would show there', async () => {
    const record = (recorder: Recorder): void => {
      for (const ms of [0.07, 3, 30, 300, 9000, 90_000]) recorder.noModel.failed('v2', 'failed', ms);
    };
    const [few, all] = await Promise.all(
      (['few', 'all'] as const).map(async (buckets) => {
        const text = String(await new Exposition(BUILD, { ...ALL, buckets }).print(serverOf(record)));
        return text.split('\n').filter((line) => line.startsWith('nestor_request_duration_seconds_'));
      }),
    );
    expect(few).toHaveLength(11);
    expect(all).toHaveLength(21);
    expect(all).toEqual(expect.arrayContaining(few!));
    expect(few).toContain('nestor_request_duration_seconds_bucket{outcome="failed",le="0.5"} 4');
    expect(few).toContain('nestor_request_duration_seconds_bucket{outcome="failed",le="+Inf"} 6');
  });

  describe('as OpenMetrics', () => {
    const text = (server: ServerSnapshot, buckets: 'all' | 'few' = 'all'): Promise<string> =>
      new Exposition(BUILD, { ...ALL, buckets }).print(server, 'openmetrics').then(String);

    it('has the same series, families of counters without _total, canonical bounds, and an end', async () => {
      const server = serverOf((recorder) => recorder.model('iris', '1').failed('v2', 'failed', 3000));
      const [plain, open] = await Promise.all([linesOf(server), text(server)]);
      const series = open.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const bound = (line: string): string => line.replace(/le="(\d+)\.0"/, 'le="$1"');
      expect(series.map(bound)).toEqual(plain.filter((line) => line !== '' && !line.startsWith('#')));
      expect(open).toContain('le="2.5"} 0\n');
      expect(open).toContain('le="5.0"} 1\n');
      expect(open).toContain('# TYPE nestor_requests counter\n# HELP nestor_requests Inference calls');
      expect(open).toContain('nestor_requests_total{');
      expect(open).not.toMatch(/# TYPE \S+_total /);
      expect(open.endsWith('\n# EOF\n')).toBe(true);
      expect(open.match(/# EOF/g)).toHaveLength(1);
    });

    it('has counters whose names end as they must there', () => {
      const counters = Object.values(FAMILIES).filter(({ type }) => type === 'counter');
      expect(counters.filter(({ name }) => !name.endsWith('_total'))).toEqual([]);
    });

    it('shows by which trace a bucket was last counted, of sampled calls alone', async () => {
      const server = serverOf((recorder) => {
        const iris = recorder.model('iris', '1');
        iris.succeeded('v2', 1, 0, 0, 40, 1, undefined, 'aa');
        iris.succeeded('v2', 1, 0, 0, 41, 1, undefined, 'bb');
        iris.succeeded('v2', 1, 0, 0, 42, 1, undefined);
        iris.failed('v2', 'deadline', 60_000, 'cc');
      });
      const lines = (await text(server)).split('\n').filter((line) => line.includes('trace_id'));
      expect(lines).toEqual([
        expect.stringMatching(/,le="0\.05"} 3 # {trace_id="bb"} 0\.041 \d{10}(\.\d+)?$/),
        expect.stringMatching(/outcome="deadline",le="\+Inf"} 1 # {trace_id="cc"} 60 \d{10}(\.\d+)?$/),
      ]);
      expect((await linesOf(server)).join()).not.toContain('trace_id');
    });

    it('shows in few buckets the last of those that they stand for', async () => {
      const server = serverOf((recorder) => {
        for (const [ms, trace] of [
          [0.3, 'aa'],
          [0.7, 'bb'],
          [20_000, 'cc'],
        ] as const)
          recorder.noModel.failed('v2', 'failed', ms, trace);
      });
      const lines = (await text(server, 'few')).split('\n').filter((line) => line.includes('trace_id'));
      expect(lines.map((line) => line.replace(/ \S+$/, ''))).toEqual([
        expect.stringMatching(/le="0\.001"} 2 # {trace_id="(aa|bb)"}/),
        expect.stringMatching(/le="\+Inf"} 3 # {trace_id="cc"} 20$/),
      ]);
    });
  });

  it('lets the event loop turn while it writes for many models', async () => {
    const server = serverOf((recorder) => {
      for (let i = 0; i < 1000; i++) recorder.model(`m${i}`, '1').ran(1, 1);
    });
    let turns = 0;
    const count = (): void => void (turns++, (timer = setImmediate(count)));
    let timer = setImmediate(count);
    await linesOf(server);
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(10);
  });

  it('begins in a turn of its own, behind that in which figures were merged', async () => {
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    await linesOf(serverOf());
    expect(hasTurned).toBe(true);
  });

  it('says once what a metric is, however many series it has', async () => {
    const lines = await linesOf(
      serverOf((recorder) => {
        for (let i = 0; i < 100; i++) recorder.model(`m${i}`, '1').ran(1, 1);
      }),
    );
    expect(lines.filter((line) => line.startsWith('# TYPE nestor_batch_rows '))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('nestor_batch_rows_count{'))).toHaveLength(100);
    expect(lines.filter((line) => line.startsWith('nestor_batch_rows_bucket{'))).toHaveLength(1200);
    expect(lines.slice(0, -1)).not.toContain('');
  });

  it('shows the processes and what the supervisor knows', async () => {
    const lines = await linesOf(serverOf());
    expect(lines).toContain('process_cpu_seconds_total{worker="1"} 1.5');
    expect(lines).toContain('process_open_fds{worker="1"} 6');
    expect(lines).not.toContainEqual(expect.stringContaining('process_open_fds{worker="primary"}'));
    expect(lines).toContain('nestor_event_loop_delay_seconds{worker="1",quantile="0.99"} 0.02');
    expect(lines).toContain('nestor_workers{state="ready"} 1');
    expect(lines).toContain('nestor_workers_configured 2');
    expect(lines).toContain('nestor_worker_restarts_total 3');
    expect(lines).toContain('nestor_access_reload_failures_total 1');
    expect(lines).toContain('nestor_build_info{version="1.2.3",node="20.0.0",onnxruntime="1.30.0"} 1');
  });
});
