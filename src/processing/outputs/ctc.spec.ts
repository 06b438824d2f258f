import type { Tensor } from '../../tensors/tensor';
import { assetsOf } from '../testing/assets';
import { CTC, type CtcPlan, finishCtc } from './ctc';

const PLAN: CtcPlan = {
  type: 'ctc',
  name: 'text',
  from: 'x',
  activation: 'none',
  blank: 0,
  characters: ['', 'a', 'b', ' '],
};

/** A step for each class: it is sure by so much. */
function steps(...best: readonly (readonly [id: number, score: number])[]): Tensor {
  const data = new Float32Array(best.length * 4);
  best.forEach(([id, score], i) => (data[i * 4 + id] = score));
  return { name: 'x', datatype: 'FP32', shape: [1, best.length, 4], data };
}

function read(output: Tensor, plan: Partial<CtcPlan> = {}): readonly [unknown, unknown] {
  const [text, score] = finishCtc({ ...PLAN, ...plan }, { outputs: [output], contexts: [], options: {} });
  return [text?.data[0], score?.data[0]];
}

describe('a line of text', () => {
  it('leaves repetitions out, and keeps those that a blank parts', () => {
    expect(read(steps([1, 1], [1, 0.5], [0, 1], [1, 0.5], [2, 0.75], [3, 0.75], [3, 1]))).toEqual([
      'aab ',
      0.75,
    ]);
  });

  it('is empty where there is nothing but blanks', () => {
    expect(read(steps([0, 1], [0, 1]))).toEqual(['', 0]);
  });

  it('is empty where there is no step, and may have one letter, its blank at either end', () => {
    expect(read(steps())).toEqual(['', 0]);
    const letter = (values: readonly number[]): Tensor => ({
      name: 'x',
      datatype: 'FP32',
      shape: [1, 3, 2],
      data: Float32Array.from(values),
    });
    const values = [1, 0, 0, 1, 1, 0];
    expect(read(letter(values), { characters: ['', 'a'], blank: 0 })[0]).toBe('a');
    expect(read(letter(values), { characters: ['a', ''], blank: 1 })[0]).toBe('aa');
  });

  it('is none where the labels make other classes than the model has', () => {
    expect(() => read(steps([1, 1]), { characters: ['', 'a', 'b'] })).toThrow(
      'x has 4 classes, and the labels make 3.',
    );
  });

  it('has its score of softmax where the model leaves that out', () => {
    const [text, score] = read(steps([1, 2]), { activation: 'softmax' });
    expect(text).toBe('a');
    expect(score).toBeCloseTo(Math.exp(2) / (Math.exp(2) + 3), 6);
  });

  it('has characters out of a file, with the blank before them and more behind', async () => {
    const faults: string[] = [];
    const declared = CTC.read('text', { labels: 'keys.txt', append: ' ' }, faults);
    expect(declared.assets).toEqual(['keys.txt']);
    const outputs = [{ name: 'x', datatype: 'FP32', shape: [-1, -1, 4] } as const];
    const assets = assetsOf({ 'keys.txt': 'a\nb\n' });
    const bound = await declared.bind({ inputs: [], outputs }, assets, (one) => faults.push(one));
    expect(bound?.plan.characters).toEqual(['', 'a', 'b', ' ']);
    expect(faults).toEqual([]);
    const five = outputs.map((output) => ({ ...output, shape: [-1, -1, 5] }));
    await declared.bind({ inputs: [], outputs: five }, assets, (one) => faults.push(one));
    expect(faults).toEqual(['labels: make 4 classes with the blank, but the model has 5']);
  });
});
