import type { RequestInputs } from '../runners/runner';
import { numberToHalf } from '../tensors/numbers/float16';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { declaresBatch, verifyBatching } from './batch-check';
import { rowsOf } from './testing/fake-runner';

const spec = (name: string, ...shape: number[]): TensorSpec => ({ name, datatype: 'FP32', shape });

/** Joins the requests, and computes the output's values from the input's and its width. */
function runnerOf(
  compute: (values: number[], width: number, rows: number) => number[],
  inputs: readonly TensorSpec[] = [spec('x', -1, 4)],
) {
  return {
    inputs,
    run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
      const rows = batch.reduce((sum, [x]) => sum + x!.shape[0]!, 0);
      const width = batch[0]![0]!.shape[1]!;
      const values = batch.flatMap(([x]) => Array.from(x!.data as Float32Array));
      const data = Float32Array.from(compute(values, width, rows));
      return Promise.resolve([{ name: 'y', datatype: 'FP32', shape: [rows, data.length / rows], data }]);
    },
  };
}

describe('declaresBatch', () => {
  it('wants a dynamic leading dimension of every input and output', () => {
    expect(declaresBatch([spec('a', -1, 3), spec('b', -1)], [spec('y', -1)])).toEqual({ batchable: true });
    expect(declaresBatch([spec('a', -1, 3), spec('state', 2, -1, 128)], [spec('y', -1)]).reason).toBe(
      'input "state" [2, -1, 128] has no dynamic leading dimension',
    );
    expect(declaresBatch([spec('a', -1)], [spec('sum')]).reason).toBe(
      'output "sum" [] has no dynamic leading dimension',
    );
    expect(declaresBatch([], [spec('y', -1)]).batchable).toBe(false);
  });
});

