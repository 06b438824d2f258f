import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DomainError } from '../errors/domain-error';
import type { ScheduledResult } from '../scheduling/scheduled-request';
import { TraceRecord } from '../telemetry/tracing/trace-record';
import type { Tensor } from '../tensors/tensor';
import type { CacheEntry, CacheTier } from './cache-tier';
import { type CachedAnswer, type CachedModel, type CachedRequest, PredictionCache } from './prediction-cache';

const SETTINGS = {
  enabled: true,
  ttlSeconds: 300,
  namespace: 'test',
  memoryBytes: 1_000_000,
  maxEntryBytes: 10_000,
  maxFollowers: 100,
  runtime: '1.30.0',
};
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how?: { type: 'minor' }) => void;
const CACHED = { enabled: true, ttlSeconds: undefined, warmupFile: undefined };

function modelWith(change: Partial<CachedModel> = {}): CachedModel {
  return {
    name: 'm',
    version: '1',
    digest: 'a'.repeat(64),
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }],
    outputs: [
      { name: 'sum', datatype: 'FP32', shape: [] },
      { name: 'twice', datatype: 'FP32', shape: [-1] },
    ],
    deterministic: true,
    config: { cache: CACHED },
    ...change,
  };
}

function requestOf(values: readonly number[], change: Partial<CachedRequest> = {}): CachedRequest {
  const x: Tensor = { name: 'x', datatype: 'FP32', shape: [values.length], data: Float32Array.from(values) };
  return { inputs: [x], rows: 1, priority: 5, deadlineMs: Infinity, cacheUse: 'use', ...change };
}

/** What the model answers: the sum, and the double of each. */
function resultOf({ inputs }: CachedRequest): ScheduledResult {
  const values = Array.from(inputs[0]!.data as Float32Array);
  const sum = values.reduce((total, value) => total + value, 0);
  // As a batch's outputs are: parts of something larger.
  const batch = Float32Array.from([99, sum, ...values.map((value) => 2 * value), 99]);
  return {
    outputs: [
      { name: 'sum', datatype: 'FP32', shape: [], data: batch.subarray(1, 2) },
      { name: 'twice', datatype: 'FP32', shape: [values.length], data: batch.subarray(2, -1) },
    ],
    queueMs: 0,
    runMs: 1,
    batchRows: 1,
  };
}

