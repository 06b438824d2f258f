import type { Tensor } from '../tensors/tensor';
import { FakeRunner, type GatedRun, valuesOf } from './testing/fake-runner';
import { Harness } from './testing/harness';

const output = (values: readonly number[]): Tensor => ({
  name: 'y',
  datatype: 'FP32',
  shape: [values.length, 1],
  data: Float32Array.from(values),
});
const inputsOf = (run: GatedRun): number[] => run.batch.flatMap(valuesOf);

/** A model of which each value becomes what `compute` makes of all values of its run, after 10 ms. */
function audited(compute: (values: number[]) => Tensor[]) {
  const harness = new Harness();
  const said: string[] = [];
  const audits: boolean[] = [];
  const runner = new FakeRunner(1, (run) =>
    harness.clock.setTimeout(() => run.finishWith(compute(inputsOf(run))), 10),
  );
  const model = harness.model(runner, { audited: true, onBatchesWrong: (reason) => said.push(reason) });
  model.observer = {
    ran: () => undefined,
    runFailed: () => undefined,
    audited: (agrees) => audits.push(agrees),
  };
  return { harness, model, runner, said, audits };
}

describe('Scheduler: the audit of batches', () => {
  it('runs a request of the first batches again alone, in turns from the end and from the start', async () => {
    const { harness, model, runner, said, audits } = audited((values) => [output(values.map((x) => 2 * x))]);
    for (let batch = 0; batch < 9; batch++) {
      const sent = [1, 2, 3].map((x) => harness.submit(model, [10 * batch + x]).outcome);
      await harness.clock.advance(30);
      expect(sent.map(({ result }) => valuesOf(result!.outputs)[0])).toEqual(
        [1, 2, 3].map((x) => 2 * (10 * batch + x)),
      );
    }
    const alone = runner.runs.filter(({ rows }) => rows === 1).map(inputsOf);
    expect(alone).toEqual([[3], [11], [22], [32], [41], [53], [63], [71]]);
    expect(audits).toEqual(Array(8).fill(true));
    expect(runner.runs.filter(({ rows }) => rows > 1).map(({ rows }) => rows)).toEqual(Array(9).fill(3));
    expect(said).toEqual([]);
  });

  it('ends batching where a request gets another answer alone', async () => {
    const { harness, model, runner, said, audits } = audited((values) => [
      output(values.map((_, i) => values.slice(0, i + 1).reduce((sum, x) => sum + x, 0))),
    ]);
    for (const x of [1, 2, 3]) harness.submit(model, [x]);
    await harness.clock.advance(30);
    expect(said).toEqual(['output "y" of a row differs in a batch']);
    expect(audits).toEqual([false]);
    expect(model.batchable).toBe(false);
    const later = [4, 5].map((x) => harness.submit(model, [x]).outcome);
    await harness.clock.advance(30);
    expect(later.map(({ result }) => valuesOf(result!.outputs))).toEqual([[4], [5]]);
    expect(runner.runs.map(({ rows }) => rows)).toEqual([3, 1, 1, 1]);
  });

  it('waits for a free slot, but not for ever', async () => {
    const { harness, model, runner } = audited((values) => [output(values)]);
    const feed = (): void => {
      for (let i = 0; i < 16; i++) harness.submit(model, [i]);
    };
    feed();
    for (let i = 0; i < 100; i++) {
      if (i % 2 === 0) feed();
      await harness.clock.advance(10);
    }
    expect(runner.runs.some(({ rows }) => rows === 1)).toBe(false);
    feed();
    await harness.clock.advance(20);
    expect(runner.runs.filter(({ rows }) => rows === 1)).toHaveLength(1);
  });

  it('takes another class for the break of a tie once, where the floats agree', async () => {
    const { harness, model, said } = audited((values) => [
      output(values),
      {
        name: 'label',
        datatype: 'INT64',
        shape: [values.length],
        data: new BigInt64Array(values.length).fill(BigInt(values.length)),
      },
    ]);
    for (const expected of [[], ['output "label" of a row differs in a batch']]) {
      for (const x of [1, 2]) harness.submit(model, [x]);
      await harness.clock.advance(30);
      expect(said).toEqual(expected);
    }
  });

  it('runs what is in other batches apart, once one was wrong', async () => {
    const harness = new Harness({ slots: 2 });
    const runner = new FakeRunner(2);
    const model = harness.model(runner, { audited: true });
    const first = [1, 2].map((x) => harness.submit(model, [x]).outcome);
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    // The audit is under way.
    const second = [3, 4].map((x) => harness.submit(model, [x]).outcome);
    await harness.clock.settle();
    const [, audit, batch] = runner.runs;
    audit!.finishWith([output([99])]);
    await harness.clock.settle();
    batch!.finish();
    await harness.clock.settle();
    for (const run of runner.runs.slice(3)) run.finish();
    await harness.clock.settle();
    runner.last.finish();
    await harness.clock.settle();
    expect(runner.runs.map(({ rows }) => rows)).toEqual([2, 1, 2, 1, 1]);
    expect([...first, ...second].map(({ result }) => valuesOf(result!.outputs)[0])).toEqual([2, 4, 6, 8]);
  });

  it('keeps the inputs until they are read again, and no longer', async () => {
    const { harness, model } = audited((values) => [output(values)]);
    let consumed = 0;
    const onInputsConsumed = (): number => ++consumed;
    for (const x of [1, 2]) harness.submit(model, [x], { onInputsConsumed });
    await harness.clock.advance(10);
    expect(consumed).toBe(2);
    await harness.clock.advance(30);
    expect(consumed).toBe(2);
  });

  it('is no part of what a model that leaves has to finish', async () => {
    const { harness, model, runner } = audited((values) => [output(values)]);
    for (const x of [1, 2]) harness.submit(model, [x]);
    await harness.clock.settle();
    const drained = model.drain();
    await harness.clock.advance(10);
    await drained;
    expect(runner.runs).toHaveLength(1);
  });
});
