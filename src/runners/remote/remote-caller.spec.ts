import { Logger } from '@nestjs/common';
import { Reading } from '../../telemetry/metrics/figures';
import { REMOTES } from '../../telemetry/metrics/layout';
import { FAMILIES } from '../../telemetry/metrics/metric-families';
import { Tally } from '../../telemetry/metrics/recorder';
import { FakeClock } from '../../scheduling/testing/fake-clock';
import { RemoteCaller, type CallerOptions } from './remote-caller';
import { RemoteEndpoint } from './remote-endpoint';
import { type FaultKind, RemoteFault } from './remote-fault';
import { RetryBudget } from './retry-budget';

Logger.overrideLogger(false);

const HALF = (): number => 0.5;

class Remotes {
  readonly clock = new FakeClock();
  readonly abort = new AbortController();
  readonly asked: string[] = [];
  readonly timeouts: number[] = [];
  readonly endpoints: RemoteEndpoint[];
  readonly caller: RemoteCaller;
  answer: (host: string) => Promise<string> = (host) => Promise.resolve(host);

  constructor(hosts: string[], options: Partial<CallerOptions> = {}, reserve = 100) {
    this.endpoints = hosts.map(
      (host) =>
        new RemoteEndpoint({
          model: 'm',
          url: new URL(`http://${host}`),
          probe: () => Promise.resolve(),
          recorder: new Tally(REMOTES, ['m', host]),
          clock: this.clock,
          random: HALF,
        }),
    );
    this.caller = new RemoteCaller(
      this.endpoints,
      { retries: 3, idempotent: true, timeoutMs: 1000, ...options },
      new RetryBudget(reserve),
      this.clock,
      HALF,
    );
  }

  call(deadlineMs = Infinity): Promise<string> {
    const attempt = (endpoint: RemoteEndpoint, timeoutMs: number): Promise<string> => {
      this.asked.push(endpoint.host);
      this.timeouts.push(timeoutMs);
      return this.answer(endpoint.host);
    };
    return this.caller.call(attempt, { signal: this.abort.signal, deadlineMs });
  }

  /** Calls, and lets the time pass that it waits. */
  async outcome(deadlineMs = Infinity): Promise<string> {
    const outcome = this.call(deadlineMs).catch((error: unknown) => (error as RemoteFault).kind);
    await this.clock.advance(10_000);
    return outcome;
  }

  fail(kind: FaultKind, hosts?: string[], retryAfterSeconds?: number): void {
    this.answer = (host) =>
      hosts === undefined || hosts.includes(host)
        ? Promise.reject(new RemoteFault(kind, kind, { retryAfterSeconds }))
        : Promise.resolve(host);
  }
}

describe('RemoteCaller', () => {
  it('takes the remote with the fewest calls under way, and turns among equals', async () => {
    const remotes = new Remotes(['a', 'b', 'c']);
    for (let i = 0; i < 6; i++) await remotes.call();
    expect(remotes.asked.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    remotes.endpoints[0]!.outstanding = 5;
    remotes.endpoints[1]!.outstanding = 2;
    remotes.endpoints[2]!.outstanding = 3;
    await expect(remotes.call()).resolves.toBe('b');
  });

  it('goes to another remote when one fails', async () => {
    const remotes = new Remotes(['a', 'b']);
    remotes.fail('broken', ['a']);
    for (let i = 0; i < 4; i++) await expect(remotes.outcome()).resolves.toBe('b');
    const retries = remotes.endpoints.map(({ recorder }) =>
      new Reading(REMOTES, recorder.snapshot()).at(FAMILIES.remoteRetries.at),
    );
    expect(retries).toEqual([0, remotes.asked.filter((host) => host === 'a').length]);
  });

  it('tries as often as it may, then fails with what came last', async () => {
    const remotes = new Remotes(['a']);
    remotes.fail('gateway');
    await expect(remotes.outcome()).resolves.toBe('gateway');
    expect(remotes.asked).toHaveLength(4);
  });

  it('waits at random between attempts, longer each time', async () => {
    const remotes = new Remotes(['a']);
    remotes.fail('gateway');
    const ended = remotes.call().catch(() => remotes.clock.now());
    await remotes.clock.advance(1000);
    // Half of 25, of 50 and of 100 milliseconds.
    await expect(ended).resolves.toBe(87.5);
  });

  it.each<[FaultKind, boolean, number]>([
    ['unreachable', false, 4],
    ['connect_timeout', false, 4],
    ['broken', true, 4],
    ['broken', false, 1],
    ['timeout', true, 4],
    ['timeout', false, 1],
    ['unavailable', false, 1],
    ['refused', true, 1],
    ['failed', true, 1],
    ['malformed', true, 1],
    ['too_large', true, 1],
    ['redirected', true, 1],
  ])('after "%s", with idempotent %s, makes %i attempts', async (kind, idempotent, attempts) => {
    const remotes = new Remotes(['a'], { idempotent });
    remotes.fail(kind);
    await expect(remotes.outcome()).resolves.toBe(kind);
    expect(remotes.asked).toHaveLength(attempts);
  });

  it('lets a remote alone for as long as it says, and asks another', async () => {
    const remotes = new Remotes(['a', 'b']);
    remotes.fail('busy', undefined, 2);
    await expect(remotes.outcome()).resolves.toBe('busy');
    expect(remotes.asked.toSorted()).toEqual(['a', 'b']);
  });

  it('makes no attempt that would begin after the deadline, and none longer than it', async () => {
    const remotes = new Remotes(['a']);
    remotes.fail('gateway');
    await expect(remotes.outcome(30)).resolves.toBe('gateway');
    expect(remotes.timeouts).toEqual([30, 17.5]);
    remotes.answer = (host) => Promise.resolve(host);
    await remotes.call();
    expect(remotes.timeouts.at(-1)).toBe(1000);
  });

  it('gives up waiting when nobody wants the answer any more', async () => {
    const remotes = new Remotes(['a']);
    remotes.fail('gateway');
    const outcome = remotes.call();
    await remotes.clock.settle();
    remotes.abort.abort();
    await expect(outcome).rejects.toMatchObject({ kind: 'gateway' });
    expect([remotes.asked.length, remotes.clock.timers]).toEqual([1, 0]);
  });

  it('retries no more when the budget is spent', async () => {
    const remotes = new Remotes(['a'], {}, 2);
    remotes.fail('busy');
    for (let i = 0; i < 10; i++) await remotes.outcome();
    expect(remotes.asked).toHaveLength(10 + 2 + 1);
  });

  it('fails at once when all remotes are ejected, and says when one is tried again', async () => {
    const remotes = new Remotes(['a', 'b'], { retries: 0 });
    remotes.fail('failed');
    const calls = Array.from({ length: 20 }, () => remotes.call().catch((error: RemoteFault) => error));
    await Promise.all(calls);
    const fault = await remotes.call().catch((error: unknown) => error as RemoteFault);
    expect(fault).toMatchObject({ code: 'model_unavailable', retryAfterSeconds: 1 });
    expect(fault).not.toBeInstanceOf(RemoteFault);
  });
});
