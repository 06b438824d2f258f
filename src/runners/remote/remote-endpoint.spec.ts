import { Logger } from '@nestjs/common';
import { Reading } from '../../telemetry/metrics/figures';
import { type Place, REMOTES } from '../../telemetry/metrics/layout';
import { FAMILIES } from '../../telemetry/metrics/metric-families';
import { Tally } from '../../telemetry/metrics/recorder';
import { FakeClock } from '../../scheduling/testing/fake-clock';
import { RemoteEndpoint } from './remote-endpoint';
import { type FaultKind, RemoteFault } from './remote-fault';

Logger.overrideLogger(false);

/** An endpoint whose probes and calls end as the test says. */
class Subject {
  readonly clock = new FakeClock();
  readonly recorder = new Tally(REMOTES, ['m', 'gpu-1:8000']);
  probes = 0;
  healthy = false;
  /** Probes wait for it. */
  answers = Promise.resolve();
  readonly endpoint = new RemoteEndpoint({
    model: 'm',
    url: new URL('http://gpu-1:8000/v2/models/m/infer'),
    probe: async () => {
      this.probes++;
      await this.answers;
      return this.healthy ? Promise.resolve() : Promise.reject(new RemoteFault('unreachable', 'no answer'));
    },
    recorder: this.recorder,
    clock: this.clock,
    random: () => 1,
  });

  counted(place: Place<'remotes'>): number {
    return new Reading(REMOTES, this.recorder.snapshot()).at(place);
  }

  /** Makes so many calls, or fewer where it is ejected before. */
  async calls(count: number, kind?: FaultKind): Promise<void> {
    for (let i = 0; i < count && this.endpoint.inUse; i++) {
      await this.endpoint
        .call(() => (kind === undefined ? Promise.resolve() : Promise.reject(new RemoteFault(kind, kind))))
        .catch(() => undefined);
    }
  }
}

describe('RemoteEndpoint', () => {
  it.each<[string, FaultKind, boolean]>([
    ['ejected by failures of its own', 'failed', false],
    ['ejected when it cannot be reached', 'unreachable', false],
    ['ejected when it answers nonsense', 'malformed', false],
    ["kept by clients' mistakes", 'refused', true],
    ['kept when clients leave', 'cancelled', true],
    ['kept while it is busy', 'busy', true],
  ])('is %s', async (_, kind, inUse) => {
    const subject = new Subject();
    await subject.calls(10, kind);
    expect(subject.endpoint.inUse).toBe(inUse);
  });

  it('is ejected when half of its last calls failed, not for single ones', async () => {
    const subject = new Subject();
    for (let i = 0; i < 20; i++) {
      await subject.calls(2);
      await subject.calls(1, 'failed');
    }
    expect(subject.endpoint.inUse).toBe(true);
    for (let i = 0; i < 10; i++) {
      await subject.calls(1);
      await subject.calls(1, 'failed');
    }
    expect(subject.endpoint.inUse).toBe(false);
  });

  it('is probed after a second, then ever more seldom, at most every 30', async () => {
    const subject = new Subject();
    await subject.calls(5, 'failed');
    const gaps: number[] = [];
    for (let i = 0, last = subject.clock.now(); i < 7; i++) {
      const before = subject.probes;
      while (subject.probes === before) await subject.clock.advance(500);
      gaps.push(subject.clock.now() - last);
      last = subject.clock.now();
    }
    expect(gaps).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(subject.endpoint.inUse).toBe(false);
  });

  it('is used again after one probe that succeeded', async () => {
    const subject = new Subject();
    await subject.calls(5, 'failed');
    subject.healthy = true;
    await subject.clock.advance(1000);
    expect([subject.endpoint.inUse, subject.endpoint.ready, subject.probes]).toEqual([true, true, 1]);
    const { remoteCalls, remoteEjections } = FAMILIES;
    const counted = [remoteEjections.at, remoteCalls.at.failed, remoteCalls.at.success];
    expect(counted.map((place) => subject.counted(place))).toEqual([1, 5, 0]);
  });

  it('shows that it is out of use, once, for as long as it is or is there', async () => {
    const subject = new Subject();
    const ejected = (): number => subject.counted(FAMILIES.remoteEjected.at);
    await subject.calls(5, 'failed');
    expect(ejected()).toBe(1);
    while (subject.probes < 3) await subject.clock.advance(500);
    expect([ejected(), subject.counted(FAMILIES.remoteEjections.at)]).toEqual([1, 1]);
    subject.healthy = true;
    while (!subject.endpoint.inUse) await subject.clock.advance(500);
    expect(ejected()).toBe(0);
    await subject.calls(10, 'failed');
    expect(ejected()).toBe(1);
    subject.endpoint.close();
    expect(ejected()).toBe(0);
  });

  it('is probed although a question from before its ejection still waits for its answer', async () => {
    const subject = new Subject();
    let answer!: () => void;
    subject.answers = new Promise((resolve) => (answer = resolve));
    expect(subject.endpoint.ready).toBe(true);
    await subject.calls(5, 'timeout');
    await subject.clock.advance(1000);
    expect([subject.probes, subject.endpoint.inUse]).toEqual([1, false]);
    answer();
    await subject.clock.settle();
    expect(subject.probes).toBe(2);
    subject.healthy = true;
    await subject.clock.advance(2000);
    expect(subject.endpoint.inUse).toBe(true);
  });

  it('is probed in time although the clock on the wall was set back', async () => {
    const subject = new Subject();
    subject.healthy = true;
    await subject.calls(5, 'failed');
    const now = jest.spyOn(Date, 'now').mockReturnValue(0);
    await subject.clock.advance(1000);
    now.mockRestore();
    expect(subject.endpoint.inUse).toBe(true);
  });

  it('stays out longer each time when its probes lie, until a call succeeds', async () => {
    const subject = new Subject();
    subject.healthy = true;
    const outMs: number[] = [];
    for (let i = 0; i < 3; i++) {
      await subject.calls(10, 'failed');
      const since = subject.clock.now();
      while (!subject.endpoint.inUse) await subject.clock.advance(500);
      outMs.push(subject.clock.now() - since);
    }
    await subject.calls(1);
    await subject.calls(10, 'failed');
    expect(outMs).toEqual([1000, 2000, 4000]);
    expect(subject.endpoint.probeAtMs - subject.clock.now()).toBe(1000);
  });

  it('asks whether it is ready once what it knows is five seconds old, and not before', async () => {
    const subject = new Subject();
    subject.healthy = true;
    const ready = async (): Promise<boolean> => {
      const answer = subject.endpoint.ready;
      await subject.clock.settle();
      return answer;
    };
    await subject.calls(1);
    for (let i = 0; i < 5; i++) await ready();
    expect(subject.probes).toBe(0);
    await subject.clock.advance(5001);
    expect([await ready(), await ready(), subject.probes]).toEqual([true, true, 1]);
    subject.healthy = false;
    await subject.clock.advance(5001);
    expect([await ready(), await ready(), subject.endpoint.fault]).toEqual([true, false, 'no answer']);
  });

  it('leaves no timer behind when it is closed', async () => {
    const subject = new Subject();
    await subject.calls(5, 'failed');
    expect(subject.clock.timers).toBe(1);
    subject.endpoint.close();
    expect(subject.clock.timers).toBe(0);
  });
});
