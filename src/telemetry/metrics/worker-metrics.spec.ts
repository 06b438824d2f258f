import type { ProcessFigures } from '../../process/process-watch';
import { Reading } from './figures';
import { SERVER } from './layout';
import { FAMILIES } from './metric-families';
import { Recorder } from './recorder';
import type { WorkerSnapshot } from './server-snapshot';
import { WorkerMetrics } from './worker-metrics';

const PROCESS: ProcessFigures = {
  cpuSeconds: 1,
  residentBytes: 2,
  ownBytes: 1,
  heapUsedBytes: 3,
  heapTotalBytes: 4,
  externalBytes: 5,
  startSeconds: 6,
  eventLoopDelay: { p50: 0, p99: 0, max: 0 },
};

/** A primary that keeps what it gets; one that is broken refuses it. */
class Primary {
  readonly received: WorkerSnapshot[] = [];
  broken = false;

  askPrimary<Value>(_topic: string, payload: unknown): Promise<Value> {
    if (this.broken) return Promise.reject(new Error('no primary'));
    this.received.push(payload as WorkerSnapshot);
    return Promise.resolve(undefined as Value);
  }
}

function setUp(): { primary: Primary; recorder: Recorder; metrics: WorkerMetrics } {
  const primary = new Primary();
  const recorder = new Recorder();
  const watch = { figures: () => Promise.resolve(PROCESS) };
  return { primary, recorder, metrics: new WorkerMetrics(primary, recorder, watch, 100) };
}

/** HTTP answers by class of status. */
function answersIn(snapshot: WorkerSnapshot | undefined): number[] {
  const reading = new Reading(SERVER, snapshot?.figures.server[0]);
  return Object.values(FAMILIES.httpResponses.at).map((place) => reading.at(place));
}

describe('WorkerMetrics', () => {
  it('sends its figures when they changed, and only then', async () => {
    const { primary, recorder, metrics } = setUp();
    await metrics.push();
    await metrics.push();
    expect(primary.received).toHaveLength(1);
    recorder.response(200);
    await metrics.push();
    expect(answersIn(primary.received[1])).toEqual([0, 1, 0, 0, 0]);
    expect(primary.received[1]).toMatchObject({ queueLimit: 100 });
  });

  it('sends again what did not arrive', async () => {
    const { primary, recorder, metrics } = setUp();
    recorder.response(200);
    primary.broken = true;
    await metrics.push();
    primary.broken = false;
    await metrics.push();
    await metrics.push();
    expect(primary.received.map(answersIn)).toEqual([[0, 1, 0, 0, 0]]);
  });

  it('sends one at a time', async () => {
    const { primary, metrics } = setUp();
    await Promise.all([metrics.push(), metrics.push()]);
    expect(primary.received).toHaveLength(1);
  });

  it('numbers its snapshots, whoever asked for them', async () => {
    const { primary, metrics } = setUp();
    const asked = await metrics.snapshot();
    await metrics.push();
    expect(primary.received[0]?.sequence).toBeGreaterThan(asked.sequence);
  });

  it('leaves the figures to be sent when they were only asked for', async () => {
    const { primary, recorder, metrics } = setUp();
    recorder.response(200);
    await metrics.snapshot();
    await metrics.push();
    expect(primary.received).toHaveLength(1);
  });

  it('sends its last word when it stops', async () => {
    const { primary, recorder, metrics } = setUp();
    metrics.start();
    const first = metrics.push();
    recorder.response(500);
    await metrics.stop();
    await first;
    expect(answersIn(primary.received.at(-1))).toEqual([0, 0, 0, 0, 1]);
  });
});
