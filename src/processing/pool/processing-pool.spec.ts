import type { ImagePlan } from '../images/image-plan';
import type { RawInput } from '../raw-input';
import type { TablePlan, TableTensorPlan } from '../table/table-plan';
import { blackPng, digestOf, expectations, picture } from '../testing/pictures';
import { type PoolSettings, ProcessingPool } from './processing-pool';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/processing-thread-file'));

const PLAN: ImagePlan = {
  type: 'image',
  name: 'image',
  to: { name: 'x', datatype: 'UINT8', shape: [-1, -1, -1, 3] },
  covers: ['x'],
  orient: 'exif',
  color: 'rgb',
  resize: { mode: 'none' },
  filter: 'bilinear',
  antialias: true,
  crop: undefined,
  scale: { times: 1, over: 1 },
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'nhwc',
};
const ONE_COLUMN: TableTensorPlan = {
  to: 'x',
  datatype: 'FP32',
  isMatrix: false,
  columns: [{ name: 'x', type: 'number', missing: undefined, values: undefined }],
};
const FOR_EVER = { deadlineMs: Infinity };

function raw(...pieces: Uint8Array[]): RawInput[] {
  return [{ name: 'image', media: 'image', pieces, isList: false }];
}

describe('the processing pool', () => {
  let pool: ProcessingPool;

  function start(maxWaiting = 4, threads = 1, recording?: PoolSettings['recording']): ProcessingPool {
    const limits = {
      maxImagePixels: 50_000_000,
      imageBytes: 512 * 1024 * 1024,
      maxInputs: 64,
      tables: { maxRows: 1, maxColumns: 1, maxCellLength: 1 },
    };
    pool = new ProcessingPool({ threads, maxWaiting, setup: { niceness: 0, limits }, recording });
    return pool;
  }

  afterEach(() => pool.shutDown());

  it('decodes on its threads, and leaves the request its own bytes', async () => {
    const pipeline = await start(4, 2).open([PLAN], []);
    const [expected] = expectations().decoded;
    const bytes = picture(expected!.name);
    const [run] = await pool.prepare(pipeline, raw(bytes), {}, FOR_EVER);
    expect(digestOf(run!.tensors[0]!.data as Uint8Array)).toBe(expected!.rgb);
    expect(run!.contexts).toMatchObject([{ type: 'image', frames: [{ width: 70, height: 50 }] }]);
    expect(bytes.length).toBeGreaterThan(0);
  });

  it('has places in the record of runs for all that a thread does at a time, and gives them back', async () => {
    const taken = new Set<number>();
    const recording = {
      take: () => {
        const place = taken.size;
        taken.add(place);
        return { on: new SharedArrayBuffer(4), file: '/nowhere', place };
      },
      giveBack: ({ place }: { place: number }) => void taken.delete(place),
    };
    const pipeline = await start(4, 1, recording).open([PLAN], [], 'm/1');
    expect(taken).toEqual(new Set([0, 1]));
    await Promise.all([1, 2, 3].map(() => pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER)));
    await pool.shutDown();
    expect(taken).toEqual(new Set());
  });

  it('starts a thread for rows only when the first come, and answers them should it end before', async () => {
    const row: TablePlan = { type: 'table', name: 'row', covers: ['x'], tensors: [ONE_COLUMN] };
    const pipeline = await start(4, 2).open([row], []);
    const records: RawInput[] = [{ name: 'row', media: 'json', pieces: ['{"x": 7}'], isList: false }];
    expect([pool.threadCount, startingThread(pool)]).toEqual([0, undefined]);
    const lost = pool.prepare(pipeline, records, {}, FOR_EVER);
    await startingThread(pool)?.terminate();
    await expect(lost).rejects.toMatchObject({ code: 'internal_error' });
    const [run] = await pool.prepare(pipeline, records, {}, FOR_EVER);
    expect(run?.tensors).toEqual([{ name: 'x', datatype: 'FP32', shape: [1], data: Float32Array.of(7) }]);
    expect(pool.threadCount).toBe(1);
  });

  it('knows on its first thread, whoever starts it, what rows were opened for before', async () => {
    const row: TablePlan = { type: 'table', name: 'row', covers: ['x'], tensors: [ONE_COLUMN] };
    const records: RawInput[] = [{ name: 'row', media: 'json', pieces: ['{"x": 7}'], isList: false }];
    const rows = await start(4, 1).open([row], []);
    const pictures = await pool.open([PLAN], []);
    expect(pool.threadCount).toBe(1);
    expect(await pool.prepare(rows, records, {}, FOR_EVER)).toHaveLength(1);
    expect(await pool.prepare(pictures, raw(picture('one.png')), {}, FOR_EVER)).toHaveLength(1);
    await pool.shutDown();
    const early = await start(4, 1).open([row], []);
    const asked = pool.prepare(early, records, {}, FOR_EVER);
    const late = await pool.open([PLAN], []);
    expect(await asked).toHaveLength(1);
    expect(await pool.prepare(late, raw(picture('one.png')), {}, FOR_EVER)).toHaveLength(1);
    expect(pool.threadCount).toBe(1);
  });

  it('says since when it works on something', async () => {
    const pipeline = await start(4, 2).open([PLAN], []);
    expect(pool.busySinceMs).toBe(Infinity);
    const beforeMs = performance.now();
    const first = pool.prepare(pipeline, raw(blackPng(2000, 2000)), {}, FOR_EVER);
    const sinceMs = pool.busySinceMs;
    expect(sinceMs).toBeGreaterThanOrEqual(beforeMs);
    const others = [1, 2, 3].map(() => pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER));
    expect(pool.busySinceMs).toBe(sinceMs);
    await Promise.all([first, ...others]);
    expect(pool.busySinceMs).toBe(Infinity);
  });

  it('starts a second thread when work comes while the first is busy, which knows the pipelines, and no third', async () => {
    const pipeline = await start(8, 2).open([PLAN], []);
    const one = raw(picture('one.png'));
    await pool.prepare(pipeline, one, {}, FOR_EVER);
    await pool.prepare(pipeline, one, {}, FOR_EVER);
    expect(threadsOf(pool)).toHaveLength(1);
    // The first is held up until the second has come.
    let held = true;
    const holding = (async () => {
      while (held)
        await Promise.all([1, 2].map(() => pool.prepare(pipeline, raw(blackPng(500, 500)), {}, FOR_EVER)));
    })();
    while (threadsOf(pool).length < 2) await pool.prepare(pipeline, one, {}, FOR_EVER);
    held = false;
    await holding;
    const runs = await Promise.all([1, 2, 3, 4, 5, 6].map(() => pool.prepare(pipeline, one, {}, FOR_EVER)));
    for (const [run] of runs) expect(run?.tensors[0]?.shape).toEqual([1, 1, 1, 3]);
    expect(pool.processed.count.prepare).toBeGreaterThanOrEqual(8);
    expect(pool.processed.busyMs.prepare).toBeGreaterThan(0);
    expect(threadsOf(pool)).toHaveLength(2);
  });

  it('hands on what a step refuses, with its code', async () => {
    const pipeline = await start().open([PLAN], []);
    await expect(pool.prepare(pipeline, raw(Buffer.from('?')), {}, FOR_EVER)).rejects.toMatchObject({
      code: 'invalid_image',
      message: 'Input "image": not a JPEG, PNG, WebP, GIF, TIFF or AVIF image.',
    });
  });

  it('makes answers of large outputs, and keeps the memory that others look into', async () => {
    const plan = { type: 'raw', name: 'values', from: 'y' } as const;
    const pipeline = await start().open([], [plan]);
    const batch = Float32Array.of(1, 2, 3, 4);
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: batch.subarray(2) } as const];
    const finished = await pool.finish(pipeline, outputs, [], {}, FOR_EVER);
    expect(finished).toEqual([
      { name: 'values', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(3, 4) },
    ]);
    expect(batch).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('bounds what waits, and answers everybody', async () => {
    const pipeline = await start(2).open([PLAN], []);
    const large = blackPng(2000, 2000);
    const all = Array.from({ length: 6 }, () => pool.prepare(pipeline, raw(large), {}, FOR_EVER));
    expect(pool.waitingCount).toBe(2);
    const ends = await Promise.allSettled(all);
    expect(ends.map(({ status }) => status)).toEqual([
      ...new Array<string>(4).fill('fulfilled'),
      'rejected',
      'rejected',
    ]);
    expect(ends[5]).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 1 } });
    expect(pool.waitingCount).toBe(0);
  });

  it('lets nobody wait beyond his deadline, and drops what a client that left had waiting', async () => {
    const pipeline = await start().open([PLAN], []);
    const large = blackPng(5000, 5000);
    const running = [1, 2].map(() => pool.prepare(pipeline, raw(large), {}, FOR_EVER));
    const signal = { aborted: false };
    const late = pool.prepare(pipeline, raw(large), {}, { deadlineMs: performance.now() + 5 });
    const gone = pool.prepare(pipeline, raw(large), {}, { deadlineMs: Infinity, signal });
    signal.aborted = true;
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(gone).rejects.toMatchObject({ code: 'client_closed_request' });
    await Promise.all(running);
  });

  it('lets nobody wait beyond his deadline for a thread that is at work on it', async () => {
    const pipeline = await start().open([PLAN], []);
    const running = pool.prepare(
      pipeline,
      raw(blackPng(5000, 5000)),
      {},
      { deadlineMs: performance.now() + 1 },
    );
    await expect(running).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const [run] = await pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER);
    expect(run?.tensors[0]?.shape).toEqual([1, 1, 1, 3]);
  });

  it('replaces a thread that ends, which knows the pipelines of before', async () => {
    const pipeline = await start().open([PLAN], []);
    const lost = pool.prepare(pipeline, raw(blackPng(5000, 5000)), {}, FOR_EVER);
    await endOneThread(pool);
    await expect(lost).rejects.toMatchObject({ code: 'internal_error' });
    const [run] = await pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER);
    expect(run?.tensors[0]?.shape).toEqual([1, 1, 1, 3]);
  });

  it('knows nothing of a pipeline that was closed, and refuses when it is shut down', async () => {
    const pipeline = await start().open([PLAN], []);
    pool.close(pipeline);
    await expect(pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER)).rejects.toMatchObject({
      code: 'internal_error',
    });
    await pool.shutDown();
    await expect(pool.prepare(pipeline, raw(picture('one.png')), {}, FOR_EVER)).rejects.toMatchObject({
      code: 'draining',
    });
  });
});

function threadsOf(pool: ProcessingPool): { terminate(): Promise<void> }[] {
  return (pool as unknown as { threads: { terminate(): Promise<void> }[] }).threads;
}

function startingThread(pool: ProcessingPool): { terminate(): Promise<void> } | undefined {
  return (pool as unknown as { coming: { terminate(): Promise<void> } | undefined }).coming;
}

/** As if it had run out of memory. */
async function endOneThread(pool: ProcessingPool): Promise<void> {
  await threadsOf(pool)[0]?.terminate();
}
