import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import {
  graphModel,
  graphOf,
  type SmallFunction,
  type SmallGraph,
  type Step,
} from '../../../../test/helpers/graph-models';
import { MalformedMessage } from './protobuf-cursor';
import type { ModelGraph } from './model-graph';
import { readModelGraph } from './read-model-graph';
import { randomReason } from './random-operators';
import { rowCoupling } from './row-coupling';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'nestor-graph-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(bytes: Uint8Array): Promise<ModelGraph> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  const file = await open(path);
  try {
    return await readModelGraph(file, bytes.length);
  } finally {
    await file.close();
  }
}

const INTEGERS = {
  ...{ zero: 0, one: 1, first: [0], second: [1], last: [-1], leading: [-2], flat: [-1, 4], behind: [1, -1] },
  ...{ all: [2 ** 31 - 1], after: [0, 1], both: [0, 0, 0, 0], before: [1, 0, 0, 0], beside: [0, 1, 0, 1] },
};

/** A model of x [N, 4], or of another shape, whose steps end in y. */
function model(steps: readonly Step[], more: Partial<SmallGraph> = {}): Uint8Array {
  const floats = { w: [[4, 4], 0.5], r: [[1, 4, 4], 0.5], kernel: [[1, 1, 3], 1] } as const;
  return graphModel({
    steps,
    inputs: { x: ['N', 4] },
    outputs: { y: ['N', 4] },
    integers: INTEGERS,
    floats,
    ...more,
  });
}
const coupling = async (steps: readonly Step[], more?: Partial<SmallGraph>): Promise<string | undefined> =>
  rowCoupling(await read(model(steps, more)));

const OVER = { refersTo: 'over' };
const AXES = { refersTo: 'axes' };
const SUM_OF_V = graphOf({
  steps: [['ReduceSum', ['v'], ['s'], { keepdims: 0 }]],
  inputs: {},
  outputs: { s: [] },
});
const EITHER = { then_branch: SUM_OF_V, else_branch: SUM_OF_V };

