import type { RequestInputs } from '../runners/runner';
import type { RowPadding } from '../tensors/row-padding';
import { FakeRunner, valuesOf } from './testing/fake-runner';
import { Harness } from './testing/harness';

const PADDING: RowPadding = { bucket: 8, fill: { ids: 7 }, side: 'right' };

/** Rows of token ids, as many as there are lists, and their masks. */
function tokens(...rows: readonly (readonly number[])[]): RequestInputs {
  const shape = [rows.length, rows[0]!.length];
  return [
    { name: 'ids', datatype: 'FP32', shape, data: Float32Array.from(rows.flat()) },
    { name: 'mask', datatype: 'INT64', shape, data: BigInt64Array.from(rows.flat(), () => 1n) },
  ];
}

/** A busy model, so that what is sent next runs together. */
async function busy() {
  const harness = new Harness();
  const runner = new FakeRunner();
  const model = harness.model(runner);
  harness.submit(model, tokens([0]), { padding: PADDING });
  await harness.clock.advance(1);
  return { harness, runner, model };
}

describe('rows of different lengths', () => {
  it('run together, the shorter ones padded to the longest', async () => {
    const { harness, runner, model } = await busy();
    harness.submit(model, tokens([1, 2]), { padding: PADDING });
    harness.submit(model, tokens([3, 4, 5], [6, 7, 8]), { padding: PADDING });
    harness.submit(model, tokens([9]), { padding: PADDING });
    runner.last.finish();
    await harness.clock.advance(1);
    const { batch } = runner.last;
    expect(batch.map(([ids]) => ids?.shape)).toEqual([
      [1, 3],
      [2, 3],
      [1, 3],
    ]);
    expect(batch.map((inputs) => valuesOf(inputs))).toEqual([
      [1, 2, 7],
      [3, 4, 5, 6, 7, 8],
      [9, 7, 7],
    ]);
    expect(batch.map(([, mask]) => Array.from(mask!.data as BigInt64Array, Number))).toEqual([
      [1, 1, 0],
      [1, 1, 1, 1, 1, 1],
      [1, 0, 0],
    ]);
  });

  it('are padded on the left where that is asked for', async () => {
    const { harness, runner, model } = await busy();
    const padding = { ...PADDING, side: 'left' as const };
    harness.submit(model, tokens([1], [2]), { padding });
    harness.submit(model, tokens([3, 4, 5]), { padding });
    runner.last.finish();
    await harness.clock.advance(1);
    const { batch } = runner.last;
    expect(batch.map((inputs) => valuesOf(inputs))).toEqual([
      [7, 7, 1, 7, 7, 2],
      [3, 4, 5],
    ]);
    expect(Array.from(batch[0]![1]!.data as BigInt64Array, Number)).toEqual([0, 0, 1, 0, 0, 1]);
  });

  it('wait for their own where they are of another bucket, or padded by nobody', async () => {
    const { harness, runner, model } = await busy();
    harness.submit(model, tokens([1, 2]), { padding: PADDING });
    harness.submit(model, tokens([1, 2]), { padding: { bucket: 16, fill: {}, side: 'right' } });
    harness.submit(model, tokens([1, 2]));
    harness.submit(model, tokens([3]), { padding: PADDING });
    for (let run = 0; run < 4; run++) {
      runner.last.finish();
      await harness.clock.advance(1);
    }
    expect(runner.runs.slice(1, 4).map(({ batch }) => batch.map((inputs) => valuesOf(inputs)))).toEqual([
      [
        [1, 2],
        [3, 7],
      ],
      [[1, 2]],
      [[1, 2]],
    ]);
  });

  it('run together as many as their own length is worth, whatever others cost that ran alone', async () => {
    const harness = new Harness();
    const runner = new FakeRunner(1, (run) => {
      const isLong = run.batch[0]![0]!.shape[1] === 40;
      harness.clock.setTimeout(() => run.finish(), isLong ? 20 + 8 * run.rows : 3);
    });
    const model = harness.model(runner);
    const long = Array.from({ length: 40 }, () => 1);
    const padding = { ...PADDING, bucket: 48 };
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 6; i++) {
        harness.submit(model, tokens([1, 2]), { padding: PADDING });
        await harness.clock.advance(10);
      }
      for (let i = 0; i < 9; i++) harness.submit(model, tokens(long), { padding });
      await harness.clock.advance(500);
    }
    // Nine wait, of which eight fit.
    expect(runner.runs.slice(-2).map(({ rows }) => rows)).toEqual([8, 1]);
  });

  it('are as long as they came where they run alone', async () => {
    const { harness, runner, model } = await busy();
    const { outcome } = harness.submit(model, tokens([1, 2]), { padding: PADDING });
    runner.last.finish();
    await harness.clock.advance(1);
    expect(runner.last.batch[0]?.[0]?.shape).toEqual([1, 2]);
    runner.last.finish();
    await harness.clock.advance(1);
    expect(outcome.result?.outputs[0]?.shape).toEqual([1, 2]);
  });
});
