import { renderPrometheus } from './exposition';
import { Recorder } from './recorder';
import { MAX_REMOTES, mergeRemotes, type RemoteFigures, remoteCountersOf } from './remote-figures';
import { RemoteRecorder } from './remote-recorder';
import { NO_FIGURES } from './snapshot';

function used(remote: string): RemoteFigures {
  const recorder = new RemoteRecorder('m', remote);
  recorder.called('success', 250);
  recorder.called('success', 250);
  recorder.called('broken', 500);
  recorder.retried();
  recorder.sent(100);
  recorder.received(40);
  recorder.outstanding = 3;
  recorder.wasEjected();
  return recorder.snapshot();
}

/** The lines of the exposition that tell of remotes. */
async function shown(remotes: readonly RemoteFigures[]): Promise<string[]> {
  const server = {
    figures: { ...NO_FIGURES, remotes },
    processes: [],
    queueLimit: 0,
    configuredWorkers: 0,
    workers: [],
    restarts: 0,
  };
  const text = await renderPrometheus(server, { version: '', node: '', onnxruntime: '' });
  return text.split('\n').filter((line) => line.startsWith('nestor_remote_'));
}

describe('RemoteRecorder', () => {
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
    const merged = mergeRemotes([used('a'), used('b'), used('a')]);
    expect(merged.map(({ remote, outstanding, ejected }) => [remote, outstanding, ejected])).toEqual([
      ['a', 6, 2],
      ['b', 3, 1],
    ]);
    const lines = await shown(merged);
    expect(lines).toContain('nestor_remote_calls_total{model="m",remote="a",outcome="success"} 4');
    expect(lines).toContain('nestor_remote_call_duration_seconds_sum{model="m",remote="a"} 2');
  });

  it('keeps what a worker counted that is gone, and nothing that it held', () => {
    const figures = used('a');
    expect(remoteCountersOf([figures])).toEqual([{ ...figures, outstanding: 0, ejected: 0 }]);
  });

  it('has no more labels than there is room for, and loses no count', async () => {
    const recorder = new Recorder();
    for (let i = 0; i < MAX_REMOTES + 10; i++) recorder.remote('m', `host-${i}`).called('success', 1);
    const { remotes } = recorder.snapshot();
    expect(remotes).toHaveLength(MAX_REMOTES + 1);
    const merged = mergeRemotes([...remotes, used('another')]);
    expect(merged).toHaveLength(MAX_REMOTES + 1);
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
    remote.called('success', 1);
    expect(recorder.changed).toBe(true);
    recorder.settle();
    remote.wasEjected();
    expect(recorder.changed).toBe(true);
  });
});
