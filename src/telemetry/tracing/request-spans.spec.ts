import { OutgoingTrace, TraceRecord } from './trace-record';
import { BatchTrace } from './run-trace';
import { requestSpans } from './request-spans';
import type { Span } from './span';
import { parseTraceparent } from './trace-context';

const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };
const ROUTE = '/v2/models/{model}/infer';
const END = { method: 'POST', status: 200, startMs: 100, readMs: 0.5, endMs: 200, code: undefined };

function recordOf(sink: Span[] = []): TraceRecord {
  const record = new TraceRecord(PARENT, ROUTE, { add: (span) => sink.push(span) });
  record.accepted({ name: 'iris', version: '1' });
  return record;
}

/** Names, times and errors. */
function outline(spans: readonly Span[]): unknown[] {
  return spans.map(({ name, startMs, endMs, error }) =>
    [name, startMs, endMs, error].filter((x) => x !== undefined),
  );
}

describe('the spans of a request', () => {
  it('are its own and a child for each stage', () => {
    const record = recordOf();
    record.decoding(101);
    record.decoded(102, 2);
    record.lookingUp(102).end(103, false);
    const traced = record.queued(103);
    BatchTrace.of([{ traced }], 2, 110)!.end(150, undefined);
    record.encoding(151, 'MISS');
    const spans = requestSpans(record, END);
    expect(outline(spans)).toEqual([
      ['POST /v2/models/{model}/infer', 100, 200],
      ['read', 100, 100.5],
      ['decode', 101, 102],
      ['cache get', 102, 103],
      ['queue', 103, 110],
      ['run', 110, 150],
      ['encode', 151, 200],
    ]);
    const [server, ...children] = spans;
    expect(server).toMatchObject({
      kind: 'server',
      traceId: PARENT.traceId,
      parentId: PARENT.spanId,
      attributes: {
        'http.request.method': 'POST',
        'http.route': ROUTE,
        'http.response.status_code': 200,
        'nestor.model.name': 'iris',
        'nestor.model.version': '1',
        'nestor.rows': 2,
        'nestor.batch.rows': 2,
        'nestor.cache': 'MISS',
      },
    });
    for (const child of children) {
      expect(child).toMatchObject({ traceId: PARENT.traceId, parentId: server!.spanId });
    }
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it('of one batch are linked with its span, which is made once', () => {
    const sink: Span[] = [];
    const records = Array.from({ length: 40 }, () => recordOf(sink));
    const entries = records.map((record) => ({ traced: record.queued(1) }));
    BatchTrace.of([...entries, { traced: undefined }], 41, 5)!.end(9, 'runtime_error');
    expect(outline(sink)).toEqual([['batch', 5, 9, 'runtime_error']]);
    const [batch] = sink;
    expect(batch!.attributes).toEqual({
      'nestor.model.name': 'iris',
      'nestor.model.version': '1',
      'nestor.batch.rows': 41,
      'nestor.batch.requests': 41,
    });
    expect(batch!.traceId).not.toBe(PARENT.traceId);
    const runs = records.flatMap((record) => requestSpans(record, END).filter(({ name }) => name === 'run'));
    expect(batch!.links.map(({ spanId }) => spanId)).toEqual(runs.slice(0, 32).map(({ spanId }) => spanId));
    for (const run of runs)
      expect(run).toMatchObject({ links: [{ spanId: batch!.spanId }], error: 'runtime_error' });
  });

  it('end where the request failed', () => {
    const waits = recordOf();
    waits.decoding(101);
    waits.decoded(102, 1);
    waits.queued(102);
    expect(outline(requestSpans(waits, { ...END, status: 504 }))).toEqual([
      ['POST /v2/models/{model}/infer', 100, 200, '504'],
      ['read', 100, 100.5],
      ['decode', 101, 102],
      ['queue', 102, 200, '504'],
    ]);
    const broken = recordOf();
    broken.decoding(101);
    expect(outline(requestSpans(broken, { ...END, status: 400, code: 'invalid_request' }))).toEqual([
      ['POST /v2/models/{model}/infer', 100, 200],
      ['read', 100, 100.5],
      ['decode', 101, 200, 'invalid_request'],
    ]);
  });

  it('of declared inputs have what comes before and after the runs', () => {
    const record = recordOf();
    record.processing(102);
    record.processed(160);
    for (const enqueuedMs of [120, 125]) {
      BatchTrace.of([{ traced: record.queued(enqueuedMs) }], 1, 130)!.end(enqueuedMs + 20, undefined);
    }
    const spans = outline(requestSpans(record, END));
    expect(spans).toContainEqual(['prepare', 102, 120]);
    expect(spans).toContainEqual(['finish', 145, 160]);
    expect(spans.filter((span) => (span as string[])[0] === 'run')).toHaveLength(2);
    const tensors = recordOf();
    BatchTrace.of([{ traced: tensors.queued(120) }], 1, 130)!.end(140, undefined);
    tensors.processing(141);
    tensors.processed(150);
    const after = outline(requestSpans(tensors, END));
    expect(after).toContainEqual(['finish', 140, 150]);
    expect(after.filter((span) => (span as string[])[0] === 'prepare')).toEqual([]);
  });
});

describe('what a remote is sent', () => {
  const incoming = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    tracestate: 'a=b',
  };
  const url = new URL('http://gpu:8000/v2/models/iris/infer');

  it('is what came, where the request is not sampled', () => {
    const outgoing = OutgoingTrace.of([
      { request: {}, traced: undefined },
      { request: { trace: { incoming, record: undefined } }, traced: undefined },
    ])!;
    const call = outgoing.begin(url, 1);
    expect([call, outgoing.headers(call)]).toEqual([undefined, incoming]);
    expect(OutgoingTrace.of([{ request: {}, traced: undefined }])).toBeUndefined();
  });

  it('makes it a child of the attempt, which is a span below its run', () => {
    const record = recordOf();
    const traced = record.queued(101);
    const outgoing = OutgoingTrace.of([{ request: { trace: { incoming, record } }, traced }])!;
    BatchTrace.of([{ traced }], 1, 110)!.end(150, undefined);
    const call = outgoing.begin(url, 111)!;
    call.end(140, 'unreachable');
    const { traceparent, tracestate } = outgoing.headers(call);
    const spans = requestSpans(record, END);
    const [run, remote] = ['run', 'remote'].map((wanted) => spans.find(({ name }) => name === wanted)!);
    expect(parseTraceparent(traceparent!)).toEqual({
      traceId: PARENT.traceId,
      spanId: remote!.spanId,
      sampled: true,
    });
    expect(tracestate).toBe('a=b');
    expect(remote).toMatchObject({
      kind: 'client',
      parentId: run!.spanId,
      error: 'unreachable',
      attributes: { 'http.request.method': 'POST', 'server.address': 'gpu', 'server.port': 8000 },
    });
  });
});