describe('the coupling of rows in a graph', () => {
  it.each<[string, readonly Step[], Partial<SmallGraph>?]>([
    ['ReduceMax', [['ReduceMax', ['x'], ['y'], { axes: [0], keepdims: 1 }]]],
    ['ReduceSum', [['ReduceSum', ['x'], ['y'], { keepdims: 0 }]]],
    ['ReduceMean', [['ReduceMean', ['x', 'leading'], ['y']]], { opset: 18 }],
    ['ArgMax', [['ArgMax', ['x'], ['y'], { axis: 0 }]]],
    ['CumSum', [['CumSum', ['x', 'zero'], ['y']]]],
    ['TopK', [['TopK', ['x', 'first'], ['y', 'i'], { axis: -2 }]]],
    ['Softmax', [['Softmax', ['x'], ['y'], { axis: 0 }]]],
    ['Softmax', [['Softmax', ['x'], ['y'], { axis: 0 }]], { opset: 11 }],
    ['LayerNormalization', [['LayerNormalization', ['x', 'w'], ['y'], { axis: 0 }]]],
    ['MeanVarianceNormalization', [['MeanVarianceNormalization', ['x'], ['y']]]],
    ['BatchNormalization', [['BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { training_mode: 1 }]]],
    ['Gather', [['Gather', ['x', 'first'], ['y'], { axis: 0 }]]],
    // Where the axis of the rows has been moved to.
    [
      'ReduceMax',
      [
        ['Transpose', ['x'], ['t']],
        ['ReduceMax', ['t'], ['y'], { axes: [1] }],
      ],
    ],
    [
      'RNN',
      [
        ['Unsqueeze', ['x', 'second'], ['t']],
        ['RNN', ['t', 'r', 'r'], ['y'], { hidden_size: 4 }],
      ],
    ],
    // A filter over time.
    [
      'Conv',
      [
        ['Transpose', ['x'], ['t'], { perm: [1, 0] }],
        ['Unsqueeze', ['t', 'second'], ['c']],
        ['Conv', ['c', 'kernel'], ['y']],
      ],
    ],
    // x x^T x.
    [
      'MatMul',
      [
        ['Transpose', ['x'], ['t']],
        ['MatMul', ['t', 'x'], ['y']],
      ],
    ],
    ['Gemm', [['Gemm', ['x', 'x'], ['y'], { transA: 1 }]]],
    [
      'ReduceMax',
      [
        ['Relu', ['x'], ['a']],
        ['Mul', ['a', 'x'], ['b']],
        ['ReduceMax', ['b'], ['y'], { keepdims: 0 }],
      ],
    ],
    [
      'CumSum',
      [
        ['Reshape', ['x', 'flat'], ['a']],
        ['CumSum', ['a', 'zero'], ['y']],
      ],
    ],
    // Rows that move, are cut off, or are put behind others.
    ['Slice', [['Slice', ['x', 'first', 'second', 'first'], ['y']]]],
    ['Slice', [['Slice', ['x', 'second', 'all'], ['y']]]],
    ['Slice', [['Slice', ['x', 'first', 'all', 'leading', 'last'], ['y']]]],
    ['Slice', [['Slice', ['x'], ['y'], { starts: [0], ends: [3] }]], { opset: 9 }],
    ['Split', [['Split', ['x'], ['y', 'z'], {}]], { opset: 11 }],
    ['Concat', [['Concat', ['x', 'x'], ['y'], { axis: -2 }]]],
    ['Pad', [['Pad', ['x', 'before'], ['y']]]],
    ['Pad', [['Pad', ['x', 'after', '', 'leading'], ['y']]], { opset: 18 }],
    ['GatherElements', [['GatherElements', ['x', 'i'], ['y'], { axis: 0 }]]],
    ['Trilu', [['Trilu', ['x'], ['y']]]],
    ['ReverseSequence', [['ReverseSequence', ['x', 'i'], ['y'], { batch_axis: 1, time_axis: 0 }]]],
    ['Compress', [['Compress', ['x', 'i'], ['y'], { axis: 0 }]]],
    ['Unique', [['Unique', ['x'], ['y']]]],
    ['StringNormalizer', [['StringNormalizer', ['x'], ['y'], { stopwords: 'the' }]]],
    ['Einsum', [['Einsum', ['x'], ['y'], { equation: 'ij->j' }]]],
    ['Einsum', [['Einsum', ['x', 'x'], ['y'], { equation: 'ij, kj -> ik' }]]],
    [
      'ReduceMax',
      [
        ['Reshape', ['x', 'behind'], ['a']],
        ['ReduceMax', ['a'], ['y'], { axes: [1] }],
      ],
    ],
    [
      'ReduceSum',
      [
        ['ArgMax', ['x'], ['i'], { axis: 1, keepdims: 0 }],
        ['OneHot', ['i', 'one', 'w'], ['o']],
        ['ReduceSum', ['o', 'first'], ['y']],
      ],
    ],
    [
      'ReduceSum',
      [
        ['Einsum', ['x', 'w'], ['a'], { equation: 'ij,jk->ki' }],
        ['ReduceSum', ['a', 'last'], ['y']],
      ],
    ],
  ])('shows in a %s', async (operator, ...graph) => {
    expect(await coupling(...graph)).toBe(`its operator ${operator} works over the axis of the rows`);
  });

  it('shows in what quantises by the batch', async () => {
    expect(await coupling([['DynamicQuantizeLinear', ['x'], ['y', 's', 'z']]])).toBe(
      'its operator DynamicQuantizeLinear scales by the largest value of the whole batch; `nestor optimize --int8` makes of the original one that does not',
    );
  });

  it('shows in the bodies of operators, which see what is around them', async () => {
    const body = graphOf({
      steps: [['ReduceSum', ['x'], ['s'], { keepdims: 0 }]],
      inputs: {},
      outputs: { s: [] },
    });
    const branches = { then_branch: body, else_branch: body };
    expect(await coupling([['If', ['always'], ['y'], branches]])).toBe(
      'its operator ReduceSum works over the axis of the rows',
    );
  });

  const loop = (step: Step): readonly Step[] => [
    ['Loop', ['trips', '', 'x'], ['y'], { body: bodyOf([step]) }],
  ];
  const bodyOf = (steps: readonly Step[]): onnx.IGraphProto =>
    graphOf({
      steps: [['Identity', ['on'], ['still']], ...steps],
      inputs: { trip: [], on: [], v: ['N', 4] },
      outputs: { still: [], s: ['N', 4] },
    });
  const same = graphOf({ steps: [['Relu', ['x'], ['s']]], inputs: {}, outputs: { s: ['N', 4] } });
  const scanned: Step = [
    'Scan',
    ['x', 'w'],
    ['s', 'rest'],
    {
      num_scan_inputs: 1,
      body: graphOf({
        steps: [
          ['Relu', ['v'], ['s']],
          ['Identity', ['row'], ['rest']],
        ],
        inputs: { v: ['N', 4], row: [4] },
        outputs: { s: ['N', 4], rest: [4] },
      }),
    },
  ];
  it.each<[string, readonly Step[]]>([
    ['in what a loop carries on', loop(['CumSum', ['v', 'zero'], ['s']])],
    ['behind a loop', [...loop(['Relu', ['v'], ['s']]), ['CumSum', ['y', 'zero'], ['z']]]],
    [
      'behind branches',
      [
        ['If', ['always'], ['s'], { then_branch: same, else_branch: same }],
        ['CumSum', ['s', 'zero'], ['y']],
      ],
    ],
    ['behind a scan', [scanned, ['CumSum', ['s', 'zero'], ['y']]]],
  ])('shows %s', async (_, steps) => {
    expect(await coupling(steps)).toBe('its operator CumSum works over the axis of the rows');
  });

  it('does not show in a loop that leaves rows alone', async () => {
    expect(await coupling(loop(['CumSum', ['v', 'one'], ['s']]))).toBeUndefined();
    expect(await coupling([scanned, ['CumSum', ['rest', 'zero'], ['y']]])).toBeUndefined();
  });

  it.each<[string, readonly Step[], Partial<SmallGraph>['functions']]>([
    [
      'CumSum',
      [['Scanned', ['x', 'zero'], ['y']]],
      { Scanned: { steps: [['CumSum', ['v', 'axis'], ['s']]], inputs: ['v', 'axis'], outputs: ['s'] } },
    ],
    [
      'ReduceMax',
      [['Outer', ['x'], ['y'], { over: [0] }]],
      {
        Outer: { steps: [['Inner', ['a'], ['y'], { axes: OVER }]], inputs: ['a'], outputs: ['y'] },
        Inner: { steps: [['ReduceMax', ['a'], ['x'], { axes: AXES }]], inputs: ['a'], outputs: ['x'] },
      },
    ],
    // What a function hands on or turns is followed.
    [
      'ReduceSum',
      [
        ['Turned', ['x'], ['same', 't']],
        ['ReduceSum', ['t', 'second'], ['y']],
      ],
      { Turned: { steps: [['Transpose', ['v'], ['turned']]], inputs: ['v'], outputs: ['v', 'turned'] } },
    ],
    [
      'CumSum',
      [
        ['Turned', ['x'], ['same', 't']],
        ['CumSum', ['same', 'zero'], ['y']],
      ],
      { Turned: { steps: [['Transpose', ['v'], ['turned']]], inputs: ['v'], outputs: ['v', 'turned'] } },
    ],
    [
      'ReduceSum',
      [['Either', ['x'], ['y']]],
      { Either: { steps: [['If', ['always'], ['y'], EITHER]], inputs: ['v'], outputs: ['y'] } },
    ],
  ])('shows in a function with a %s', async (operator, steps, functions) => {
    expect(await coupling(steps, { functions })).toBe(
      `its operator ${operator} works over the axis of the rows`,
    );
  });

  it('does not show in functions that leave rows alone, however often they are called', async () => {
    const functions = {
      Layer: {
        steps: [
          ['MatMul', ['x', 'w'], ['y']],
          ['Softmax', ['y'], ['z'], { axis: -1 }],
        ],
        inputs: ['x', 'w'],
        outputs: ['z'],
      },
    } satisfies SmallGraph['functions'];
    const layers: Step[] = [
      ['Layer', ['x', 'w'], ['z']],
      ['Layer', ['z', 'w'], ['y']],
    ];
    expect(await coupling(layers, { functions })).toBeUndefined();
  });

  it('is not looked for where functions call themselves, or unfold without measure', async () => {
    const twice = (name: string): SmallFunction => ({
      steps: [
        [name, ['v'], ['m']],
        [name, ['m'], ['r']],
      ],
      inputs: ['v'],
      outputs: ['r'],
    });
    const call: Step[] = [['F0', ['x'], ['y']]];
    const itself = { F0: { steps: [['F0', ['v'], ['r']]], inputs: ['v'], outputs: ['r'] } } as const;
    await expect(coupling(call, { functions: itself })).rejects.toThrow('call each other too deeply');
    const chain = Array.from({ length: 30 }, (_, i) => [`F${i}`, twice(`F${i + 1}`)] as const);
    const functions = Object.fromEntries([...chain, ['F30', { ...twice('Relu') }]]);
    await expect(coupling(call, { functions })).rejects.toThrow('more than 200000 operators');
  });

  it('shows in a scan that carries something on from row to row, and not in one that does not', async () => {
    const scan = (steps: Step[]): Promise<string | undefined> =>
      coupling([
        [
          'Scan',
          ['w', 'x'],
          ['s', 'y'],
          {
            num_scan_inputs: 1,
            body: graphOf({
              steps,
              inputs: { state: [4, 4], row: [4] },
              outputs: { next: [4, 4], given: [4] },
            }),
          },
        ],
      ]);
    const given: Step = ['Identity', ['row'], ['given']];
    expect(await scan([['Add', ['state', 'row'], ['next']], given])).toContain('Scan');
    expect(await scan([['Identity', ['state'], ['next']], given])).toBeUndefined();
  });

  it.each<[string, readonly Step[], Partial<SmallGraph>?]>([
    ['all of each row', [['Slice', ['x', 'first', 'all', 'first'], ['y']]]],
    ['a part of each row', [['Slice', ['x', 'first', 'second', 'last'], ['y']]]],
    ['parts of each row', [['Split', ['x'], ['y', 'z'], { axis: 1 }]]],
    ['rows that become longer', [['Concat', ['x', 'x'], ['y'], { axis: 1 }]]],
    ['no room between rows', [['Pad', ['x', 'both'], ['y']]]],
    ['room behind each row', [['Pad', ['x', 'beside'], ['y']]]],
    ['some of each row', [['GatherElements', ['x', 'i'], ['y'], { axis: 1 }]]],
    ['a product with weights', [['Einsum', ['x', 'w'], ['y'], { equation: 'ij,jk->ik' }]]],
    ['a sum that is not understood', [['Einsum', ['x', 'w'], ['y'], { equation: '...j,jk->...k' }]]],
    ['texts in small letters', [['StringNormalizer', ['x'], ['y'], { case_change_action: 'LOWER' }]]],
    ['sums of each row', [['ReduceSum', ['x', 'last'], ['y']]]],
    ['no reduction at all', [['ReduceSum', ['x'], ['y'], { noop_with_empty_axes: 1 }]]],
    ['a softmax of each row', [['Softmax', ['x'], ['y']]]],
    ['an older softmax of each row', [['Softmax', ['x'], ['y']]], { opset: 11 }],
    [
      'a layer',
      [
        ['MatMul', ['x', 'w'], ['a']],
        ['Gemm', ['a', 'w'], ['y'], { transB: 1 }],
      ],
    ],
    [
      'recurrence over the steps of each row',
      [
        ['Transpose', ['x'], ['t'], { perm: [1, 0, 2] }],
        ['GRU', ['t', 'r', 'r'], ['', 'h']],
        ['Squeeze', ['h', 'first'], ['a']],
        ['Softmax', ['a'], ['y'], { axis: -1 }],
      ],
      { inputs: { x: ['N', 'T', 4] } },
    ],
    [
      'attention within each row',
      [
        ['Transpose', ['x'], ['t'], { perm: [0, 2, 1] }],
        ['MatMul', ['x', 't'], ['a']],
        ['Softmax', ['a'], ['b']],
        ['MatMul', ['b', 'x'], ['y']],
      ],
      { inputs: { x: ['N', 'T', 4] } },
    ],
    [
      'a picture of each row',
      [
        ['Conv', ['x', 'kernel'], ['a']],
        ['GlobalAveragePool', ['a'], ['b']],
        ['Flatten', ['b'], ['y']],
      ],
      { inputs: { x: ['N', 1, 8] } },
    ],
    [
      'a table that is looked up',
      [
        ['Gather', ['w', 'x'], ['a']],
        ['ReduceMean', ['a'], ['y'], { axes: [-1] }],
      ],
    ],
    [
      'the largest weight',
      [
        ['ReduceMax', ['w'], ['m'], { keepdims: 0 }],
        ['Mul', ['x', 'm'], ['y']],
      ],
    ],
    [
      'the number of rows',
      [
        ['Shape', ['x'], ['s']],
        ['Gather', ['s', 'first'], ['y'], { axis: 0 }],
      ],
    ],
    [
      'an axis that the graph works out',
      [
        ['Shape', ['x'], ['s']],
        ['ReduceSum', ['x', 's'], ['y']],
      ],
    ],
  ])('does not show in %s', async (_, ...graph) => {
    expect(await coupling(...graph)).toBeUndefined();
  });
});

describe('what a graph draws by lot', () => {
  const reason = async (steps: readonly Step[], more?: Partial<SmallGraph>): Promise<string | undefined> =>
    randomReason(await read(model(steps, more)));

  it('is named', async () => {
    expect(await reason([['RandomNormalLike', ['x'], ['y']]])).toBe(
      'its operator RandomNormalLike is random',
    );
  });

  it('is named in a function', async () => {
    const functions = {
      Noisy: { steps: [['RandomNormalLike', ['v'], ['n']] as const], inputs: ['v'], outputs: ['n'] },
    };
    expect(await reason([['Noisy', ['x'], ['y']]], { functions })).toBe(
      'its operator RandomNormalLike is random',
    );
  });

  it.each<[string, readonly Step[], Partial<SmallGraph>?]>([
    ['a constant says so', [['Dropout', ['x', '', 'one'], ['y']]]],
    [
      'a request may say so',
      [['Dropout', ['x', '', 'train'], ['y']]],
      { inputs: { x: ['N', 4], train: [] } },
    ],
    [
      'the graph may say so',
      [
        ['Identity', ['x'], ['t']],
        ['Dropout', ['x', '', 't'], ['y']],
      ],
    ],
    ['an attribute does not say otherwise', [['Dropout', ['x'], ['y']]], { opset: 6 }],
  ])('is what a Dropout drops where %s', async (_, ...graph) => {
    expect(await reason(...graph)).toBe('its operator Dropout is in training mode');
  });

  it('is what a BatchNormalization learns', async () => {
    const normalise = (outputs: string[], attributes = {}): Step[] => [
      ['BatchNormalization', ['x', 's', 'b', 'm', 'v'], outputs, attributes],
    ];
    const training = 'its operator BatchNormalization is in training mode';
    expect(await reason(normalise(['y', 'rm', 'rv'], { training_mode: 1 }))).toBe(training);
    expect(await reason(normalise(['y', 'm', 'v']), { opset: 9 })).toBe(training);
    expect(await reason(normalise(['y']), { opset: 9 })).toBeUndefined();
    expect(await reason(normalise(['y']))).toBeUndefined();
  });

  it('is nothing in a Dropout that was exported to serve', async () => {
    expect(await reason([['Dropout', ['x'], ['y']]])).toBeUndefined();
    expect(await reason([['Dropout', ['x', '', 'zero'], ['y']]])).toBeUndefined();
    expect(await reason([['Dropout', ['x'], ['y']]], { opset: 11 })).toBeUndefined();
  });
});

describe('readModelGraph', () => {
  it('tells inputs that have a value from weights of old files, which had to be inputs', async () => {
    const graph = graphOf({
      steps: [['Mul', ['x', 'scale'], ['y']]],
      inputs: { x: ['N', 3], scale: [1] },
      outputs: { y: ['N', 3] },
      floats: { scale: [[1], 2] },
    });
    const ofFormat = async (irVersion: number): Promise<readonly string[]> =>
      (await read(onnx.ModelProto.encode({ irVersion, opsetImport: [{ version: 8 }], graph }).finish()))
        .defaulted;
    expect([await ofFormat(4), await ofFormat(3)]).toEqual([['scale'], []]);
  });

  it('refuses what is cut off', async () => {
    const whole = model([['Relu', ['x'], ['y']]]);
    await expect(read(whole.subarray(0, whole.length - 3))).rejects.toThrow(MalformedMessage);
  });
});