describe('PredictionCache', () => {
  let cache: PredictionCache;
  let runs: number;
  const model = modelWith();
  const ask = (request: CachedRequest, of: CachedModel = model): Promise<CachedAnswer> =>
    cache.answer(of, request, () => {
      runs++;
      request.onInputsConsumed?.();
      return Promise.resolve(resultOf(request));
    });
  const outcomes = async (...asked: Promise<CachedAnswer>[]): Promise<string[]> =>
    (await Promise.all(asked)).map(({ outcome }) => outcome);

  beforeEach(() => {
    cache = new PredictionCache(SETTINGS, undefined);
    runs = 0;
  });

  it('holds no model that has gone until a full collection', () => {
    const HELD = 64 * 1024;
    const leftBy = (models: number): number => {
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < models; i++)
        cache.keeps(modelWith({ held: Array<number>(HELD / 8).fill(0.5) } as Partial<CachedModel>));
      collect({ type: 'minor' });
      collect({ type: 'minor' });
      return process.memoryUsage().heapUsed - before;
    };
    leftBy(50);
    expect(leftBy(500)).toBeLessThan((500 * HELD) / 4);
  });

  it('answers the second time what the model answered the first', async () => {
    const first = await ask(requestOf([1, 2]));
    const second = await ask(requestOf([1, 2]));
    expect([first.outcome, second.outcome, runs]).toEqual(['MISS', 'HIT', 1]);
    expect(second.outputs).toEqual(first.outputs);
    expect(second.run).toBeUndefined();
    expect(first.run?.runMs).toBe(1);
    expect(second.ageMs).toBeGreaterThanOrEqual(0);
  });

  it('answers the hits of one turn of the event loop together, when the turn is over', async () => {
    await Promise.all([ask(requestOf([1])), ask(requestOf([2]))]);
    const answered: string[] = [];
    const hit = async (value: number): Promise<void> => {
      await ask(requestOf([value]));
      answered.push(`hit ${value}`);
    };
    const hits = [hit(1), hit(2)];
    process.nextTick(() => answered.push('the same turn'));
    await Promise.all(hits);
    expect(answered).toEqual(['the same turn', 'hit 1', 'hit 2']);
  });

  it('notes on the trace of a request when Redis was asked, and whether it knew', async () => {
    const entries = new Map<string, CacheEntry>();
    const tier = {
      get: (key: string) => Promise.resolve(entries.get(key)),
      set: (key: string, entry: CacheEntry) => void entries.set(key, entry),
    } as Partial<CacheTier> as CacheTier;
    const traced = async (): Promise<TraceRecord> => {
      const record = new TraceRecord(undefined, '/infer', { add: () => undefined });
      // Another process, which has nothing in memory.
      cache = new PredictionCache(SETTINGS, tier);
      await ask(requestOf([1, 2], { trace: { incoming: undefined, record } }));
      return record;
    };
    const [first, second] = [await traced(), await traced()];
    expect([first.lookup!.hit, second.lookup!.hit, runs]).toEqual([false, true, 1]);
    expect(second.lookup!.endMs).toBeGreaterThanOrEqual(second.lookup!.startMs);
  });

  it('does not hold on to what the run lies in', async () => {
    const first = await ask(requestOf([1, 2]));
    (first.outputs[1]!.data as Float32Array).fill(7);
    expect((await ask(requestOf([1, 2]))).outputs[1]!.data).toEqual(Float32Array.of(2, 4));
  });

  it('tells requests, versions and models apart', async () => {
    await ask(requestOf([1, 2]));
    expect(
      await outcomes(
        ask(requestOf([1, 3])),
        ask(requestOf([1, 2]), modelWith({ version: '2' })),
        ask(requestOf([1, 2]), modelWith({ digest: 'b'.repeat(64) })),
        ask(requestOf([1, 2]), modelWith({ name: 'n' })),
      ),
    ).toEqual(['MISS', 'MISS', 'MISS', 'MISS']);
  });

  it('meets its entries again after a reload of the same content', async () => {
    await ask(requestOf([1, 2]));
    expect((await ask(requestOf([1, 2]), modelWith())).outcome).toBe('HIT');
  });

  it('keeps only the outputs that were asked for, in whatever order', async () => {
    const all = await ask(requestOf([1, 2], { outputs: ['twice', 'sum'] }));
    const again = await ask(requestOf([1, 2]));
    const some = await ask(requestOf([1, 2], { outputs: ['twice'] }));
    const once = await ask(requestOf([1, 2], { outputs: ['twice'] }));
    expect([all, again, some, once].map(({ outcome }) => outcome)).toEqual(['MISS', 'HIT', 'MISS', 'HIT']);
    expect(again.outputs.map(({ name }) => name)).toEqual(['sum', 'twice']);
    expect(once.outputs.map(({ name }) => name)).toEqual(['twice']);
  });

  it.each([
    ['the request', requestOf([1], { cacheUse: 'none' }), model, SETTINGS],
    ['the server', requestOf([1]), model, { ...SETTINGS, enabled: false }],
    ['the model', requestOf([1]), modelWith({ config: { cache: { ...CACHED, enabled: false } } }), SETTINGS],
    ['a model that is not deterministic', requestOf([1]), modelWith({ deterministic: false }), SETTINGS],
  ])('stays out of the way where %s does not want it', async (_, request, of, settings) => {
    cache = new PredictionCache(settings, undefined);
    expect(await outcomes(ask(request, of), ask(request, of))).toEqual(['BYPASS', 'BYPASS']);
    expect(cache.statistics().memory).toMatchObject({ entries: 0, hits: 0, misses: 0 });
  });

  it('runs for a request that wants it fresh, and keeps the result for others', async () => {
    const fresh = requestOf([1], { cacheUse: 'refresh' });
    expect(await outcomes(ask(fresh))).toEqual(['BYPASS']);
    expect(await outcomes(ask(requestOf([1])))).toEqual(['HIT']);
    expect(await outcomes(ask(fresh))).toEqual(['BYPASS']);
    expect(runs).toBe(2);
  });

  it('shares a run among equal requests that come together', async () => {
    const answers = await Promise.all([ask(requestOf([1])), ask(requestOf([1])), ask(requestOf([2]))]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['MISS', 'SHARED', 'MISS']);
    expect(answers[1].outputs).toEqual(answers[0].outputs);
    expect(answers[1].run).toBeUndefined();
    expect(runs).toBe(2);
  });

  it('keeps no failure', async () => {
    const failing = cache.answer(model, requestOf([1]), () =>
      Promise.reject(new DomainError('runtime_failure', 'no')),
    );
    await expect(failing).rejects.toThrow('no');
    expect((await ask(requestOf([1]))).outcome).toBe('MISS');
  });

  it('keeps nothing that is larger than an entry may be', async () => {
    const large = requestOf(new Array<number>(3000).fill(1));
    expect(await outcomes(ask(large))).toEqual(['MISS']);
    expect(await outcomes(ask(large))).toEqual(['MISS']);
    expect(cache.statistics().memory.entries).toBe(0);
  });

  it("lets entries grow no older than the model's own limit, or the server's", async () => {
    const now = jest.spyOn(performance, 'now');
    const brief = modelWith({ config: { cache: { ...CACHED, ttlSeconds: 2 } } });
    now.mockReturnValue(10_000);
    await ask(requestOf([1]), brief);
    await ask(requestOf([2]));
    now.mockReturnValue(11_999);
    expect(await ask(requestOf([1]), brief)).toMatchObject({ outcome: 'HIT', ageMs: 1999 });
    now.mockReturnValue(12_000);
    expect(await outcomes(ask(requestOf([1]), brief))).toEqual(['MISS']);
    now.mockReturnValue(309_999);
    expect(await outcomes(ask(requestOf([2])))).toEqual(['HIT']);
    now.mockReturnValue(310_000);
    expect(await outcomes(ask(requestOf([2])))).toEqual(['MISS']);
    now.mockRestore();
  });

  it('forgets a model, or everything', async () => {
    const other = modelWith({ name: 'mm' });
    await Promise.all([ask(requestOf([1])), ask(requestOf([2])), ask(requestOf([1]), other)]);
    expect(await cache.clearHere('m')).toBe(2);
    expect(await outcomes(ask(requestOf([1]), other), ask(requestOf([1])))).toEqual(['HIT', 'MISS']);
    expect(await cache.clearHere(undefined)).toBe(2);
    expect(await cache.clearRedis(undefined)).toBeUndefined();
  });

  it('does not bring back what ran while it was cleared', async () => {
    const running = ask(requestOf([1]));
    await cache.clearHere(undefined);
    await running;
    expect((await ask(requestOf([1]))).outcome).toBe('MISS');
  });

  it('gives the inputs back once, however the answer came about', async () => {
    const consumed: number[] = [];
    const counted = (index: number, change: Partial<CachedRequest> = {}): CachedRequest =>
      requestOf([1], { onInputsConsumed: () => void consumed.push(index), ...change });
    await Promise.all([ask(counted(0)), ask(counted(1))]);
    await ask(counted(2));
    await ask(counted(3, { cacheUse: 'none' }));
    await ask(counted(4, { cacheUse: 'refresh' }));
    const left = ask(counted(5, { signal: { aborted: true } }));
    await left;
    expect(consumed.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
