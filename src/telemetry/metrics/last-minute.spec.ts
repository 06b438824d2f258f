import { LastMinute } from './last-minute';
import { Recorder } from './recorder';

describe('the last minute', () => {
  let recorder: Recorder;
  let minute: LastMinute;
  beforeEach(() => {
    jest.useFakeTimers();
    recorder = new Recorder();
    minute = new LastMinute(() => recorder.snapshot());
  });
  afterEach(() => {
    minute.stop();
    jest.useRealTimers();
  });

  /** Calls of `iris` that took so long. */
  const answer = (calls: number, ms: number): void => {
    const tally = recorder.model('iris', '1');
    for (let i = 0; i < calls; i++) {
      tally.succeeded('native', 1, 0.1, 0.2, ms, 0, { queueMs: 0.3, runMs: 0.4, batchRows: 1 });
    }
  };

  it('knows nothing when it is first asked', () => {
    const { server, models, requestsTotal } = minute.report();
    expect(server).toMatchObject({ requestsPerSecond: 0, errorsPerSecond: 0, p50Ms: null, p99Ms: null });
    expect(server.series.requests).toEqual(Array(60).fill(null));
    expect(models).toEqual({});
    expect(requestsTotal).toBe(0);
  });

  it('tells what changed, second by second and over all of them', () => {
    minute.report();
    answer(4, 2);
    jest.advanceTimersByTime(1000);
    jest.advanceTimersByTime(1000);
    const { server, models, requestsTotal } = minute.report();
    expect(requestsTotal).toBe(4);
    expect(server.requestsPerSecond).toBe(2);
    expect(server.series.requests.slice(-3)).toEqual([null, 4, 0]);
    const [before, first, second] = server.series.p50Ms.slice(-3);
    expect([before, second]).toEqual([null, null]);
    // In the bucket from 1 to 2.5 ms.
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThanOrEqual(2.5);
    expect(models.iris).toMatchObject({ requestsPerSecond: 2, errorsPerSecond: 0 });
    expect(models.iris!.stagesMs!.run).toBeCloseTo(0.4);
  });

  it('forgets what is older than a minute', () => {
    minute.report();
    answer(4, 2);
    for (let second = 0; second < 80; second++) jest.advanceTimersByTime(1000);
    const { server } = minute.report();
    expect(server.requestsPerSecond).toBe(0);
    expect(server.series.requests).toEqual(Array(60).fill(0));
  });

  it('stops looking when nobody asks any more', () => {
    minute.report();
    jest.advanceTimersByTime(120_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(minute.report().server.series.requests).toEqual(Array(60).fill(null));
  });

  it('counts as errors what is not the fault of clients', () => {
    minute.report();
    const tally = recorder.model('iris', '1');
    tally.failed('native', 'client_error', 1);
    tally.failed('native', 'failed', 1);
    jest.advanceTimersByTime(1000);
    expect(minute.report().server).toMatchObject({ requestsPerSecond: 2, errorsPerSecond: 1 });
  });
});
