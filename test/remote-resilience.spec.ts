import { Logger } from '@nestjs/common';
import { Reading } from '../src/telemetry/metrics/figures';
import { type Place, REMOTES } from '../src/telemetry/metrics/layout';
import { FAMILIES } from '../src/telemetry/metrics/metric-families';
import { DomainError } from '../src/errors/domain-error';
import { RemoteFault } from '../src/runners/remote/remote-fault';
import type { RemoteRunner } from '../src/runners/remote/remote-runner';
import { numbers, openRemote, rows } from './helpers/open-remote';
import { goodAnswer, json, RemoteServer, until } from './helpers/remote-server';

Logger.overrideLogger(false);

const CLIENTS = 32;

/** Clients that call one after the other until told to stop; what they got. */
function load(runner: RemoteRunner) {
  let stopped = false;
  const failures: RemoteFault[] = [];
  let answered = 0;
  const client = async (): Promise<void> => {
    while (!stopped) {
      try {
        await runner.run([rows(1, 2)]);
        answered++;
      } catch (error) {
        failures.push(error as RemoteFault);
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    failures,
    /** Waits until so many more calls have been answered. */
    answers(more: number): Promise<void> {
      const target = answered + more;
      return until(() => answered >= target);
    },
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(clients);
    },
  };
}

describe('two remotes under load', () => {
  let remotes: RemoteServer[];
  beforeEach(async () => {
    remotes = [await RemoteServer.start(), await RemoteServer.start()];
  });
  afterEach(() => Promise.all(remotes.map((remote) => remote.stop())));
  const urls = (): string[] => remotes.map(({ url }) => url);

  it('share the calls', async () => {
    const { runner } = await openRemote({ urls: urls() });
    const clients = load(runner);
    await clients.answers(200);
    await clients.stop();
    const [one = 0, other = 0] = remotes.map(({ calls }) => calls.length);
    expect(Math.min(one, other) / (one + other)).toBeGreaterThan(0.3);
    await runner.close();
  });

  it('fail no call when one is killed and retries are on', async () => {
    const { runner } = await openRemote({ urls: urls(), retries: 2 });
    const clients = load(runner);
    await clients.answers(150);
    await remotes[0]!.stop();
    await clients.answers(300);
    await clients.stop();
    expect(clients.failures).toEqual([]);
    await runner.close();
  });

  it('fail no call once the breaker of the killed one has opened, without retries', async () => {
    const { runner, recorder } = await openRemote({ urls: urls() });
    const killed = recorder.remote('m', new URL(remotes[0]!.url).host);
    const clients = load(runner);
    await clients.answers(150);
    await remotes[0]!.stop();
    // Out of use, and those calls over that were under way there by then.
    const held = (place: Place<'remotes'>): number => new Reading(REMOTES, killed.snapshot()).at(place);
    await until(() => held(FAMILIES.remoteEjected.at) === 1 && held(FAMILIES.remoteOutstanding.at) === 0);
    const before = clients.failures.length;
    expect(before).toBeGreaterThan(0);
    await clients.answers(600);
    await clients.stop();
    expect(clients.failures.slice(before)).toEqual([]);
    await runner.close();
  });

  it('use the killed one again when it is back', async () => {
    const { runner } = await openRemote({ urls: urls(), retries: 2 });
    const { port } = remotes[0]!;
    await remotes[0]!.stop();
    const clients = load(runner);
    await clients.answers(100);
    remotes[0] = await RemoteServer.start(port);
    await until(() => remotes[0]!.calls.length > 0);
    await clients.stop();
    expect(clients.failures).toEqual([]);
    await runner.close();
  });
});

describe('a remote that keeps failing', () => {
  let remote: RemoteServer;
  beforeEach(async () => {
    remote = await RemoteServer.start();
  });
  afterEach(() => remote.stop());

  async function fail(runner: RemoteRunner, times: number): Promise<DomainError[]> {
    const faults: DomainError[] = [];
    for (let i = 0; i < times; i++) {
      await runner.run([rows(1, 2)]).catch((error: unknown) => faults.push(error as DomainError));
    }
    return faults;
  }

  it('is asked no more, and clients are told when to come back', async () => {
    remote.infer = json({}, 500);
    // However long this takes, no probe brings it back.
    remote.ready = json({}, 503);
    const { runner } = await openRemote({ urls: [remote.url] });
    const faults = await fail(runner, 8);
    expect(faults.map(({ code }) => code)).toEqual([
      ...Array<string>(5).fill('bad_upstream'),
      ...Array<string>(3).fill('model_unavailable'),
    ]);
    expect(faults.at(-1)).toMatchObject({ code: 'model_unavailable', retryAfterSeconds: 1 });
    expect(remote.calls).toHaveLength(5);
    expect(runner.readiness().ready).toBe(false);
    await runner.close();
  });

  it('is not blamed for what the client sent', async () => {
    remote.infer = json({ error: 'odd' }, 400);
    const { runner } = await openRemote({ urls: [remote.url] });
    await fail(runner, 12);
    expect(remote.calls).toHaveLength(12);
    await runner.close();
  });

  it('is asked by a probe, never by a call, whether it is back', async () => {
    remote.infer = json({}, 500);
    remote.ready = json({}, 503);
    const { runner } = await openRemote({ urls: [remote.url] });
    await fail(runner, 5);
    const probes = (): number => remote.seen.filter(({ path }) => path.endsWith('/ready')).length;
    await until(() => probes() > 0);
    expect((await fail(runner, 1))[0]?.code).toBe('model_unavailable');
    expect(remote.calls).toHaveLength(5);
    remote.infer = json(goodAnswer());
    remote.ready = json({});
    await until(() => runner.readiness().ready);
    expect(numbers(await runner.run([rows(1, 2)]))).toEqual([0, 1]);
    await runner.close();
  });
});

describe('retries', () => {
  let remote: RemoteServer;
  beforeEach(async () => {
    remote = await RemoteServer.start();
  });
  afterEach(() => remote.stop());

  it.each([
    ['of a call that was sent, where it is idempotent', { retries: 2 }, 3],
    ['not of one that is not', { retries: 2, idempotent: false }, 1],
    ['not when they are off', { retries: 0 }, 1],
  ])('happen %s', async (_, config, calls) => {
    remote.infer = json({}, 502);
    const { runner } = await openRemote({ urls: [remote.url], ...config });
    await expect(runner.run([rows(1, 2)])).rejects.toThrow(RemoteFault);
    expect(remote.calls).toHaveLength(calls);
    await runner.close();
  });

  it('happen of a call that never left, whatever it does', async () => {
    const gone = await RemoteServer.start();
    const { runner } = await openRemote({ urls: [gone.url, remote.url], retries: 1, idempotent: false });
    await gone.stop();
    for (let i = 0; i < 4; i++) expect(numbers(await runner.run([rows(1, 2)]))).toEqual([0, 1]);
    await runner.close();
  });

  it('do not come before the time that the remote named', async () => {
    remote.infer = json({}, 503, { 'retry-after': '1' });
    const { runner } = await openRemote({ urls: [remote.url], retries: 2 });
    await expect(runner.run([rows(1, 2)])).rejects.toMatchObject({ retryAfterSeconds: 1 });
    expect(remote.calls).toHaveLength(1);
    await runner.close();
  });
});

describe('a request that nobody waits for any more', () => {
  it('is broken off at the remote', async () => {
    const remote = await RemoteServer.start();
    const { runner } = await openRemote({ urls: [remote.url], retries: 3 });
    const abort = new AbortController();
    const left = new Promise<void>((resolve) => {
      remote.infer = (res) => {
        res.on('close', resolve);
        abort.abort();
      };
    });
    const run = runner.run([rows(1, 2)], { signal: abort.signal, deadlineMs: Infinity, requestIds: [] });
    await expect(run).rejects.toMatchObject({ code: 'client_closed_request' });
    await left;
    expect(remote.calls).toHaveLength(1);
    await runner.close();
    await remote.stop();
  });
});

describe('what a call carries', () => {
  it("is the request's id, the time it has left, declared headers, and no proxy's variables", async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    const remote = await RemoteServer.start();
    const { runner } = await openRemote({
      urls: [remote.url],
      headers: [{ name: 'X-Team', text: 'vision' }],
    });
    const { signal } = new AbortController();
    await runner.run([rows(1, 2)], { signal, deadlineMs: performance.now() + 5000, requestIds: ['a-1'] });
    const { headers } = remote.calls[0]!;
    expect(headers).toMatchObject({ 'x-request-id': 'a-1', 'x-team': 'vision', accept: 'application/json' });
    expect(Number(headers['x-request-timeout-ms'])).toBeLessThanOrEqual(5000);
    expect(headers['x-request-ids']).toBeUndefined();
    remote.infer = json(goodAnswer(2));
    await runner.run([rows(1, 2), rows(3, 4)], { signal, deadlineMs: Infinity, requestIds: ['a-1', 'b-2'] });
    expect(remote.calls[1]!.headers).toMatchObject({ 'x-request-id': 'a-1', 'x-request-ids': 'a-1,b-2' });
    expect(remote.calls[1]!.headers['x-request-timeout-ms']).toBeUndefined();
    delete process.env.HTTP_PROXY;
    await runner.close();
    await remote.stop();
  });

  it('goes on connections that are kept, no more than so many', async () => {
    const remote = await RemoteServer.start();
    const { runner } = await openRemote({ urls: [remote.url] }, { maxIdleConnections: 2 });
    expect(runner.concurrency).toBe(100);
    await Promise.all(Array.from({ length: 10 }, () => runner.run([rows(1, 2)])));
    await until(() => remote.connections <= 2);
    await runner.run([rows(1, 2)]);
    expect(remote.connections).toBe(2);
    await runner.close();
    await until(() => remote.connections === 0);
    await remote.stop();
  });
});

