import type { ModelRunner } from '../../runners/runner';
import { numberToHalf } from '../../tensors/numbers/float16';
import type { Tensor } from '../../tensors/tensor';
import { type GoldenCase, goldenCases } from '../repository/golden-case';
import { checkGoldenCases } from './golden-check';

/** A model with an output of each kind, which answers these whatever it is asked. */
class Answering implements ModelRunner {
  readonly inputs = [{ name: 'x', datatype: 'FP32', shape: [-1] }] as const;
  readonly outputs = [
    { name: 'score', datatype: 'FP32', shape: [-1] },
    { name: 'half', datatype: 'FP16', shape: [-1] },
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'text', datatype: 'BYTES', shape: [-1] },
  ] as const;
  readonly concurrency = 1;
  readonly asked: unknown[] = [];
  answer: Tensor[] = [
    { ...this.outputs[0], shape: [2], data: Float32Array.of(0.5, 1000) },
    { ...this.outputs[1], shape: [1], data: Uint16Array.of(numberToHalf(1.5)) },
    { ...this.outputs[2], shape: [1], data: BigInt64Array.of(2n ** 60n) },
    { ...this.outputs[3], shape: [1], data: ['setosa'] },
  ];

  run(batch: readonly unknown[]): Promise<Tensor[]> {
    this.asked.push(...batch);
    return Promise.resolve(this.answer);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const golden = (outputs: GoldenCase['outputs'], tolerance = 1e-4): GoldenCase => ({
  inputs: { x: [1, 2] },
  outputs,
  tolerance,
});

describe('golden cases', () => {
  it('pass where every named output is as expected, and ask the model by its inputs', async () => {
    const model = new Answering();
    const cases = [
      golden({ score: [0.5, 1000], half: [1.5], label: ['1152921504606846976'], text: ['setosa'] }),
      golden({}),
    ];
    await checkGoldenCases(model, cases);
    const given = [{ name: 'x', datatype: 'FP32', shape: [2], data: Float32Array.of(1, 2) }];
    expect(model.asked).toEqual([given, given]);
  });

  it('allow for the tolerance, absolute for small numbers and relative for large ones', async () => {
    const check = (score: number[]): Promise<void> =>
      checkGoldenCases(new Answering(), [golden({ score }, 0.01)]);
    await check([0.51, 1009]);
    await expect(check([0.75, 1000])).rejects.toThrow(/element 0: expected 0\.75, got 0\.5/);
    await expect(check([0.5, 1020])).rejects.toThrow(/element 1: expected 1020, got 1000/);
  });

  it('allow for none in whole numbers of 64 bits and in texts', async () => {
    const check = (outputs: GoldenCase['outputs']): Promise<void> =>
      checkGoldenCases(new Answering(), [golden(outputs, 1000)]);
    await expect(check({ label: ['1152921504606846977'] })).rejects.toThrow(
      /"label": element 0: expected 1152921504606846977, got 1152921504606846976/,
    );
    await expect(check({ text: ['virginica'] })).rejects.toThrow(/expected virginica, got setosa/);
  });

  it('tell NaN from numbers, and take it for itself', async () => {
    const model = new Answering();
    model.answer = [{ ...model.outputs[0], shape: [2], data: Float32Array.of(NaN, Infinity) }];
    await checkGoldenCases(model, [golden({ score: ['NaN', 'Infinity'] })]);
    await expect(checkGoldenCases(model, [golden({ score: [0, 'Infinity'] }, 1e6)])).rejects.toThrow(
      /expected 0, got NaN/,
    );
    // Whatever is tolerated: an infinite difference is none of it.
    await expect(checkGoldenCases(model, [golden({ score: ['NaN', 1] }, 1e6)])).rejects.toThrow(
      /expected 1, got Infinity/,
    );
  });

  it('say which case fails, and how', async () => {
    const model = new Answering();
    const fails = async (outputs: GoldenCase['outputs'], reason: string): Promise<void> => {
      const check = checkGoldenCases(model, [golden({}), golden(outputs)]);
      await expect(check).rejects.toMatchObject({
        code: 'model_unavailable',
        message: `golden case 2 fails: ${reason}`,
      });
    };
    await fails({ score: [0.5] }, 'output "score": expected shape [1], got [2]');
    await fails({ scores: [0.5] }, 'the model has no output "scores"');
    model.answer = [];
    await fails({ score: [0.5, 1000] }, 'output "score": it is missing');
  });

  it('are read from model.yaml with every fault by its case', () => {
    const faults: string[] = [];
    const read = (value: unknown): unknown => goldenCases(value as never, (rule) => void faults.push(rule));
    expect(read([{ inputs: { x: [1] }, outputs: { y: [2] } }])).toEqual([
      { inputs: { x: [1] }, outputs: { y: [2] }, tolerance: 1e-4 },
    ]);
    read([{ inputs: [1] }, { tolerance: -1, output: {} }]);
    expect(faults).toEqual([
      expect.stringMatching(/^1: inputs: must be a mapping/),
      expect.stringMatching(/^2: output: unknown key/),
      expect.stringMatching(/^2: tolerance: must be a number from 0/),
    ]);
  });
});
