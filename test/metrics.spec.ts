import { request } from 'node:http';
import type { MetricFamily } from '../src/telemetry/metrics/layout';
import { FAMILIES } from '../src/telemetry/metrics/metric-families';
import { Exposition } from './helpers/exposition';
import { RemoteServer } from './helpers/remote-server';
import { startServer, type TestServer } from './helpers/server';

const SCRAPE_MS = 60_000;
const IRIS = [5.1, 3.5, 1.4, 0.2];
const SUCCESS = { model: 'iris', version: '1', protocol: 'native', outcome: 'success' };

/** A scrape on a connection of its own: they go to the workers in turn. */
function scrape(server: TestServer): Promise<Exposition> {
  return new Promise((resolve, reject) => {
    const req = request(`${server.url}/metrics`, { agent: false }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => resolve(new Exposition(text)));
    });
    // A connection that was given to a worker in the moment of its death is never answered.
    req.setTimeout(SCRAPE_MS, () => req.destroy(new Error('no answer')));
    req.on('error', reject).end();
  });
}

async function infer(server: TestServer, times: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: times }, () => server.post('/api/inference/iris', [IRIS, IRIS])),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
}

/** Scrapes until it holds. */
async function scrapeUntil(
  server: TestServer,
  what: string,
  holds: (shown: Exposition) => boolean,
): Promise<Exposition> {
  const scrapes: Exposition[] = [];
  await server.until(what, async () => {
    const shown = await scrape(server);
    scrapes.push(shown);
    return holds(shown);
  });
  return scrapes.at(-1)!;
}

/** A server of two workers, both of them ready. */
async function startTwo(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ WORKERS: '2', ...env });
  await server.workersReady(2);
  return server;
}

function readyWorkers(shown: Exposition): number {
  return shown.sum('nestor_workers', { state: 'ready' });
}

/** How many workers have answered a scrape, as their access lines have it. */
function scrapedWorkers(server: TestServer): number {
  const lines = server.output.split('\n').filter((line) => line.includes('"path":"/metrics"'));
  return new Set(lines.map((line) => (JSON.parse(line) as { worker: number }).worker)).size;
}

/** Without what goes on by itself: the scrapes, the processes, and audits of batches. */
function counted({ series }: Exposition): object[] {
  return series.filter(
    ({ name }) => /^nestor_/.test(name) && !/^nestor_(http|event_loop|batch_audits)_/.test(name),
  );
}

