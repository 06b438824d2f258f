import { type Observed, Reading } from './figures';
import { MODELS, type Place } from './layout';
import { BATCH_SIZES, FAMILIES, STATISTICS } from './metric-families';
import { ModelRecorder } from './recorder';
import type { Outcome } from './outcome';

const read = (recorder: ModelRecorder): Reading<'models'> => new Reading(MODELS, recorder.snapshot());

function countsOf(reading: Reading<'models'>, ...places: Place<'models'>[]): number[] {
  return places.map((place) => reading.at(place));
}

/** The batch sizes that occurred: rows, runs, and milliseconds of runs, decoding and encoding. */
function batchesIn(reading: Reading<'models'>): number[][] {
  const { batches, batchRunMs, batchDecodeMs, batchEncodeMs } = STATISTICS;
  return BATCH_SIZES.map((rows, i) => [
    rows,
    ...countsOf(reading, batches[i]!, batchRunMs[i]!, batchDecodeMs[i]!, batchEncodeMs[i]!),
  ]).filter(([, runs]) => runs !== 0);
}

describe('ModelRecorder', () => {
  it('counts nothing before anything happens', () => {
    expect(new ModelRecorder('iris', '1').snapshot()).toEqual({ labels: ['iris', '1'], cells: [] });
  });

  it('adds up a request by protocol, with each of its parts', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.succeeded('native', 3, 0.25, 0.5, 7, 1000, { queueMs: 2, runMs: 4, batchRows: 8 });
    recorder.succeeded('v2', 5, 0.25, 0.5, 9, 2000, { queueMs: 1, runMs: 4, batchRows: 8 });
    const all = read(recorder);
    const { requests, rows } = FAMILIES;
    expect(countsOf(all, requests.at.native.success, requests.at.v2.success, rows.at)).toEqual([1, 1, 8]);
    expect(all.observed(FAMILIES.requestDuration.at.success)).toMatchObject({ count: 2, sum: 16 });
    expect(all.observed(FAMILIES.decodeDuration.at)).toMatchObject({ count: 2, sum: 0.5 });
    expect(all.observed(FAMILIES.queueDuration.at)).toMatchObject({ count: 2, sum: 3 });
    expect(all.observed(FAMILIES.runDuration.at)).toMatchObject({ count: 2, sum: 8 });
    expect(all.observed(FAMILIES.encodeDuration.at)).toMatchObject({ count: 2, sum: 1 });
  });

  it('counts runs by the size of their batch, with what their requests cost', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.ran(8, 4);
    recorder.ran(8, 6);
    recorder.ran(100, 20);
    recorder.runFailed();
    recorder.succeeded('v2', 5, 0.25, 0.5, 9, 1, { queueMs: 1, runMs: 4, batchRows: 8 });
    const all = read(recorder);
    expect(batchesIn(all)).toEqual([
      [8, 2, 10, 0.25, 0.5],
      [128, 1, 20, 0, 0],
    ]);
    expect(all.observed(FAMILIES.batchRows.at)).toMatchObject({ count: 3, sum: 116 });
    const { executions, executionSeconds } = FAMILIES;
    expect(countsOf(all, executions.at.success, executions.at.failed, executionSeconds.at)).toEqual([
      3, 1, 30,
    ]);
  });

  it('leaves the run out for a request that the cache answered', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.cached('HIT', 0.5);
    recorder.succeeded('v2', 5, 0.25, 0.5, 1, 1, undefined);
    const all = read(recorder);
    expect(countsOf(all, FAMILIES.cacheRequests.at.hit, STATISTICS.cacheMs.HIT)).toEqual([1, 0.5]);
    expect(all.observed(FAMILIES.requestDuration.at.success).count).toBe(1);
    expect(all.observed(FAMILIES.queueDuration.at).count).toBe(0);
    expect(all.observed(FAMILIES.runDuration.at).count).toBe(0);
    expect(all.at(FAMILIES.rows.at)).toBe(0);
  });

  it('keeps failures and their time apart by outcome', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.failed('native', 'deadline', 30);
    recorder.failed('native', 'client_error', 1);
    const all = read(recorder);
    const took = (outcome: Outcome): Observed => all.observed(FAMILIES.requestDuration.at[outcome]);
    expect(all.at(FAMILIES.requests.at.native.deadline)).toBe(1);
    expect(took('deadline')).toMatchObject({ count: 1, sum: 30 });
    expect(took('client_error')).toMatchObject({ count: 1, sum: 1 });
    expect(took('success').count).toBe(0);
  });

  it('dates the last inference once, so that later snapshots say the same', () => {
    const recorder = new ModelRecorder('iris', '1');
    const nowMs = performance.now();
    recorder.succeeded('v2', 1, 0, 0, 0, nowMs, undefined);
    const lastInferenceMs = read(recorder).at(STATISTICS.lastInferenceMs);
    expect(Math.abs(lastInferenceMs - (performance.timeOrigin + nowMs))).toBeLessThan(5000);
    expect(read(recorder).at(STATISTICS.lastInferenceMs)).toBe(lastInferenceMs);
  });

  it('measures what is resident, until it is unloaded', () => {
    const recorder = new ModelRecorder('iris', '1');
    const queue = { queuedRequests: 3 };
    recorder.loaded(queue, 1000);
    queue.queuedRequests = 4;
    const held = [STATISTICS.resident, FAMILIES.queueRequests.at, FAMILIES.modelMemory.at];
    expect(countsOf(read(recorder), ...held)).toEqual([1, 4, 1000]);
    recorder.unloaded(queue);
    expect(countsOf(read(recorder), ...held)).toEqual([0, 0, 0]);
  });
});