describe('verifyBatching', () => {
  it('accepts rows that leave each other alone', async () => {
    expect(await verifyBatching(runnerOf((values) => values.map((x) => 3 * x + 1)))).toEqual({
      batchable: true,
    });
  });

  it('accepts the noise of another order of additions, not more', async () => {
    const noisy = (noise: number) =>
      runnerOf((values, _width, rows) => values.map((x) => x * (1 + (rows - 1) * noise)));
    expect((await verifyBatching(noisy(1e-5))).batchable).toBe(true);
    expect((await verifyBatching(noisy(1e-2))).batchable).toBe(false);
  });

  it('refuses a model that mixes the rows', async () => {
    const mixing = runnerOf((values) => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      return values.map((x) => x - mean);
    });
    expect(await verifyBatching(mixing)).toEqual({
      batchable: false,
      reason: 'output "y" of a row differs in a batch',
    });
  });

  it('refuses a model that hands the rows back in another order', async () => {
    const reversing = runnerOf((values) => [...values].reverse());
    expect((await verifyBatching(reversing)).batchable).toBe(false);
  });

  it('refuses a model whose outputs have other rows than its inputs', async () => {
    const keepsFirst = {
      inputs: [spec('x', -1, 4)],
      run: () =>
        Promise.resolve<Tensor[]>([{ name: 'y', datatype: 'FP32', shape: [1], data: Float32Array.of(1) }]),
    };
    expect(await verifyBatching(keepsFirst)).toEqual({
      batchable: false,
      reason: 'output "y" has 1 rows for a batch of 2',
    });
  });

  it('tells infinities and NaN from numbers', async () => {
    const batchValue = (value: number) =>
      runnerOf((values, _width, rows) => values.map(() => (rows > 1 ? value : 1)));
    for (const value of [Infinity, -Infinity, NaN]) {
      expect((await verifyBatching(batchValue(value))).batchable).toBe(false);
      expect((await verifyBatching(runnerOf((values) => values.map(() => value)))).batchable).toBe(true);
    }
  });

  it('tries sizes for further dynamic dimensions until one runs', async () => {
    const strided = runnerOf(
      (values, width) => {
        if (width % 32 !== 0) throw new Error(`width ${width} is not a multiple of 32`);
        return values;
      },
      [spec('x', -1, -1)],
    );
    expect(await verifyBatching(strided)).toEqual({ batchable: true });
  });

  it('takes the sizes of a sample, and its first row where the model takes no wilder ones', async () => {
    const firstRows: number[] = [];
    const picky = runnerOf(
      (values, width) => {
        if (width !== 3) throw new Error('width is not 3');
        if (values.some((x) => x < 0)) throw new Error('only positive numbers');
        firstRows.push(values[0]!);
        return values;
      },
      [spec('x', -1, -1)],
    );
    expect(await verifyBatching(picky, rowsOf([7, 8, 9, 1, 2, 3], 3))).toEqual({ batchable: true });
    expect(firstRows[0]).toBe(7);
  });

  it('makes no rows that are too large to make', async () => {
    const open = [spec('x', -1, -1, -1, -1, -1, -1)];
    const sizes: number[] = [];
    const wide = {
      inputs: open,
      run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
        sizes.push(batch[0]![0]!.data.length);
        throw new Error('too small');
      },
    };
    expect(await verifyBatching(wide)).toEqual({
      batchable: false,
      reason: 'the check could not run: too small',
    });
    expect(new Set(sizes)).toEqual(new Set([1, 8 ** 5]));
  });

  describe('finds rows that are coupled', () => {
    const largest = (values: number[]): number => Math.max(...values.map(Math.abs));
    it.each<[string, (values: number[], width: number, rows: number) => number[]]>([
      ['by a sum that goes on from row to row', (v, width) => v.map((_, i) => v[i]! + (v[i - width] ?? 0))],
      ['by the row that follows', (v, width) => v.map((_, i) => v[i]! + (v[i + width] ?? 0))],
      ['where one stands out', (v) => v.map((x) => (largest(v) > 20 ? 0 : x))],
      [
        'by a scale of the largest',
        (v) => v.map((x) => Math.round((x / largest(v)) * 127) * (largest(v) / 127)),
      ],
      ['by the sign of the sum', (v) => v.map((x) => (v.reduce((sum, y) => sum + y, 0) > 0 ? 2 * x : -x))],
    ])('%s', async (_, compute) => {
      expect(await verifyBatching(runnerOf(compute))).toEqual({
        batchable: false,
        reason: 'output "y" of a row differs in a batch',
      });
    });

    it('of whole numbers beyond 0 and 1', async () => {
      const runner = {
        inputs: [{ name: 'x', datatype: 'INT32', shape: [-1] } as const],
        run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
          const values = batch.flatMap(([x]) => Array.from(x!.data as Int32Array));
          const data = Int32Array.from(values, (x) => (values.some((other) => other > 40) ? 0 : x));
          return Promise.resolve([{ name: 'y', datatype: 'INT32', shape: [values.length], data }]);
        },
      };
      expect((await verifyBatching(runner)).batchable).toBe(false);
    });
  });

  it('refuses a model that does not run rows together which it runs alone', async () => {
    const single = runnerOf((values, _, rows) => {
      if (rows > 1) throw new Error('one at a time');
      return values;
    });
    expect(await verifyBatching(single)).toEqual({
      batchable: false,
      reason: 'rows that run alone do not run together: one at a time',
    });
  });

  it('gives the reason when the model refuses to run', async () => {
    const refusing = runnerOf(() => {
      throw new Error('no such index');
    });
    expect(await verifyBatching(refusing)).toEqual({
      batchable: false,
      reason: 'the check could not run: no such index',
    });
  });

  it.each(['BOOL', 'UINT8', 'INT64', 'UINT64', 'FP16', 'FP64', 'BYTES'] as const)(
    'runs rows that differ for %s',
    async (datatype) => {
      const seen: Tensor['data'][] = [];
      const identity = {
        inputs: [{ name: 'x', datatype, shape: [-1] }],
        run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
          const parts = batch.map(([x]) => x!.data);
          if (batch.length === 1) seen.push(parts[0]!);
          const elements = parts.flatMap((part) => Array.from<unknown>(part as ArrayLike<unknown>));
          return Promise.resolve([
            { name: 'y', datatype, shape: [batch.length], data: elements as unknown as Tensor['data'] },
          ]);
        },
      };
      expect(await verifyBatching(identity)).toEqual({ batchable: true });
      expect(seen[0]).not.toEqual(seen.at(-1));
    },
  );

  it('lets neighbouring halves pass as equal', async () => {
    const wobbling = {
      inputs: [{ name: 'x', datatype: 'FP16', shape: [-1] } as const],
      run: (batch: readonly RequestInputs[]): Promise<Tensor[]> => {
        const half = numberToHalf(0.7) + (batch.length - 1);
        const data = new Uint16Array(batch.length).fill(half);
        return Promise.resolve([{ name: 'y', datatype: 'FP16', shape: [batch.length], data }]);
      },
    };
    expect((await verifyBatching(wobbling)).batchable).toBe(true);
  });
});