describe('hosts', () => {
  it.each([
    [['gpu-1'], 'http://127.0.0.1:1', /not among REMOTE_ALLOWED_HOSTS/],
    [['127.0.0.1:2'], 'http://127.0.0.1:1', /not among/],
    [['*'], 'http://user:word@127.0.0.1:1', /credentials/],
    [['*'], 'ftp://127.0.0.1', /http/],
  ])('allowed are %j: %s is refused', async (allowedHosts, url, message) => {
    const opened = openRemote({ urls: [url] }, { allowedHosts });
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.not.toThrow(/word/);
  });

  it('are allowed by name, by name and port, and by domain', async () => {
    const remote = await RemoteServer.start();
    for (const rule of ['127.0.0.1', `127.0.0.1:${remote.port}`, '*']) {
      const { runner } = await openRemote({ urls: [remote.url] }, { allowedHosts: ['other', rule] });
      await runner.close();
    }
    await remote.stop();
  });
});

describe('a remote that is asked at load', () => {
  it.each<[string, unknown, RegExp]>([
    ['has no metadata', 'nothing', /Invalid JSON/],
    ['has metadata of another kind', [], /no JSON object/],
    ['has no inputs', { inputs: [], outputs: [] }, /names no inputs/],
    [
      'has a datatype that is not served',
      { inputs: [{ name: 'x', datatype: 'BF16', shape: [1] }], outputs: [] },
      /"x" has a datatype that is not served here/,
    ],
    ['has no shape', { inputs: [{ name: 'x', datatype: 'FP32' }], outputs: [] }, /"x" has no shape/],
  ])('and %s is not opened', async (_, metadata, message) => {
    const remote = await RemoteServer.start();
    remote.metadata = metadata;
    await expect(openRemote({ urls: [remote.url] })).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(message) as unknown,
    });
    await remote.stop();
  });

  it('may be any that answers', async () => {
    const gone = await RemoteServer.start();
    const remote = await RemoteServer.start();
    const { url } = gone;
    await gone.stop();
    const { runner } = await openRemote({ urls: [url, remote.url] });
    expect(runner.inputs).toEqual([{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]);
    await runner.close();
    await remote.stop();
  });
});
