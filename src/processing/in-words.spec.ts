import type { Datatype } from '../tensors/datatype';
import type { TensorSpec } from '../tensors/tensor';
import { inWords } from './in-words';
import type { InputPlan, OutputPlan } from './plans';

function spec(name: string, datatype: Datatype, ...shape: number[]): TensorSpec {
  return { name, datatype, shape };
}

describe('what a model takes and gives, in words', () => {
  it.each<[takes: string, gives: string, inputs: TensorSpec[], outputs: TensorSpec[]]>([
    [
      '4 numbers',
      '3 probabilities, 1 label',
      [spec('features', 'FP32', -1, 4)],
      [spec('label', 'INT64', -1), spec('probabilities', 'FP32', -1, 3)],
    ],
    [
      'grey picture 8 × 8',
      '10 probabilities',
      [spec('image', 'FP32', -1, 8, 8)],
      [spec('softmax', 'FP32', -1, 10)],
    ],
    [
      '3 × 224 × 224 numbers',
      '1000 numbers',
      [spec('x', 'FP32', -1, 3, 224, 224)],
      [spec('y', 'FP32', -1, 1000)],
    ],
    [
      'row of 3 columns',
      '1 text',
      [spec('sex', 'BYTES', -1, 1), spec('age', 'FP32', -1, 1), spec('fare', 'FP32', -1)],
      [spec('answer', 'BYTES', -1)],
    ],
    [
      '3 token lists',
      '384 numbers for each token',
      ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => spec(name, 'INT64', -1, -1)),
      [spec('last_hidden_state', 'FP32', -1, -1, 384)],
    ],
    [
      '2 numbers, 1 yes or no and 2 more',
      '2 × 4 numbers',
      [
        spec('a', 'FP32', -1, 2),
        spec('b', 'BOOL', -1, 1),
        spec('c', 'BYTES', -1, 5),
        spec('d', 'FP64', -1, 2, 2),
      ],
      [spec('x', 'FP32', -1, 4), spec('y', 'FP32', -1, 4)],
    ],
    [
      'any number of texts',
      '? × ? × 3 numbers',
      [spec('x', 'BYTES', -1, -1)],
      [spec('y', 'UINT8', -1, -1, -1, 3)],
    ],
    ['1 number', '1 number', [spec('trips', 'INT64')], [spec('y', 'FP32')]],
  ])('%s, and %s', (takes, gives, inputs, outputs) => {
    expect(inWords({ inputs, outputs })).toEqual({ takes, gives });
  });

  const image = (more: object): InputPlan => ({
    type: 'image',
    name: 'image',
    to: spec('x', 'FP32', -1, 3, 224, 224),
    covers: ['x'],
    orient: 'exif',
    color: 'rgb',
    resize: { mode: 'shorter', size: 256 },
    filter: 'bicubic',
    antialias: true,
    crop: { width: 224, height: 224, round: 'half_even' },
    scale: { times: 1, over: 255 },
    mean: [0, 0, 0],
    std: [1, 1, 1],
    layout: 'nchw',
    ...more,
  });
  const text = (pairs: boolean): InputPlan => ({
    type: 'text',
    name: 'text',
    covers: ['input_ids'],
    tokenizerFile: '/tokenizer.json',
    ids: spec('input_ids', 'INT64', -1, -1),
    mask: undefined,
    types: undefined,
    positions: undefined,
    maxLength: 256,
    truncate: true,
    pairs,
    prompts: {},
    defaultPrompt: undefined,
    padToken: undefined,
    paddingSide: undefined,
    wantsSpans: false,
  });
  const column = (name: string) => ({ name, type: 'number' as const, missing: undefined, values: undefined });
  const table: InputPlan = {
    type: 'table',
    name: 'row',
    covers: ['x'],
    tensors: [{ to: 'x', datatype: 'FP32', isMatrix: true, columns: ['a', 'b'].map(column) }],
  };
  const classes = (labels: string[] | undefined): OutputPlan => ({
    type: 'classification',
    name: 'labels',
    from: 'y',
    activation: 'softmax',
    labels,
    topK: 5,
  });
  const vector: OutputPlan = { type: 'embedding', name: 'v', from: 'y', pooling: 'mean', normalize: true };

  it.each<[takes: string, gives: string, InputPlan[], OutputPlan[]]>([
    ['picture 224 × 224', '2 labels', [image({})], [classes(['cat', 'dog'])]],
    [
      'grey picture 8 × 6',
      '12 labels',
      [image({ color: 'grey', crop: undefined, resize: { mode: 'exact', width: 8, height: 6 } })],
      [classes(undefined)],
    ],
    [
      'picture',
      'text',
      [image({ crop: undefined, resize: { mode: 'none' } })],
      [{ type: 'ctc', name: 't', from: 'y', activation: 'none', blank: 0, characters: [] }],
    ],
    ['text', 'vector of 12', [text(false)], [vector]],
    ['pair of texts', 'score', [text(true)], [{ type: 'rerank', name: 's', from: 'y', activation: 'none' }]],
    ['row of 2 columns', '12 numbers', [table], [{ type: 'raw', name: 'y', from: 'y' }]],
    ['5 numbers', '2 labels', [], [classes(['cat', 'dog'])]],
  ])('go by what is declared: %s, and %s', (takes, gives, inputs, outputs) => {
    const pipeline = {
      inputs: inputs.map((plan) => ({ type: undefined as never, plan })),
      outputs,
    };
    const tensors = { inputs: [spec('x', 'FP32', -1, 5)], outputs: [spec('y', 'FP32', -1, 12)] };
    expect(inWords({ ...tensors, pipeline })).toEqual({ takes, gives });
  });
});
