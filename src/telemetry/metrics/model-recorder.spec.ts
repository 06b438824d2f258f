import { ModelRecorder } from './model-recorder';
import { ModelTotals } from './model-totals';

const totals = (recorder: ModelRecorder): ModelTotals => new ModelTotals(recorder.snapshot());

describe('ModelRecorder', () => {
  it('counts nothing before anything happens', () => {
    expect(new ModelRecorder('iris', '1').snapshot()).toEqual({
      model: 'iris',
      version: '1',
      cells: [],
      lastInferenceMs: 0,
      resident: 0,
      queuedRequests: 0,
      memoryBytes: 0,
    });
  });

  it('adds up a request by protocol, with each of its parts', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.succeeded('native', 3, 0.25, 0.5, 7, 1000, { queueMs: 2, runMs: 4, batchRows: 8 });
    recorder.succeeded('v2', 5, 0.25, 0.5, 9, 2000, { queueMs: 1, runMs: 4, batchRows: 8 });
    const all = totals(recorder);
    expect([all.requests('native', 'success'), all.requests('v2', 'success')]).toEqual([1, 1]);
    expect(all.total('success')).toMatchObject({ count: 2, sumMs: 16 });
    expect(all.stage('decode')).toMatchObject({ count: 2, sumMs: 0.5 });
    expect(all.stage('queue')).toMatchObject({ count: 2, sumMs: 3 });
    expect(all.stage('run')).toMatchObject({ count: 2, sumMs: 8 });
    expect(all.stage('encode')).toMatchObject({ count: 2, sumMs: 1 });
    expect(all.rows).toBe(8);
  });

  it('counts runs by the size of their batch, with what their requests cost', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.ran(8, 4);
    recorder.ran(8, 6);
    recorder.ran(100, 20);
    recorder.runFailed();
    recorder.succeeded('v2', 5, 0.25, 0.5, 9, 1, { queueMs: 1, runMs: 4, batchRows: 8 });
    const all = totals(recorder);
    expect(all.batches).toEqual([
      { rows: 8, runs: 2, runMs: 10, decodeMs: 0.25, encodeMs: 0.5 },
      { rows: 128, runs: 1, runMs: 20, decodeMs: 0, encodeMs: 0 },
    ]);
    expect([all.batchRows, all.failedRuns]).toEqual([116, 1]);
  });

  it('leaves the run out for a request that the cache answered', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.cached('HIT', 0.5);
    recorder.succeeded('v2', 5, 0.25, 0.5, 1, 1, undefined);
    const all = totals(recorder);
    expect(all.cache('HIT')).toEqual({ count: 1, ms: 0.5 });
    expect(all.total('success').count).toBe(1);
    expect([all.stage('queue').count, all.stage('run').count, all.rows]).toEqual([0, 0, 0]);
  });

  it('keeps failures and their time apart by outcome', () => {
    const recorder = new ModelRecorder('iris', '1');
    recorder.failed('native', 'deadline', 30);
    recorder.failed('native', 'client_error', 1);
    const all = totals(recorder);
    expect(all.requests('native', 'deadline')).toBe(1);
    expect(all.total('deadline')).toMatchObject({ count: 1, sumMs: 30 });
    expect(all.total('client_error')).toMatchObject({ count: 1, sumMs: 1 });
    expect(all.total('success').count).toBe(0);
  });

  it('dates the last inference once, so that later snapshots say the same', () => {
    const recorder = new ModelRecorder('iris', '1');
    const nowMs = performance.now();
    recorder.succeeded('v2', 1, 0, 0, 0, nowMs, undefined);
    const { lastInferenceMs } = recorder.snapshot();
    expect(Math.abs(lastInferenceMs - (performance.timeOrigin + nowMs))).toBeLessThan(5000);
    expect(recorder.snapshot().lastInferenceMs).toBe(lastInferenceMs);
  });

  it('measures what is resident, until it is unloaded', () => {
    const recorder = new ModelRecorder('iris', '1');
    const queue = { queuedRequests: 3 };
    recorder.loaded(queue, 1000);
    queue.queuedRequests = 4;
    expect(recorder.snapshot()).toMatchObject({ resident: 1, queuedRequests: 4, memoryBytes: 1000 });
    recorder.unloaded(queue);
    expect(recorder.snapshot()).toMatchObject({ resident: 0, queuedRequests: 0, memoryBytes: 0 });
  });
});
