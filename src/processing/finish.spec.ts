import { JsonWriter } from '../tensors/json/json-writer';
import type { Tensor } from '../tensors/tensor';
import { readYamlMapping } from '../config/yaml/yaml-mapping';
import { finishAll, finishingWeight, finishOutput, printRow, tensorsOf } from './finish';
import type { RequestOptions } from './options';
import { CLASSIFICATION, type ClassificationPlan } from './outputs/classification';
import type { DetectionPlan } from './outputs/detection';
import type { EmbeddingPlan } from './outputs/embedding';
import type { OutputPlan } from './plans';
import { assetsOf } from './testing/assets';

const CLASSES: ClassificationPlan = {
  type: 'classification',
  name: 'labels',
  from: 'logits',
  activation: 'softmax',
  labels: ['a', 'b', 'c', 'd'],
  topK: 2,
};

function floats(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: Float32Array.from(values) };
}

function printed(
  plan: OutputPlan,
  outputs: readonly Tensor[],
  options: RequestOptions = {},
  row = 0,
): unknown {
  const writer = new JsonWriter();
  printRow(plan, finishOutput(plan, { outputs, contexts: [], options }), row, writer);
  return JSON.parse(writer.finish().toString());
}

describe('a classification', () => {
  const logits = floats('logits', [2, 4], [1, 3, 2, -1, 0, 0, 5, 0]);

  it('has the likeliest labels with their softmax', () => {
    const [labels, scores] = finishOutput(CLASSES, { outputs: [logits], contexts: [], options: {} });
    expect(labels).toEqual({ name: 'labels', datatype: 'BYTES', shape: [2, 2], data: ['b', 'c', 'c', 'a'] });
    const sum = Math.exp(1) + Math.exp(3) + Math.exp(2) + Math.exp(-1);
    expect(scores).toMatchObject({ name: 'labels.scores', datatype: 'FP32', shape: [2, 2] });
    expect(scores?.data[0]).toBe(Math.fround(Math.exp(3) / sum));
    expect(scores?.data[1]).toBe(Math.fround(Math.exp(2) / sum));
  });

  it('is printed as labels and scores, one row at a time', () => {
    expect(printed(CLASSES, [floats('logits', [1, 4], [0, 100, 0, 0])])).toEqual([
      { label: 'b', score: 1 },
      { label: 'a', score: expect.any(Number) as number },
    ]);
    expect(printed(CLASSES, [logits], {}, 1)).toMatchObject([{ label: 'c' }, { label: 'a' }]);
  });

  it('has as many as are asked for, at most all', () => {
    expect(printed(CLASSES, [logits], { top_k: 1 })).toHaveLength(1);
    expect(printed(CLASSES, [logits], { top_k: 100 })).toHaveLength(4);
  });

  it('puts equal scores in the order of their classes, and NaN last', () => {
    const plain: ClassificationPlan = { ...CLASSES, activation: 'none', topK: 4 };
    const labelsOf = (values: readonly number[]): unknown =>
      (printed(plain, [floats('logits', [1, 4], values)]) as { label: string }[])
        .map(({ label }) => label)
        .join('');
    expect(labelsOf([1, 1, 1, 1])).toBe('abcd');
    expect(labelsOf([NaN, 1, NaN, 2])).toBe('dbac');
    expect(labelsOf([0, -0, 0, -0])).toBe('abcd');
  });

  it('finds the same few of many as the many in order do', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 331);
    const many: ClassificationPlan = { ...CLASSES, activation: 'none', labels: undefined };
    const logits = [floats('logits', [1, 1000], values)];
    const all = printed(many, logits, { top_k: 1000 }) as unknown[];
    expect(printed(many, logits, { top_k: 7 })).toEqual(all.slice(0, 7));
    expect(all[0]).toMatchObject({ label: String(values.indexOf(330)), score: 330 });
  });

  it('is none where the labels are those of other classes', () => {
    const output = floats('logits', [1, 3], [1, 2, 3]);
    expect(() => printed(CLASSES, [output])).toThrow('logits has 3 classes, and 4 labels are declared.');
    expect(printed({ ...CLASSES, labels: undefined }, [output])).toHaveLength(2);
  });

  it('has no rows of none', () => {
    const empty = { outputs: [floats('logits', [0, 4], [])], contexts: [], options: {} };
    expect(finishOutput(CLASSES, empty).map(({ shape }) => shape)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('has independent scores with sigmoid, and reads halves', () => {
    const sigmoid: ClassificationPlan = { ...CLASSES, activation: 'sigmoid' };
    const half: Tensor = {
      name: 'logits',
      datatype: 'FP16',
      shape: [1, 4],
      data: Uint16Array.of(0, 0x4000, 0, 0),
    };
    expect(printed(sigmoid, [half])).toEqual([
      { label: 'b', score: 0.8807971 },
      { label: 'a', score: 0.5 },
    ]);
  });
});

describe('a classification of one number for each row', () => {
  const binary: ClassificationPlan = { ...CLASSES, activation: 'sigmoid', labels: ['no', 'yes'] };

  it.each([[[2]], [[2, 1]], [[2, 1, 1]]])('tells both classes, of shape %j', (shape) => {
    const logits = floats('logits', shape, [Math.log(3), NaN]);
    expect(printed(binary, [logits])).toEqual([
      { label: 'yes', score: 0.75 },
      { label: 'no', score: 0.25 },
    ]);
    expect(printed(binary, [logits], { top_k: 1 }, 1)).toEqual([{ label: 'no', score: 'NaN' }]);
  });

  it('may have but one label', () => {
    const one = { ...binary, activation: 'none' as const, labels: ['yes'] };
    expect(printed(one, [floats('logits', [1, 1], [0.5])])).toEqual([{ label: 'yes', score: 0.5 }]);
  });

  it.each<readonly [string, readonly number[], string]>([
    ['activation: sigmoid, labels: [no, yes]', [-1], 'none'],
    ['activation: none, labels: [yes]', [-1, 1], 'none'],
    ['activation: softmax, labels: [no, yes]', [-1, 1], 'labels: y has one number for each row'],
    ['activation: sigmoid', [-1, 1], 'labels: y has one number for each row'],
    ['activation: none, labels: [a, b, c]', [-1], 'labels: y has one number for each row'],
    ['labels: [a, b, c]', [-1, 4], 'labels: are 3, but the model has 4 classes'],
    ['labels: [a, b, c]', [-1, 3, 1, 1], 'none'],
    ['labels: [a, b, c]', [-1, 3, 2], 'from: needs numbers of shape [rows, classes]'],
  ])('is held against the session: %s of %j', async (keys, shape, fault) => {
    const faults: string[] = [];
    const given = readYamlMapping(keys, faults);
    const signature = { inputs: [], outputs: [{ name: 'y', datatype: 'FP32' as const, shape }] };
    await CLASSIFICATION.read('labels', given, faults).bind(signature, assetsOf(), (one) => faults.push(one));
    expect(faults.join() || 'none').toContain(fault);
  });
});

describe('an embedding', () => {
  const plan: EmbeddingPlan = {
    type: 'embedding',
    name: 'vector',
    from: 'x',
    pooling: 'none',
    normalize: true,
  };

  it('is one long, after what is not wanted was cut off', () => {
    expect(printed(plan, [floats('x', [1, 2], [3, 4])])).toEqual([0.6, 0.8]);
    expect(printed(plan, [floats('x', [1, 3], [3, 4, 12])], { dimensions: 2 })).toEqual([0.6, 0.8]);
    expect(printed(plan, [floats('x', [1, 2], [3, 4])], { normalize: false })).toEqual([3, 4]);
    expect(printed(plan, [floats('x', [1, 2], [0, 0])])).toEqual([0, 0]);
  });

  it('refuses more dimensions than there are', () => {
    const wanted = (): unknown => printed(plan, [floats('x', [1, 2], [3, 4])], { dimensions: 3 });
    expect(wanted).toThrow('"dimensions" must be at most 2');
  });

  it.each([
    ['mean', [2, 3]],
    ['max', [3, 4]],
    ['cls', [1, 4]],
    ['last', [3, 2]],
  ] as const)('pools positions: %s', (pooling, vector) => {
    const pooled: EmbeddingPlan = { ...plan, pooling, normalize: false };
    expect(printed(pooled, [floats('x', [2, 2, 2], [9, 9, 9, 9, 1, 4, 3, 2])], {}, 1)).toEqual(vector);
  });
});

describe('the weight of an element', () => {
  const DETECTION = { type: 'detection', name: 'objects' } as DetectionPlan;

  it.each<readonly [OutputPlan, RequestOptions, number]>([
    [{ type: 'raw', name: 'values', from: 'logits' }, {}, 1],
    [CLASSES, {}, 4],
    [CLASSES, { top_k: 1000 }, 16],
    [DETECTION, {}, 16],
  ])('is that of the output that is the most work: %j, %j', (plan, options, weight) => {
    expect(finishingWeight([{ type: 'raw', name: 'x', from: 'x' }, plan], options)).toBe(weight);
  });
});

describe('several outputs', () => {
  it('are told apart by their names', () => {
    const plans: OutputPlan[] = [CLASSES, { type: 'raw', name: 'values', from: 'logits' }];
    const outputs = [floats('logits', [1, 4], [1, 2, 3, 4])];
    const tensors = finishAll(plans, { outputs, contexts: [], options: {} });
    expect(tensors.map(({ name }) => name)).toEqual(['labels', 'labels.scores', 'values']);
    expect(tensorsOf(CLASSES, tensors)).toHaveLength(2);
    expect(printed(plans[1]!, outputs)).toEqual([1, 2, 3, 4]);
  });
});
