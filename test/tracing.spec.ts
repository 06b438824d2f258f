import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel } from './helpers/onnx-models';
import { type ReceivedSpan, readSpans } from './helpers/otlp';
import { type Behaviour, goodAnswer, json, RemoteServer } from './helpers/remote-server';
import { startServer, type TestServer } from './helpers/server';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${CLIENT}-01`;
const NOT_SAMPLED = `00-${TRACE}-${CLIENT}-00`;
const ROW = { inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }] };
const PAIR = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] };
const taken: Behaviour = (res) => res.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();

/** Declares a model that is served elsewhere. */
function declare(folder: string, name: string, url: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'model.yaml'), `runtime: remote\nurls: [${url}]\nprotocol: v2-json\n`);
}

async function startCollector(): Promise<RemoteServer> {
  const collector = await RemoteServer.start();
  collector.infer = taken;
  return collector;
}

const spansOf = (collector: RemoteServer): ReceivedSpan[] =>
  collector.calls.flatMap(({ body }) => readSpans(body));

function accessLines(server: TestServer): Record<string, unknown>[] {
  const lines = readFileSync(join(server.logDir, 'access.log'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a call over two Nestors', () => {
  const folder = temporaryFolder('tracing');
  let collector: RemoteServer;
  let spans: ReceivedSpan[];
  let servers: TestServer[];
  let metrics: Response;
  let exposition: string;

  beforeAll(async () => {
    collector = await startCollector();
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' };
    const behind = await startServer({ ...settings, OTEL_SERVICE_NAME: 'behind', MODEL_NAMES: 'iris' });
    declare(folder, 'iris', `${behind.url}/v2/models/iris`);
    const front = await startServer({ ...settings, OTEL_SERVICE_NAME: 'front', MODEL_DIR: folder });
    servers = [front, behind];
    const path = '/v2/models/iris/infer';
    for (const traceparent of [SAMPLED, NOT_SAMPLED, 'nonsense']) {
      expect((await front.post(path, ROW, { traceparent, tracestate: 'a=b' })).status).toBe(200);
    }
    expect((await front.post(path, { inputs: [] }, { traceparent: SAMPLED })).status).toBe(400);
    metrics = await fetch(`${behind.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
    exposition = await metrics.text();
    // What was made so far is sent before they end.
    expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0]);
    spans = spansOf(collector);
  });
  afterAll(() => collector.stop());

  const named = (service: string, name: string): ReceivedSpan[] =>
    spans.filter((span) => span.resource['service.name'] === service && span.name === name);

  it('is one trace, from the client to the last stage', () => {
    const route = 'POST /v2/models/{model}/infer';
    const [front] = named('front', route) as [ReceivedSpan];
    const [behind] = named('behind', route) as [ReceivedSpan];
    const [run] = named('front', 'run') as [ReceivedSpan];
    const [remote] = named('front', 'remote') as [ReceivedSpan];
    expect(front).toMatchObject({
      kind: 'server',
      parentId: CLIENT,
      attributes: {
        'http.response.status_code': 200,
        'nestor.model.name': 'iris',
        'nestor.rows': 1,
        'nestor.cache': 'BYPASS',
      },
    });
    expect(run.parentId).toBe(front.spanId);
    expect(remote).toMatchObject({ kind: 'client', parentId: run.spanId, isError: false });
    expect(behind).toMatchObject({ kind: 'server', parentId: remote.spanId });
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
    for (const stage of ['decode', 'queue', 'run', 'encode']) {
      const [span] = named('behind', stage) as [ReceivedSpan];
      expect(span.parentId).toBe(behind.spanId);
      expect(span.start).toBeGreaterThanOrEqual(behind.start);
      expect(span.end).toBeLessThanOrEqual(behind.end);
      expect(span.end).toBeGreaterThanOrEqual(span.start);
    }
  });

  it('is told of once, and a call that is not sampled not at all', () => {
    expect(named('behind', 'run')).toHaveLength(1);
    expect(named('front', 'remote')).toHaveLength(1);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it('is named by the bucket that it was counted in, for who asks for OpenMetrics', () => {
    expect(metrics.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    const [line, ...others] = exposition.split('\n').filter((text) => text.includes('trace_id'));
    expect(line).toMatch(
      new RegExp(
        `^nestor_request_duration_seconds_bucket\\{.*outcome="success".*} \\d # {trace_id="${TRACE}"} `,
      ),
    );
    expect(others).toEqual([]);
    expect(exposition.endsWith('# EOF\n')).toBe(true);
  });

  it('ends where it is refused', () => {
    const [, refused] = named('front', 'POST /v2/models/{model}/infer') as [ReceivedSpan, ReceivedSpan];
    expect(refused).toMatchObject({ isError: false, attributes: { 'http.response.status_code': 400 } });
    const stages = spans.filter(({ parentId }) => parentId === refused.spanId);
    expect(stages).toMatchObject([
      { name: 'read', isError: false },
      { name: 'decode', isError: true, attributes: { 'error.type': 'missing_input' } },
    ]);
  });

  it('has its ids on its access lines', () => {
    for (const [i, service] of ['front', 'behind'].entries()) {
      const traced = accessLines(servers[i]!).filter((line) => 'trace_id' in line || 'span_id' in line);
      const calls = named(service, 'POST /v2/models/{model}/infer');
      expect(traced).toMatchObject(
        calls.map(({ spanId }) => ({ trace_id: TRACE, span_id: spanId, method: 'POST' })),
      );
    }
  });
});

describe('a batch of three', () => {
  const folder = temporaryFolder('tracing');
  let collector: RemoteServer;
  afterAll(() => collector.stop());

  it('is one span, linked with the runs of its requests', async () => {
    collector = await startCollector();
    const yaml = 'batching: true\nmax_batch_rows: 3\nmax_queue_delay_ms: 10000\n';
    writeModel(folder, 'add', addModel(), { version: '1', yaml });
    const server = await startServer({
      MODEL_DIR: folder,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'always_on',
    });
    const { body } = await server.get<{ inputs: { name: string; shape: number[]; datatype: string }[] }>(
      '/v2/models/add',
    );
    const inputs = body.inputs.map(({ name, datatype }) => ({ name, datatype, shape: [1, 2], data: [1, 2] }));
    const answers = await Promise.all([1, 2, 3].map(() => server.post('/v2/models/add/infer', { inputs })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await server.stop()).toBe(0);
    const spans = spansOf(collector);
    const [batch, ...others] = spans.filter(({ name }) => name === 'batch') as [ReceivedSpan];
    expect(others).toEqual([]);
    const runs = spans.filter(({ name }) => name === 'run');
    expect(batch.attributes).toMatchObject({
      'nestor.model.name': 'add',
      'nestor.batch.rows': 3,
      'nestor.batch.requests': 3,
    });
    expect(batch.links.toSorted()).toEqual(runs.map(({ spanId }) => spanId).toSorted());
    expect(new Set(runs.map(({ traceId }) => traceId)).size).toBe(3);
    for (const run of runs) {
      expect(run.links).toEqual([batch.spanId]);
      expect([run.start, run.end]).toEqual([batch.start, batch.end]);
    }
  });
});

describe('a collector that takes nothing', () => {
  it('costs spans, which are counted, and no request', async () => {
    const collector = await RemoteServer.start();
    collector.infer = (res) => res.writeHead(400).end();
    const server = await startServer({
      MODEL_NAMES: 'iris',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'always_on',
      TRACE_MAX_PER_SECOND: '100000',
    });
    // So many that an export is due.
    for (let i = 0; i < 110; i++) {
      expect((await server.post('/v2/models/iris/infer', ROW)).status).toBe(200);
    }
    await server.until('the loss is counted', async () => {
      const { body } = await server.get<string>('/metrics');
      const dropped = /^nestor_trace_spans_dropped_total (\d+)$/m.exec(body)?.[1];
      // Of one export or, where the calls take long, of several.
      return /^nestor_trace_export_failures_total [1-9]/m.test(body) && Number(dropped) >= 512;
    });
    await server.said('the collector takes no spans');
    expect(await server.stop()).toBe(0);
    await collector.stop();
  });
});

describe('without a collector', () => {
  const folder = temporaryFolder('tracing');

  it('what a request brings of a trace goes on to a remote as it came', async () => {
    const remote = await RemoteServer.start();
    remote.infer = json(goodAnswer());
    declare(folder, 'm', `${remote.url}/v2/models/m`);
    const front = await startServer({ MODEL_DIR: folder });
    const sent = async (headers: Record<string, string>): Promise<(string | undefined)[]> => {
      expect((await front.post('/v2/models/m/infer', PAIR, headers)).status).toBe(200);
      const { headers: seen } = remote.calls.at(-1)!;
      return [seen['traceparent'] as string | undefined, seen['tracestate'] as string | undefined];
    };
    const tracestate = 'vendor=a:b;c, other=1';
    expect(await sent({ traceparent: SAMPLED, tracestate })).toEqual([SAMPLED, tracestate]);
    expect(await sent({ traceparent: NOT_SAMPLED })).toEqual([NOT_SAMPLED, undefined]);
    expect(await sent({ traceparent: SAMPLED.toUpperCase(), tracestate })).toEqual([undefined, undefined]);
    expect(await sent({ tracestate })).toEqual([undefined, undefined]);
    expect(await sent({})).toEqual([undefined, undefined]);
    await front.stop();
    await remote.stop();
  });
});
