import { readdirSync } from 'node:fs';
import * as models from '../../../test/helpers/onnx-models';
import { floats, optionsFor, saved, tensor } from '../../../test/helpers/session-threads';
import type { Tensor } from '../../tensors/tensor';
import { BLOCK_BYTES } from './session-messages';
import { SharedThreads } from './shared-threads';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

const OPTIONS = { niceness: 0, timeoutMs: 20_000, growthBytes: 2 ** 40 };
const unchanged = (): Promise<boolean> => Promise.resolve(true);

function threadsOfProcess(): number {
  return readdirSync('/proc/self/task').length;
}

function dataOf(outputs: readonly Tensor[]): unknown {
  return outputs[0]?.data;
}

describe('threads that small models share', () => {
  it('gives each model its own answers, whoever used the thread before', async () => {
    const threads = new SharedThreads(1, OPTIONS);
    const add = await threads.open(optionsFor(saved(models.addModel(2))), unchanged);
    const same = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), unchanged);
    const text = await threads.open(optionsFor(saved(models.identityModel('BYTES', ['N']))), unchanged);
    const large = BLOCK_BYTES / 2;
    for (let i = 0; i < 20; i++) {
      const runs = await Promise.all([
        add.run([[floats([1, 2], i, 'a'), floats([1, 2], i, 'b')]]),
        same.run([[floats([i + 1], i)]]),
        text.run([[tensor('x', 'BYTES', [1], [`text ${i}`])]]),
      ]);
      expect(runs.map(dataOf)).toEqual([
        Float32Array.of(2 * i, 2 * i + 2),
        Float32Array.from({ length: i + 1 }, (_, k) => i + k),
        [`text ${i}`],
      ]);
      const [big] = await same.run([[floats([large], i)]]);
      expect((big?.data as Float32Array)[large - 1]).toBe(i + large - 1);
    }
  });

  it('reads inputs at once, though a run waits for its turn', async () => {
    const threads = new SharedThreads(1, OPTIONS);
    const slow = await threads.open(optionsFor(saved(models.slowModel(50))), unchanged);
    const same = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), unchanged);
    const first = slow.run([[floats([1, 4])]]);
    const x = floats([3], 5);
    const second = same.run([[x]]);
    (x.data as Float32Array).fill(0);
    expect(dataOf(await second)).toEqual(Float32Array.of(5, 6, 7));
    await first;
  });

  it('takes no thread for a model beyond as many as may run at a time', async () => {
    const before = threadsOfProcess();
    const threads = new SharedThreads(2, OPTIONS);
    const file = saved(models.addModel(2));
    const sessions = await Promise.all(
      Array.from({ length: 30 }, () => threads.open(optionsFor(file), unchanged)),
    );
    expect(threadsOfProcess() - before).toBeLessThanOrEqual(2);
    expect(new Set(sessions.map(({ session }) => session.thread)).size).toBe(2);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('moves those who wait away from a run that takes long, and that model to a thread of its own', async () => {
    const threads = new SharedThreads(1, OPTIONS);
    const slowFile = saved(models.slowModel(20_000));
    const slow = await threads.open(optionsFor(slowFile), unchanged);
    const same = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), unchanged);
    const order: string[] = [];
    const longRun = slow.run([[floats([1, 4])]]).then(() => order.push('slow'));
    expect(dataOf(await same.run([[floats([2], 1)]]))).toEqual(Float32Array.of(1, 2));
    order.push('waited');
    const late = await threads.open(optionsFor(saved(models.addModel(1))), unchanged);
    order.push('loaded');
    await longRun;
    expect(order).toEqual(['waited', 'loaded', 'slow']);
    expect(threads.isSlow(slowFile)).toBe(true);
    expect(late.session.thread).toBe(same.session.thread);
    expect(slow.session.thread).not.toBe(same.session.thread);
    expect(dataOf(await slow.run([[floats([1, 4], 2)]]))).toEqual(Float32Array.of(2, 3, 4, 5));
  });

  it('replaces a thread that has had many sessions, and nobody notices', async () => {
    const threads = new SharedThreads(1, { ...OPTIONS, renewAfter: 3 });
    const file = saved(models.identityModel('FP32', ['N']));
    const stays = await threads.open(optionsFor(file), unchanged);
    const before = stays.session.thread;
    for (let i = 0; i < 4; i++) {
      const passing = await threads.open(optionsFor(file), unchanged);
      expect(dataOf(await stays.run([[floats([2], i)]]))).toEqual(Float32Array.of(i, i + 1));
      await passing.close();
    }
    expect(await before.ended).toBeUndefined();
    expect(stays.session.thread).not.toBe(before);
    expect(dataOf(await stays.run([[floats([1], 9)]]))).toEqual(Float32Array.of(9));
  });

  it('gives back what a model has grown to by the shapes of its inputs, and nobody notices', async () => {
    const MB = 2 ** 20;
    const threads = new SharedThreads(1, { ...OPTIONS, growthBytes: 128 * MB });
    const now = performance.now.bind(performance);
    let passedMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    try {
      const grows = await threads.open(optionsFor(saved(models.growingModel())), unchanged);
      const same = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), unchanged);
      const sizeOf = (n: number): [[Tensor]] => [[tensor('n', 'INT64', [1], BigInt64Array.of(BigInt(n)))]];
      expect(dataOf(await grows.run(sizeOf(10)))).toEqual(Float32Array.of(10));
      const least = process.memoryUsage.rss();
      const before = grows.session.thread;
      expect(dataOf(await grows.run(sizeOf(50 * MB)))).toEqual(Float32Array.of(50 * MB));
      expect(process.memoryUsage.rss() - least).toBeGreaterThan(200 * MB);
      passedMs += 2000;
      const runs = [same.run([[floats([2], 1)]]), grows.run(sizeOf(7))];
      expect((await Promise.all(runs)).map(dataOf)).toEqual([Float32Array.of(1, 2), Float32Array.of(7)]);
      expect(await before.ended).toBeUndefined();
      expect(grows.session.thread).not.toBe(before);
      expect(process.memoryUsage.rss() - least).toBeLessThan(128 * MB);
      expect(dataOf(await grows.run(sizeOf(8)))).toEqual(Float32Array.of(8));
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('leaves a model where it is whose files have changed: what serves is what was loaded', async () => {
    const threads = new SharedThreads(1, { ...OPTIONS, renewAfter: 1 });
    const stays = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), () =>
      Promise.resolve(false),
    );
    const before = stays.session.thread;
    const other = await threads.open(optionsFor(saved(models.addModel(1))), unchanged);
    expect(other.session.thread).not.toBe(before);
    expect(dataOf(await stays.run([[floats([2], 1)]]))).toEqual(Float32Array.of(1, 2));
    expect(stays.session.thread).toBe(before);
    await stays.close();
    expect(await before.ended).toBeUndefined();
  });

  it('lets a run in progress finish before its session goes, and refuses later ones', async () => {
    const threads = new SharedThreads(1, OPTIONS);
    const slow = await threads.open(optionsFor(saved(models.slowModel(200))), unchanged);
    const run = slow.run([[floats([1, 4])]]);
    const closing = slow.close();
    await expect(slow.run([[floats([1, 4])]])).rejects.toMatchObject({ code: 'model_unavailable' });
    expect(dataOf(await run)).toEqual(Float32Array.of(0, 1, 2, 3));
    await closing;
    expect(await slow.ended).toBeUndefined();
  });

  it('says why a model does not load, and goes on with the others', async () => {
    const threads = new SharedThreads(1, OPTIONS);
    const same = await threads.open(optionsFor(saved(models.identityModel('FP32', ['N']))), unchanged);
    await expect(threads.open(optionsFor(saved(Buffer.from('no model'))), unchanged)).rejects.toMatchObject({
      code: 'runtime_failure',
    });
    expect(dataOf(await same.run([[floats([1], 3)]]))).toEqual(Float32Array.of(3));
  });
});
