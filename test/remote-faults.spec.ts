import { Logger } from '@nestjs/common';
import { RemoteFault } from '../src/runners/remote/remote-fault';
import type { RemoteRunner } from '../src/runners/remote/remote-runner';
import { numbers, openRemote, rows } from './helpers/open-remote';
import { type Behaviour, blackHole, goodAnswer, json, RemoteServer } from './helpers/remote-server';

Logger.overrideLogger(false);

async function faultOf(run: Promise<unknown>): Promise<RemoteFault> {
  try {
    await run;
  } catch (error) {
    if (error instanceof RemoteFault) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}

describe('a remote that misbehaves', () => {
  let remote: RemoteServer;
  let runner: RemoteRunner;
  beforeAll(async () => {
    remote = await RemoteServer.start();
  });
  beforeEach(async () => {
    ({ runner } = await openRemote(
      { urls: [remote.url], timeoutMs: 300, protocol: 'v2-json' },
      { maxAnswerBytes: 4096 },
    ));
  });
  afterEach(() => runner.close());
  afterAll(() => remote.stop());

  const raw =
    (head: string, then: (res: Parameters<Behaviour>[0]) => void): Behaviour =>
    (res) => {
      res.socket?.write(head);
      then(res);
    };
  const output = (changes: object): object => ({
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [0, 1], ...changes }],
  });

  it.each<[string, Behaviour, string, string, RegExp]>([
    [
      'refuses the input',
      json({ error: 'x is odd' }, 400),
      'refused',
      'bad_upstream',
      /answered 400: x is odd/,
    ],
    [
      'refuses this server',
      json({ error: 'token abc is bad' }, 401),
      'refused',
      'bad_upstream',
      /it refuses this server\.$/,
    ],
    ['has not the model', json({ error: 'unknown' }, 404), 'missing', 'bad_upstream', /answered 404\.$/],
    ['is busy', json({}, 429, { 'retry-after': '7' }), 'busy', 'overloaded', /429/],
    ['fails', json({ error: 'at /home/gpu/run.py' }, 500), 'failed', 'bad_upstream', /answered 500\.$/],
    ['has a gateway that fails', json('<html>', 502), 'gateway', 'bad_upstream', /502/],
    ['is not ready', json({}, 503), 'unavailable', 'model_unavailable', /503/],
    ['is too slow for its gateway', json({}, 504), 'gateway_timeout', 'deadline_exceeded', /504/],
    ['never answers', () => undefined, 'timeout', 'deadline_exceeded', /did not answer within 300 ms/],
    [
      'drips',
      (res) => {
        const timer = setInterval(() => res.write(' '), 20);
        res.on('close', () => clearInterval(timer));
      },
      'timeout',
      'deadline_exceeded',
      /did not finish its answer within 300 ms/,
    ],
    ['hangs up', (res) => res.socket?.destroy(), 'broken', 'bad_upstream', /before it answered/],
    [
      'resets the connection',
      (res) => res.socket?.resetAndDestroy(),
      'broken',
      'bad_upstream',
      /before it answered/,
    ],
    [
      'breaks off',
      raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"outputs":', (res) => res.socket?.end()),
      'broken',
      'bad_upstream',
      /in the middle of its answer/,
    ],
    [
      'breaks off between chunks',
      raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"ou\r\n', (res) => res.socket?.end()),
      'broken',
      'bad_upstream',
      /in the middle of its answer/,
    ],
    ['has nothing to say', (res) => res.writeHead(204).end(), 'malformed', 'bad_upstream', /Invalid JSON/],
    [
      'says more after its answer',
      json(`${JSON.stringify(goodAnswer())} x`),
      'malformed',
      'bad_upstream',
      /Invalid JSON/,
    ],
    [
      'speaks something else',
      raw('SSH-2.0-x\r\n', (res) => res.socket?.end()),
      'broken',
      'bad_upstream',
      /./,
    ],
    ['is no JSON', json('{"outputs": ['), 'malformed', 'bad_upstream', /Invalid JSON/],
    ['is a page', json('<html>Log in</html>'), 'malformed', 'bad_upstream', /not what it should be/],
    ['has no outputs', json({}), 'malformed', 'bad_upstream', /no output "y"/],
    ['has another output', json(output({ name: 'z' })), 'malformed', 'bad_upstream', /no output "y"/],
    [
      'has another datatype',
      json(output({ datatype: 'INT64' })),
      'malformed',
      'bad_upstream',
      /INT64 instead of FP32/,
    ],
    [
      'has another shape',
      json(output({ shape: [2] })),
      'malformed',
      'bad_upstream',
      /\[2\] instead of \[-1, 2\]/,
    ],
    ['has a negative shape', json(output({ shape: [-1, 2] })), 'malformed', 'bad_upstream', /\[-1, 2\]/],
    [
      'has too few elements',
      json(output({ data: [1] })),
      'malformed',
      'bad_upstream',
      /1 elements instead of 2/,
    ],
    ['has too many elements', json(output({ data: [1, 2, 3] })), 'malformed', 'bad_upstream', /more than 2/],
    [
      'has an element of another kind',
      json(output({ data: ['a', 1] })),
      'malformed',
      'bad_upstream',
      /output "y"\[0\]/,
    ],
    ['has no data', json(output({ data: undefined })), 'malformed', 'bad_upstream', /no data/],
    [
      'promises bytes that do not come',
      json(output({ data: undefined, parameters: { binary_data_size: 8 } })),
      'malformed',
      'bad_upstream',
      /ends before/,
    ],
    [
      'has a header beyond its end',
      json(goodAnswer(), 200, { 'inference-header-content-length': '9999' }),
      'malformed',
      'bad_upstream',
      /beyond its end/,
    ],
    [
      'is compressed unasked',
      json(goodAnswer(), 200, { 'content-encoding': 'br' }),
      'malformed',
      'bad_upstream',
      /compressed/,
    ],
    [
      'announces too much',
      json(' '.repeat(5000), 200, { 'content-length': '5000' }),
      'too_large',
      'bad_upstream',
      /4096/,
    ],
    [
      'sends without end',
      (res) => {
        const write = (): void => {
          while (!res.destroyed && res.write(' '.repeat(1024)));
        };
        res.on('drain', write);
        write();
      },
      'too_large',
      'bad_upstream',
      /4096/,
    ],
    ['redirects without a place', json({}, 307), 'redirected', 'bad_upstream', /without a place/],
    [
      'redirects by losing the body',
      json({}, 302, { location: '/other' }),
      'redirected',
      'bad_upstream',
      /307 or 308/,
    ],
  ])('%s: a clear error, and the next call works', async (_, behaviour, kind, code, message) => {
    remote.infer = behaviour;
    const fault = await faultOf(runner.run([rows(1, 2)]));
    expect([fault.kind, fault.code]).toEqual([kind, code]);
    expect(fault.message).toMatch(message);
    expect(fault.message).not.toContain('127.0.0.1');
    remote.infer = json(goodAnswer());
    expect(numbers(await runner.run([rows(1, 2)]))).toEqual([0, 1]);
  });

  it('hands on when to come back, within reason', async () => {
    remote.infer = json({}, 429, { 'retry-after': '7' });
    expect((await faultOf(runner.run([rows(1, 2)]))).retryAfterSeconds).toBe(7);
    remote.infer = json({}, 503, { 'retry-after': '999999999' });
    expect((await faultOf(runner.run([rows(1, 2)]))).retryAfterSeconds).toBe(3600);
  });

  it('keeps what a failure says short and on one line', async () => {
    remote.infer = json({ error: `a\nb${'c'.repeat(1000)}` }, 422);
    const { message } = await faultOf(runner.run([rows(1, 2)]));
    expect(message).toMatch(/: a bc+…$/);
    expect(message.length).toBeLessThan(400);
  });

  it('follows a redirect on the same host, with body and headers', async () => {
    remote.infer = (res, request) =>
      request.path === '/moved'
        ? json(goodAnswer(1, 5))(res, request)
        : json({}, 308, { location: '/moved' })(res, request);
    expect(numbers(await runner.run([rows(1, 2)]))).toEqual([5, 6]);
    expect(remote.calls.at(-1)?.body).toEqual(remote.calls.at(-2)?.body);
  });

  it('ends a circle of redirects', async () => {
    remote.infer = json({}, 307, { location: '/again' });
    expect((await faultOf(runner.run([rows(1, 2)]))).code).toBe('bad_upstream');
  });
});

