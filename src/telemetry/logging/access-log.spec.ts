import fc from 'fast-check';
import { AccessLog } from './access-log';

let written: string[];
let log: AccessLog;

beforeEach(() => {
  written = [];
  log = new AccessLog(
    { write: (lines) => written.push(lines.toString()) },
    { service: 'scores', pid: 42, worker: 3 },
  );
});

function lines(): Record<string, unknown>[] {
  log.flush();
  return written
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function writePath(path: string): unknown {
  log.write('id', 'GET', path, 200, 1, 0, 0, '::1');
  return lines().at(-1)?.['path'];
}

describe('AccessLog', () => {
  it('writes one JSON line for a request', () => {
    log.write('abc', 'POST', '/api/inference/digits', 200, 1.2345, 211, 95, '127.0.0.1', 'digits');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        requestId: 'abc',
        method: 'POST',
        path: '/api/inference/digits',
        status: 200,
        ms: 1.235,
        in: 211,
        out: 95,
        ip: '127.0.0.1',
        model: 'digits',
        service: 'scores',
        pid: 42,
        worker: 3,
      },
    ]);
  });

  it('names the caller, who cannot forge a line by that', () => {
    log.write('abc', 'GET', '/', 200, 1, 0, 0, '::1', 'digits', 'jwt:a"}\n{"b');
    expect(lines()).toEqual([expect.objectContaining({ model: 'digits', caller: 'jwt:a"}\n{"b' })]);
  });

  it('has code and stages of what failed or was slow', () => {
    const slow = new AccessLog(
      { write: (chunk) => written.push(chunk.toString()) },
      { service: 'scores', pid: 42 },
      100,
    );
    const details = { code: undefined, readMs: 0.5, decodeMs: 1, queueMs: 30.25, runMs: 70 };
    slow.write('a', 'POST', '/', 200, 99, 0, 0, '::1', 'digits', undefined, details);
    slow.write('b', 'POST', '/', 200, 100, 0, 0, '::1', 'digits', undefined, details);
    const failed = { ...details, code: 'overloaded', queueMs: undefined, runMs: undefined };
    slow.write('c', 'POST', '/', 503, 2, 0, 0, '::1', 'digits', undefined, failed);
    slow.flush();
    const [quick, late, refused] = lines();
    expect(quick).not.toHaveProperty('readMs');
    expect(late).toMatchObject({ readMs: 0.5, decodeMs: 1, queueMs: 30.25, runMs: 70 });
    expect(late).not.toHaveProperty('code');
    expect(refused).toMatchObject({ code: 'overloaded', readMs: 0.5, decodeMs: 1 });
    expect(refused).not.toHaveProperty('runMs');
  });

  it('names the span of a request that is traced', () => {
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    log.write('abc', 'GET', '/', 200, 1, 0, 0, '::1', 'digits', undefined, undefined, { traceId, spanId });
    expect(lines()).toEqual([expect.objectContaining({ trace_id: traceId, span_id: spanId, pid: 42 })]);
  });

  it('leaves out what is not known', () => {
    log.write('abc', 'GET', '/', 404, 0.05, 0, 0, undefined);
    expect(lines()[0]).not.toHaveProperty('ip');
    expect(lines()[0]).not.toHaveProperty('model');
    expect(lines()[0]).not.toHaveProperty('trace_id');
  });

  it.each([0, 0.001, 0.0004, 0.07, 0.999, 1, 12.05, 99.9996, 123456.789])(
    'prints a duration of %d ms',
    (ms) => {
      log.write('abc', 'GET', '/', 200, ms, 0, 0, '::1');
      expect(lines()[0]?.['ms']).toBeCloseTo(ms, 2.9);
    },
  );

  it('leaves out the query and the password of an absolute URL', () => {
    expect(writePath('/api?token=hunter2')).toBe('/api');
    expect(writePath('http://user:hunter2@host/api?key=hunter2')).toBe('/api');
  });

  it('cuts a path that is too long', () => {
    expect(writePath(`/${'x'.repeat(2_000)}`)).toHaveLength(512);
  });

  it('stays one line of ASCII JSON whatever a client sends', () => {
    const text = fc.string({ unit: 'binary', maxLength: 700 });
    fc.assert(
      fc.property(text, text, text, (id, path, model) => {
        written = [];
        log.write(id, 'GET', `/${path}`, 200, 1, 0, 0, '::1', model);
        expect(lines()).toHaveLength(1);
        expect(written.join('')).toMatch(/^[ -~]+\n$/);
        expect(lines()[0]).toMatchObject({ requestId: id.slice(0, 128), model: model.slice(0, 128) });
      }),
    );
  });

  it('buffers lines and hands them over whole, in order, when the buffer is full', () => {
    for (let i = 0; i < 2_000; i += 1) log.write(String(i), 'GET', '/', 200, 1, 0, 0, '::1');
    const handedOver = written.length;
    expect(handedOver).toBeGreaterThan(1);
    expect(handedOver).toBeLessThan(20);
    expect(written.every((chunk) => chunk.endsWith('\n'))).toBe(true);
    expect(lines().map((line) => line['requestId'])).toEqual(
      Array.from({ length: 2_000 }, (_, i) => String(i)),
    );
  });

  it('hands over a lone line within a tenth of a second', () => {
    jest.useFakeTimers();
    const lone = new AccessLog(
      { write: (chunk) => written.push(chunk.toString()) },
      { service: 'scores', pid: 42 },
    );
    jest.advanceTimersByTime(500);
    lone.write('abc', 'GET', '/', 200, 1, 0, 0, '::1');
    expect(written).toHaveLength(0);
    jest.advanceTimersByTime(100);
    expect(written).toHaveLength(1);
    jest.useRealTimers();
  });

  it('writes nothing when it is off', () => {
    const off = new AccessLog(undefined, { service: 'scores', pid: 42 });
    off.write('abc', 'GET', '/', 200, 1, 0, 0, '::1');
    expect(() => off.flush()).not.toThrow();
  });
});