describe('GET /metrics', () => {
  let server: TestServer;
  let remote: RemoteServer;

  beforeAll(async () => {
    remote = await RemoteServer.start();
    server = await startTwo({ EXTERNAL_API_URL: remote.url });
  });

  afterAll(async () => {
    await server.stop();
    await remote.stop();
  });

  it('answers in the text format of Prometheus, without the prefix of the API', async () => {
    const { status, headers } = await server.get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect((await server.get('/api/metrics')).status).toBe(404);
    expect((await server.post('/metrics', {})).status).toBe(405);
  });

  it('shows every metric with the type and the labels that are documented', async () => {
    await infer(server, 1);
    const shown = await scrape(server);
    for (const { name, type, labels } of Object.values<MetricFamily>(FAMILIES)) {
      expect([name, shown.types.get(name)]).toEqual([name, type]);
      // Nobody here has proved who they are; access.spec.ts has callers.
      if (labels[0] === 'caller') continue;
      // No version here has a shadow; traffic.spec.ts has some.
      if (name === 'nestor_shadow_requests_total') continue;
      const parts = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const part of parts) {
        const series = shown.series.filter((candidate) => candidate.name === name + part);
        // The place of calls of which no model is known has no labels of a model.
        const names = Object.keys(series.at(-1)?.labels ?? {}).sort();
        expect([name, names]).toEqual([name, [...labels, ...(part === '_bucket' ? ['le'] : [])].sort()]);
      }
    }
    expect(shown.types.size).toBe(Object.keys(FAMILIES).length);
  });

  it('counts calls, their rows and their stages', async () => {
    const before = await scrape(server);
    await infer(server, 10);
    const after = await scrape(server);
    const gained = (name: string, labels: Record<string, string>): number =>
      after.sum(name, labels) - before.sum(name, labels);
    const iris = { model: 'iris', version: '1' };
    expect(gained('nestor_requests_total', SUCCESS)).toBe(10);
    expect(gained('nestor_rows_total', iris)).toBe(20);
    expect(gained('nestor_batch_rows_sum', iris)).toBe(20);
    expect(gained('nestor_executions_total', iris)).toBe(gained('nestor_batch_rows_count', iris));
    for (const stage of ['request', 'decode', 'queue', 'run', 'encode']) {
      expect(gained(`nestor_${stage}_duration_seconds_count`, iris)).toBe(10);
      expect(gained(`nestor_${stage}_duration_seconds_bucket`, { ...iris, le: '+Inf' })).toBe(10);
      expect(gained(`nestor_${stage}_duration_seconds_sum`, iris)).toBeGreaterThan(0);
    }
  });

  it('counts failures by outcome', async () => {
    await server.post('/api/inference/iris', [1, 2]);
    await server.post('/api/inference/iris', IRIS, { 'x-request-timeout-ms': '0' });
    const shown = await scrape(server);
    expect(shown.sum('nestor_requests_total', { model: 'iris', outcome: 'client_error' })).toBe(1);
    expect(
      shown.sum('nestor_request_duration_seconds_count', { model: 'iris', outcome: 'client_error' }),
    ).toBe(1);
  });

  it('never makes a label of the name of a model that does not exist', async () => {
    const before = await scrape(server);
    await server.post('/api/inference/no-such-model', IRIS);
    await server.post('/api/inference/iris?version=12345', IRIS);
    await server.post('/api/inference/%00', IRIS);
    const after = await scrape(server);
    expect(after.text).not.toContain('no-such');
    expect(after.text).not.toContain('12345');
    const unknown = (shown: Exposition): number =>
      shown.series
        .filter(({ name, labels }) => name === 'nestor_requests_total' && labels.model === undefined)
        .reduce((sum, { value }) => sum + value, 0);
    // What is no path of an inference call is none.
    expect(unknown(after) - unknown(before)).toBe(2);
  });

  it('knows the models, the workers and what is running', async () => {
    const shown = await scrape(server);
    // Two of the folder, and the remote one.
    expect(shown.sum('nestor_resident_models')).toBe(3);
    expect(shown.sum('nestor_model_memory_bytes', { model: 'iris' })).toBeGreaterThan(0);
    expect(readyWorkers(shown)).toBe(2);
    expect(shown.sum('nestor_workers_configured')).toBe(2);
    const workers = shown.series.filter(({ name }) => name === 'process_cpu_seconds_total');
    expect(workers.map(({ labels }) => labels.worker)).toEqual(['1', '2', 'primary']);
    const build = shown.series.find(({ name }) => name === 'nestor_build_info');
    expect(build).toMatchObject({ labels: { node: process.versions.node }, value: 1 });
    expect(build?.labels.onnxruntime).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('the figures of a server', () => {
  let server: TestServer;

  afterEach(async () => {
    await server.stop();
  });

  it('are the same whichever worker answers, and go on after one was killed', async () => {
    server = await startTwo();
    await infer(server, 40);
    const first = await scrape(server);
    expect(first.sum('nestor_requests_total', SUCCESS)).toBe(40);
    const shown: Exposition[] = [];
    await server.until('both workers have answered', async () => {
      shown.push(await scrape(server));
      return scrapedWorkers(server) === 2;
    });
    for (const other of shown) expect(counted(other)).toEqual(counted(first));

    process.kill(server.workers()[0]!, 'SIGKILL');
    const after = await scrapeUntil(
      server,
      'two workers are ready again',
      (now) => now.sum('nestor_worker_restarts_total') === 1 && readyWorkers(now) === 2,
    );
    expect(after.sum('nestor_requests_total', SUCCESS)).toBe(40);
    expect(after.sum('nestor_rows_total', { model: 'iris' })).toBe(80);
    await infer(server, 10);
    expect((await scrape(server)).sum('nestor_requests_total', SUCCESS)).toBe(50);
  });

  it('go on after the workers were replaced one by one', async () => {
    server = await startTwo();
    await infer(server, 20);
    const before = server.workers();
    server.process.kill('SIGHUP');
    const after = await scrapeUntil(server, 'both workers are new', () => {
      const now = server.workers();
      return now.length === 2 && now.every((pid) => !before.includes(pid));
    });
    expect(after.sum('nestor_requests_total', SUCCESS)).toBe(20);
    expect(after.sum('nestor_worker_restarts_total')).toBe(0);
  });

  it('are there in a single process, too', async () => {
    server = await startServer({ WORKERS: '0' });
    await infer(server, 3);
    const shown = await scrape(server);
    expect(shown.sum('nestor_requests_total', SUCCESS)).toBe(3);
    expect(readyWorkers(shown)).toBe(1);
  });

  it('have series of the models that were chosen; the statistics tell all apart', async () => {
    server = await startServer({ WORKERS: '0', METRICS_MODELS: 'digits' });
    await infer(server, 3);
    const shown = await scrape(server);
    expect(shown.sum('nestor_requests_total', { model: '_other', outcome: 'success' })).toBe(3);
    expect(shown.text).not.toContain('model="iris",version');
    expect(shown.sum('nestor_model_available', { model: 'iris' })).toBe(1);
    const { body } = await server.get('/v2/models/iris/stats');
    expect(body).toMatchObject({
      model_stats: [{ name: 'iris', inference_stats: { success: { count: 3 } } }],
    });
  });
});

describe('the statistics extension', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTwo();
  });

  afterAll(async () => {
    await server.stop();
  });

  const body = { inputs: [{ name: 'features', datatype: 'FP32', shape: [2, 4], data: [...IRIS, ...IRIS] }] };

  it('counts calls, rows and runs of the whole server', async () => {
    const startedAtMs = Date.now();
    for (let i = 0; i < 4; i++) expect((await server.post('/v2/models/iris/infer', body)).status).toBe(200);
    await server.post('/v2/models/iris/infer', { inputs: [] });
    const { status, body: answer } = await server.get<{ model_stats: Record<string, unknown>[] }>(
      '/v2/models/iris/versions/1/stats',
    );
    expect(status).toBe(200);
    const spent = (count: number): object => ({ count, ns: expect.any(Number) as number });
    expect(answer).toEqual({
      model_stats: [
        {
          name: 'iris',
          version: '1',
          last_inference: expect.any(Number) as number,
          inference_count: 8,
          execution_count: 4,
          inference_stats: {
            success: spent(4),
            fail: spent(1),
            queue: spent(4),
            compute_input: spent(4),
            compute_infer: spent(4),
            compute_output: spent(4),
            cache_hit: { count: 0, ns: 0 },
            cache_miss: { count: 0, ns: 0 },
          },
          batch_stats: [
            { batch_size: 2, compute_input: spent(4), compute_infer: spent(4), compute_output: spent(4) },
          ],
        },
      ],
    });
    expect(answer.model_stats[0]?.last_inference).toBeGreaterThanOrEqual(startedAtMs - 1);
  });

  it('answers for a model, and for all of them', async () => {
    type Answer = { model_stats: { name: string }[] };
    const names = ({ model_stats }: Answer): string[] => model_stats.map(({ name }) => name);
    expect(names((await server.get<Answer>('/v2/models/iris/stats')).body)).toEqual(['iris']);
    expect(names((await server.get<Answer>('/v2/models/stats')).body)).toEqual(['digits', 'iris']);
  });

  it('knows no model or version that does not exist', async () => {
    expect(await server.get('/v2/models/absent/stats')).toMatchObject({
      status: 404,
      body: { error: 'There is no model "absent".' },
    });
    expect((await server.get('/v2/models/iris/versions/99/stats')).status).toBe(404);
  });

  it('leaves what the cache answered out of the inferences', async () => {
    const cached = await startServer({ WORKERS: '0', CACHE_ENABLED: 'true' });
    for (let i = 0; i < 3; i++) expect((await cached.post('/v2/models/iris/infer', body)).status).toBe(200);
    const { body: answer } = await cached.get<{ model_stats: object[] }>('/v2/models/iris/stats');
    expect(answer.model_stats).toMatchObject([
      {
        inference_count: 2,
        execution_count: 1,
        inference_stats: {
          success: { count: 3 },
          queue: { count: 3 },
          compute_infer: { count: 1 },
          cache_hit: { count: 2 },
          cache_miss: { count: 1 },
        },
      },
    ]);
    const shown = await scrape(cached);
    const calls = (outcome: string): number =>
      shown.sum('nestor_cache_requests_total', { model: 'iris', outcome });
    expect([calls('hit'), calls('miss'), calls('shared'), calls('bypass')]).toEqual([2, 1, 0, 0]);
    await cached.stop();
  });

  it('is among the extensions that the server lists', async () => {
    expect((await server.get('/v2')).body.extensions).toContain('statistics');
  });
});