describe('a remote that redirects to another host', () => {
  it('is not followed, and no credentials leave', async () => {
    process.env.TEST_REMOTE_SECRET = 'tok-123';
    process.env.REMOTE_SECRET_NAMES = 'TEST_REMOTE_SECRET';
    const other = await RemoteServer.start();
    const remote = await RemoteServer.start();
    const { runner } = await openRemote({
      urls: [remote.url],
      headers: [{ name: 'authorization', variable: 'TEST_REMOTE_SECRET', prefix: 'Bearer ' }],
    });
    remote.infer = json({}, 307, { location: `${other.url}/v2/models/m/infer` });
    const fault = await faultOf(runner.run([rows(1, 2)]));
    expect([fault.kind, fault.code]).toEqual(['redirected', 'bad_upstream']);
    expect(remote.calls[0]?.headers.authorization).toBe('Bearer tok-123');
    expect(other.seen).toEqual([]);
    expect(JSON.stringify([fault.message, fault.excerpt])).not.toContain('tok-123');
    await runner.close();
    await Promise.all([remote.stop(), other.stop()]);
  });
});

describe('a remote that cannot be reached', () => {
  const declared = {
    protocol: 'v2-json' as const,
    inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 2] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 2] }],
  };

  it('refuses connections', async () => {
    const remote = await RemoteServer.start();
    const { url } = remote;
    await remote.stop();
    const { runner } = await openRemote({ ...declared, urls: [url] });
    const fault = await faultOf(runner.run([rows(1, 2)]));
    expect([fault.kind, fault.code]).toEqual(['unreachable', 'model_unavailable']);
    await runner.close();
  });

  it('has a name that nobody knows', async () => {
    const { runner } = await openRemote({ ...declared, urls: ['http://no-such-host.invalid'] });
    expect((await faultOf(runner.run([rows(1, 2)]))).kind).toBe('unreachable');
    await runner.close();
  });

  it('takes no connection', async () => {
    const hole = await blackHole();
    const { runner } = await openRemote({ ...declared, urls: [hole.url], connectTimeoutMs: 100 });
    const fault = await faultOf(runner.run([rows(1, 2)]));
    expect([fault.kind, fault.code]).toEqual(['connect_timeout', 'deadline_exceeded']);
    expect(fault.message).toContain('100 ms');
    await runner.close();
    await hole.close();
  });

  it('is no TLS server', async () => {
    const remote = await RemoteServer.start();
    const { runner } = await openRemote({ ...declared, urls: [remote.url.replace('http', 'https')] });
    expect((await faultOf(runner.run([rows(1, 2)]))).kind).toBe('unreachable');
    expect(remote.seen).toEqual([]);
    await runner.close();
    await remote.stop();
  });
});
