import { Exposition } from './exposition';
import { countersOf, mergeFigures, NO_FIGURES, Reading, type Subject } from './figures';
import { REMOTES } from './layout';
import { FAMILIES } from './metric-families';
import { Recorder, Tally } from './recorder';
import { NO_PREPARATIONS } from './server-snapshot';

const { remoteCalls, remoteCallDuration, remoteOutstanding, remoteEjected } = FAMILIES;

function used(remote: string): Subject {
  const tally = new Tally(REMOTES, ['m', remote]);
  for (const [outcome, ms] of [
    ['success', 250],
    ['success', 250],
    ['broken', 500],
  ] as const) {
    tally.add(remoteCalls.at[outcome]);
    tally.observe(remoteCallDuration.at, ms);
  }
  tally.add(FAMILIES.remoteRetries.at);
  tally.add(FAMILIES.remoteSent.at, 100);
  tally.add(FAMILIES.remoteReceived.at, 40);
  tally.add(remoteOutstanding.at, 3);
  tally.add(remoteEjected.at);
  tally.add(FAMILIES.remoteEjections.at);
  return tally.snapshot();
}

const merge = (...remotes: readonly Subject[]): readonly Subject[] =>
  mergeFigures(remotes.map((remote) => ({ ...NO_FIGURES, remotes: [remote] }))).remotes;

/** A remote, its calls under way, and the workers that have it out of use. */
function heldBy(subject: Subject): (string | number | undefined)[] {
  const reading = new Reading(REMOTES, subject);
  return [subject.labels[1], reading.at(remoteOutstanding.at), reading.at(remoteEjected.at)];
}

/** The lines of the exposition that tell of remotes. */
async function shown(remotes: readonly Subject[]): Promise<string[]> {
  const server = {
    figures: { ...NO_FIGURES, remotes },
    processes: [],
    unavailable: [],
    queueLimit: 0,
    configuredWorkers: 0,
    workers: [],
    restarts: 0,
    accessFailures: 0,
    preparations: NO_PREPARATIONS,
  };
  const build = { version: '', node: '', onnxruntime: '' };
  const text = await new Exposition(build, { models: [], maxModels: 100, buckets: 'all' }).print(server);
  return String(text)
    .split('\n')
    .filter((line) => line.startsWith('nestor_remote_'));
}

describe('the tally of a remote', () => {
  it('is shown by model, remote and outcome, in base units', async () => {
    const lines = await shown([used('a:1')]);
    const labels = 'model="m",remote="a:1"';
    expect(lines).toEqual(
      expect.arrayContaining([
        `nestor_remote_calls_total{${labels},outcome="success"} 2`,
        `nestor_remote_calls_total{${labels},outcome="broken"} 1`,
        `nestor_remote_calls_total{${labels},outcome="timeout"} 0`,
        `nestor_remote_call_duration_seconds_bucket{${labels},le="0.25"} 2`,
        `nestor_remote_call_duration_seconds_bucket{${labels},le="0.5"} 3`,
        `nestor_remote_call_duration_seconds_sum{${labels}} 1`,
        `nestor_remote_call_duration_seconds_count{${labels}} 3`,
        `nestor_remote_retries_total{${labels}} 1`,
        `nestor_remote_outstanding_calls{${labels}} 3`,
        `nestor_remote_ejected{${labels}} 1`,
        `nestor_remote_ejections_total{${labels}} 1`,
        `nestor_remote_sent_bytes_total{${labels}} 100`,
        `nestor_remote_received_bytes_total{${labels}} 40`,
      ]),
    );
  });

  it('adds up over workers, by remote', async () => {
    const merged = merge(used('a'), used('b'), used('a'));
    expect(merged.map(heldBy)).toEqual([
      ['a', 6, 2],
      ['b', 3, 1],
    ]);
    const lines = await shown(merged);
    expect(lines).toContain('nestor_remote_calls_total{model="m",remote="a",outcome="success"} 4');
    expect(lines).toContain('nestor_remote_call_duration_seconds_sum{model="m",remote="a"} 2');
  });

  it('keeps what a worker counted that is gone, and nothing that it held', () => {
    const before = used('a');
    const [after] = countersOf({ ...NO_FIGURES, remotes: [before] }).remotes as [Subject];
    expect(heldBy(after)).toEqual(['a', 0, 0]);
    expect(new Reading(REMOTES, after).observed(remoteCallDuration.at)).toEqual(
      new Reading(REMOTES, before).observed(remoteCallDuration.at),
    );
  });

  it('has no more labels than there is room for, and loses no count', async () => {
    const recorder = new Recorder();
    for (let i = 0; i < REMOTES.most + 10; i++) recorder.remote('m', `host-${i}`).add(remoteCalls.at.success);
    const { remotes } = recorder.snapshot();
    expect(remotes).toHaveLength(REMOTES.most + 1);
    const merged = merge(...remotes, used('another'));
    expect(merged).toHaveLength(REMOTES.most + 1);
    expect(await shown(merged)).toContain(
      'nestor_remote_calls_total{model="_other",remote="_other",outcome="success"} 12',
    );
  });

  it('shows a change to the recorder of the process', () => {
    const recorder = new Recorder();
    const remote = recorder.remote('m', 'a');
    expect(recorder.remote('m', 'a')).toBe(remote);
    recorder.settle();
    expect(recorder.changed).toBe(false);
    remote.add(remoteCalls.at.success);
    expect(recorder.changed).toBe(true);
    recorder.settle();
    remote.add(remoteEjected.at);
    expect(recorder.changed).toBe(true);
  });
});
