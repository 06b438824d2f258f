import { readSpans } from '../../../test/helpers/otlp';
import { type Behaviour, RemoteServer } from '../../../test/helpers/remote-server';
import { freePort } from '../../../test/helpers/server';
import { otlpExporter } from './otlp-exporter';
import type { Span } from './span';
import { SpanQueue } from './span-queue';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN: Span = {
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  parentId: 'b7ad6b7169203332',
  name: 'run',
  kind: 'client',
  startMs: 1000.25,
  endMs: 1002,
  error: 'timeout',
  attributes: { 'nestor.rows': 3, 'server.address': 'gpu' },
  links: [{ traceId: TRACE, spanId: 'b7ad6b7169203333' }],
};
const taken: Behaviour = (res) => res.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();

/** Gives an export up after a quarter of a second, so that none outlives its test. */
const TIMEOUT_MS = 250;

function exporterTo(endpoint: string, timeoutMs?: number) {
  const headers = { authorization: 'Bearer abc' };
  return otlpExporter({ endpoint, headers, resource: { 'service.name': 'scores' } }, '1.2.3', timeoutMs);
}

describe('the export of spans', () => {
  let collector: RemoteServer;
  beforeEach(async () => (collector = await RemoteServer.start()));
  afterEach(() => collector.stop());

  it('is OTLP over HTTP', async () => {
    collector.infer = taken;
    await exporterTo(`${collector.url}/`)([
      SPAN,
      { ...SPAN, parentId: undefined, error: undefined, links: [] },
    ]);
    const [{ path, headers, body }] = collector.calls as [(typeof collector.calls)[0]];
    expect(path).toBe('/v1/traces');
    expect(headers).toMatchObject({
      authorization: 'Bearer abc',
      'content-type': 'application/x-protobuf',
    });
    const [failed, good] = readSpans(body);
    expect(failed).toMatchObject({
      name: 'run',
      kind: 'client',
      traceId: TRACE,
      spanId: SPAN.spanId,
      parentId: SPAN.parentId,
      attributes: { 'nestor.rows': 3, 'server.address': 'gpu', 'error.type': 'timeout' },
      links: ['b7ad6b7169203333'],
      isError: true,
      resource: { 'service.name': 'scores', 'service.version': '1.2.3', 'process.pid': process.pid },
    });
    expect(failed!.end - failed!.start).toBe(1_750_000n);
    const startMs = Number(failed!.start / 1_000_000n);
    expect(Math.abs(startMs - (Date.now() - performance.now() + SPAN.startMs))).toBeLessThan(10);
    expect(good).toMatchObject({ parentId: '', isError: false, links: [] });
    expect(good!.attributes).not.toHaveProperty(['error.type']);
  });

  it('sends all that waits when the process stops, batch after batch', async () => {
    collector.infer = taken;
    let lost = 0;
    const count = (): void => void lost++;
    const queue = new SpanQueue(exporterTo(collector.url), {
      dropped: count,
      exportFailed: count,
      recovered: count,
    });
    for (let i = 0; i < 1300; i++) queue.add(SPAN);
    await queue.close(10_000);
    expect(collector.calls.map(({ body }) => readSpans(body).length)).toEqual([512, 512, 276]);
    expect(lost).toBe(0);
  });

  it('fails where the collector does not take them', async () => {
    collector.infer = (res) => res.writeHead(400).end();
    await expect(exporterTo(collector.url)([SPAN])).rejects.toThrow();
  });

  it.each<[string, Behaviour | undefined]>([
    ['is away', undefined],
    ['hangs', () => undefined],
    ['dies', (res) => res.destroy()],
    ['is busy', (res) => res.writeHead(503, { 'retry-after': '3600' }).end()],
  ])('costs spans and nothing else while the collector %s', async (_how, behaviour) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    collector.infer = behaviour ?? taken;
    const url = behaviour === undefined ? `http://127.0.0.1:${await freePort()}` : collector.url;
    let dropped = 0;
    let failed!: () => void;
    const ended = new Promise<void>((resolve) => (failed = resolve));
    const loss = {
      dropped: (spans: number) => void (dropped += spans),
      exportFailed: () => failed(),
      recovered: () => undefined,
    };
    const queue = new SpanQueue(exporterTo(url, TIMEOUT_MS), loss);
    for (let i = 0; i < 700; i++) queue.add(SPAN);
    await queue.close(50);
    await ended;
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(dropped).toBe(700);
  });
});
