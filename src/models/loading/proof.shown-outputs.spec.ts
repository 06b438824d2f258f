import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { shownOutputs } from './proof';

const X: TensorSpec = { name: 'x', datatype: 'FP32', shape: [-1, 2] };
const LABEL: TensorSpec = { name: 'label', datatype: 'INT64', shape: [1] };
const SCORES: TensorSpec = { name: 'scores', datatype: 'FP32', shape: [-1, 3] };
const SAMPLE: Tensor[] = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) }];

/** A classifier whose label has as many elements as `labels` says of the rows. */
const classifier = (labels: (rows: number) => number, inputs = [X]) => ({
  inputs,
  outputs: [LABEL, SCORES],
  run: (batch: readonly unknown[]): Promise<Tensor[]> => {
    const rows = batch.length;
    const count = labels(rows);
    return Promise.resolve([
      { name: 'label', datatype: 'INT64', shape: [count], data: new BigInt64Array(count) },
      { name: 'scores', datatype: 'FP32', shape: [rows, 3], data: new Float32Array(rows * 3) },
    ]);
  },
});

describe('a label that is declared [1] beside rows', () => {
  it('is one for each row where two rows give two', async () => {
    const outputs = await shownOutputs(
      classifier((rows) => rows),
      SAMPLE,
    );
    expect(outputs.map(({ shape }) => shape)).toEqual([[-1], [-1, 3]]);
  });

  it.each([
    ['two rows give one', classifier(() => 1), SAMPLE],
    ['the inputs are no rows', classifier((rows) => rows, [{ ...X, shape: [1, 2] }]), SAMPLE],
    ['no sample is known', classifier((rows) => rows), undefined],
    [
      'two rows do not run',
      { ...classifier((rows) => rows), run: () => Promise.reject(new Error('no')) },
      SAMPLE,
    ],
  ])('is as declared where %s', async (_what, runner, sample) => {
    expect(await shownOutputs(runner, sample)).toEqual([LABEL, SCORES]);
  });
});
