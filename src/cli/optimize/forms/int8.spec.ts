import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { graphModel, type SmallGraph, type Step } from '../../../../test/helpers/graph-models';
import { temporaryFolder } from '../../../../test/helpers/model-folder';
import { madeUp } from '../../../tensors/made-up';
import type { Tensor } from '../../../tensors/tensor';
import { cosine } from '../accuracy';
import { observe } from '../observe';
import { Model } from '../onnx/model';
import { Session, type Settings } from '../session';
import { quantiseTables } from './int8-tables';
import { lowerBound } from './lower-bound';
import { codesOf, roundHalfEven } from './rounding';
import { productsOf, quantiseRows } from './row-int8';
import { convolutionsOf, planStatic, quantiseStatically, withFollowers } from './static-int8';

const folder = temporaryFolder('int8');
const [before, after] = [join(folder, 'before.onnx'), join(folder, 'after.onnx')];
const SETTINGS: Settings = {
  graphOptimization: 'all',
  intraOpThreads: 1,
  interOpThreads: 1,
  executionProviders: ['cpu'],
};
const { signal: stop } = new AbortController();

function read(graph: SmallGraph): Model {
  writeFileSync(before, graphModel(graph));
  return new Model(readFileSync(before));
}

async function answer(
  file: string,
  x: Tensor,
  level: Settings['graphOptimization'] = 'all',
): Promise<Float32Array> {
  return Session.with(file, { ...SETTINGS, graphOptimization: level }, stop, async (session) => {
    const outputs = await session.run([x]);
    return outputs[0]!.data as Float32Array;
  });
}

function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed) * Math.cos(i * 0.37));
}

function rows(count: number, width: number): Tensor {
  return madeUp({ name: 'x', datatype: 'FP32' }, [count, width], { style: 'wide', kind: 'plain', seed: 4 });
}

describe('rounding', () => {
  it('takes halves to the even number', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6].map(roundHalfEven)).toEqual([0, 2, 2, -0, -2, 2, -3]);
  });

  it('gives each channel its own scale, zeros one of 1, and refuses what is no number', () => {
    const { codes, scales } = codesOf(Float32Array.of(1, 0, -2, 0, 0.5, 0), 2, (i) => i % 2)!;
    expect([...codes]).toEqual([64, 0, -127, 0, 32, 0]);
    expect([...scales]).toEqual([Math.fround(2 / 127), 1]);
    expect(codesOf(Float32Array.of(1, NaN), 1, () => 0)).toBeUndefined();
  });
});

const DEPTH = 64;

/** `y`, from `x` [N, 64] by a layer of this kind, an activation, and another layer. */
function layers(
  kind: 'MatMul' | 'Gemm' | 'Gemm transposed',
  activation: readonly Step[],
  opset: number,
): SmallGraph {
  const layer = (x: string, n: number, y: string): Step[] => {
    if (kind === 'MatMul')
      return [
        ['MatMul', [x, `w${n}`], [`p${n}`]],
        ['Add', [`p${n}`, `b${n}`], [y]],
      ];
    return [['Gemm', [x, `w${n}`, `b${n}`], [y], kind === 'Gemm' ? {} : { transB: 1 }]];
  };
  return {
    steps: [...layer('x', 1, 'h'), ...activation, ...layer('a', 2, 'y')],
    inputs: { x: ['N', DEPTH] },
    outputs: { y: ['N', DEPTH] },
    floats: {
      w1: [[DEPTH, DEPTH], numbers(DEPTH * DEPTH, 1)],
      w2: [[DEPTH, DEPTH], numbers(DEPTH * DEPTH, 2)],
      b1: [[DEPTH], numbers(DEPTH, 3)],
      b2: [[DEPTH], numbers(DEPTH, 4)],
      one: [[], 1],
      half: [[], 0.5],
      root: [[], Math.SQRT2],
    },
    opset,
  };
}

const RELU: Step[] = [['Relu', ['h'], ['a']]];
const TANH: Step[] = [['Tanh', ['h'], ['a']]];
const GELU: Step[] = [
  ['Div', ['h', 'root'], ['g1']],
  ['Erf', ['g1'], ['g2']],
  ['Add', ['g2', 'one'], ['g3']],
  ['Mul', ['h', 'g3'], ['g4']],
  ['Mul', ['g4', 'half'], ['a']],
];

describe('products with int8 rows', () => {
  it.each<[string, SmallGraph]>([
    ['of MatMul, behind a GELU', layers('MatMul', GELU, 17)],
    ['of Gemm, behind a Relu', layers('Gemm', RELU, 13)],
    ['of a transposed Gemm', layers('Gemm transposed', TANH, 18)],
    ['of an opset that has no scales by column', layers('Gemm', TANH, 11)],
    ['of the newest axes', layers('MatMul', RELU, 21)],
  ])('%s answer nearly the same, each row the same to the bit whatever is beside it', async (_, graph) => {
    for (const smooth of [false, true]) {
      const model = read(graph);
      const x = rows(8, DEPTH);
      const names = productsOf(model).map(({ node }) => node.inputs[0]!);
      const about = {
        file: after,
        rows: [x].map((one) => [one]),
        settings: SETTINGS,
        joining: undefined,
        stop,
      };
      const seen = smooth ? await observe(model, names, about) : new Map<string, never>();
      const magnitudes = new Map([...seen].map(([name, each]) => [name, each.magnitudes]));
      expect(quantiseRows(model, { left: new Set(), magnitudes })).toBe(2);
      await model.write(after);
      const [ours, theirs] = [await answer(before, x), await answer(after, x)];
      expect(cosine(ours, theirs)).toBeGreaterThan(0.999);
      expect(cosine(theirs, await answer(after, x, 'disabled'))).toBeGreaterThan(0.9999);
      const wild = Float32Array.from(x.data as Float32Array);
      for (let i = 0; i < DEPTH; i++) {
        wild[i]! *= 1e6;
        wild[DEPTH + i] = 0;
        wild[2 * DEPTH + i] = NaN;
        wild[3 * DEPTH + i] = 1e-40;
      }
      const beside = await answer(after, { ...x, data: wild });
      expect(beside.subarray(4 * DEPTH)).toEqual(theirs.subarray(4 * DEPTH));
      for (let row = 4; row < 8; row++) {
        const data = (x.data as Float32Array).slice(row * DEPTH, (row + 1) * DEPTH);
        expect(await answer(after, { ...x, shape: [1, DEPTH], data })).toEqual(
          theirs.subarray(row * DEPTH, (row + 1) * DEPTH),
        );
      }
    }
  });

  it('knows what an activation never falls below', () => {
    expect(lowerBound(read(layers('MatMul', GELU, 17)), 'a')).toBe(-0.17);
    expect(lowerBound(read(layers('MatMul', RELU, 17)), 'a')).toBe(0);
    expect(lowerBound(read(layers('MatMul', TANH, 17)), 'a')).toBeUndefined();
    const broken = GELU.map((step): Step => (step[0] === 'Add' ? ['Add', ['g2', 'half'], ['g3']] : step));
    expect(lowerBound(read(layers('MatMul', broken, 17)), 'a')).toBeUndefined();
  });

  it('leave weights alone that something else reads, that a request may replace, or that are small', () => {
    const { steps, floats = {}, ...rest } = layers('MatMul', RELU, 17);
    const shared = read({ ...rest, floats, steps: [...steps, ['Relu', ['w1'], ['other']]] });
    expect(productsOf(shared).map(({ node }) => node.output)).toEqual(['p2']);
    const open = read({ ...rest, floats, steps, inputs: { x: ['N', DEPTH], w2: [DEPTH, DEPTH] } });
    expect(productsOf(open).map(({ node }) => node.output)).toEqual(['p1']);
    const small = { ...floats, w1: [[DEPTH, 8], 1] as const };
    expect(productsOf(read({ ...rest, floats: small, steps })).map(({ node }) => node.output)).toEqual([
      'p2',
    ]);
  });

  it('are as many as are not left', () => {
    const model = read(layers('MatMul', RELU, 17));
    expect(quantiseRows(model, { left: new Set(['p1']), magnitudes: new Map() })).toBe(1);
    expect(model.nodes.filter(({ operator }) => operator === 'QuantizeLinear')).toHaveLength(1);
  });
});

it('tables of vectors in int8 give nearly the same vectors, and others stay', async () => {
  const table = numbers(2048 * 32, 5);
  const graph: SmallGraph = {
    steps: [
      ['Cast', ['x'], ['ids'], { to: 7 }],
      ['Gather', ['table', 'ids'], ['y']],
    ],
    inputs: { x: ['N'] },
    outputs: { y: ['N', 32] },
    floats: { table: [[2048, 32], table] },
  };
  const model = read(graph);
  expect(quantiseTables(model)).toBe(1);
  await model.write(after);
  const x: Tensor = { name: 'x', datatype: 'FP32', shape: [3], data: Float32Array.of(0, 7, 2047) };
  const [ours, theirs] = [await answer(before, x), await answer(after, x)];
  expect(ours.subarray(32, 64)).toEqual(table.subarray(7 * 32, 8 * 32));
  for (let row = 0; row < 3; row++)
    expect(
      cosine(ours.subarray(row * 32, row * 32 + 32), theirs.subarray(row * 32, row * 32 + 32)),
    ).toBeGreaterThan(0.9999);
  const tied = read({ ...graph, steps: [...graph.steps, ['Relu', ['table'], ['z']]] });
  expect(quantiseTables(tied)).toBe(0);
});

describe('convolutions in int8', () => {
  const CHANNELS = 8;
  const picture = ['N', CHANNELS, 8, 8];
  const weight = (seed: number, scale = 1): readonly [number[], Float32Array] => [
    [CHANNELS, CHANNELS, 3, 3],
    numbers(CHANNELS * CHANNELS * 9, seed).map((value) => value * scale),
  ];
  const conv = (x: string, n: number, y: string): Step => [
    'Conv',
    [x, `w${n}`, `b${n}`],
    [y],
    { pads: [1, 1, 1, 1] },
  ];
  /** Two convolutions with a way around the second, the mean of each channel, and a layer. */
  const graph: SmallGraph = {
    steps: [
      conv('x', 1, 'c1'),
      ['Relu', ['c1'], ['r1']],
      conv('r1', 2, 'c2'),
      ['Add', ['c2', 'r1'], ['s']],
      ['Relu', ['s'], ['r2']],
      ['GlobalAveragePool', ['r2'], ['g']],
      ['Flatten', ['g'], ['f']],
      ['Gemm', ['f', 'w3', 'b3'], ['y'], { transB: 1 }],
    ],
    inputs: { x: picture },
    outputs: { y: ['N', CHANNELS] },
    floats: {
      w1: weight(1),
      w2: weight(2),
      w3: [[CHANNELS, CHANNELS], numbers(CHANNELS ** 2, 3)],
      b1: [[CHANNELS], numbers(CHANNELS, 4)],
      b2: [[CHANNELS], numbers(CHANNELS, 5)],
      b3: [[CHANNELS], numbers(CHANNELS, 6)],
    },
  };
  const pictures = (count: number): Tensor =>
    madeUp({ name: 'x', datatype: 'FP32' }, [count, CHANNELS, 8, 8], {
      style: 'wide',
      kind: 'plain',
      seed: 8,
    });

  async function quantised(of: SmallGraph, left: readonly string[] = []): Promise<Model> {
    const model = read(of);
    const plan = planStatic(model, new Set(left));
    const about = { file: after, rows: [[pictures(8)]], settings: SETTINGS, joining: undefined, stop };
    quantiseStatically(model, plan, await observe(model, planStatic(model, new Set()).values, about));
    await model.write(after);
    return model;
  }

  it.each([11, 13, 17])('answer nearly the same, row by row to the bit, in opset %i', async (opset) => {
    const model = await quantised({ ...graph, opset });
    expect(convolutionsOf(read({ ...graph, opset }))).toEqual(['c1', 'c2', 'y']);
    expect(model.outputs).toEqual(['y']);
    const x = pictures(8);
    const [ours, theirs] = [await answer(before, x), await answer(after, x)];
    expect(cosine(ours, theirs)).toBeGreaterThan(0.99);
    const one = { ...x, shape: [1, CHANNELS, 8, 8], data: (x.data as Float32Array).slice(0, CHANNELS * 64) };
    expect(await answer(after, one)).toEqual(theirs.subarray(0, CHANNELS));
  });

  it('keep the names of outputs that are in the middle', async () => {
    await quantised({ ...graph, outputs: { r1: picture, y: ['N', CHANNELS] } });
    const x = pictures(2);
    const [ours, theirs] = [await answer(before, x), await answer(after, x)];
    expect(cosine(ours, theirs)).toBeGreaterThan(0.99);
  });

  it('leave what follows what is left, too: the runtime makes int8 of it by itself, and worse', async () => {
    // Channels so far apart that one scale for all of them says nothing of most.
    const values = numbers(CHANNELS * CHANNELS * 9, 1).map(
      (value, i) => value * (Math.floor(i / (CHANNELS * 9)) % 2 === 0 ? 1 : 30),
    );
    const harsh: SmallGraph = {
      ...graph,
      steps: [
        conv('x', 2, 'c0'),
        ['Relu', ['c0'], ['r0']],
        conv('r0', 1, 'c1'),
        ['Relu', ['c1'], ['r1']],
        conv('r1', 4, 'c2'),
        ['Relu', ['c2'], ['y']],
      ],
      outputs: { y: picture },
      floats: {
        ...graph.floats,
        w1: [[CHANNELS, CHANNELS, 3, 3], values],
        w4: [
          [CHANNELS, CHANNELS, 3, 3],
          numbers(CHANNELS * CHANNELS * 9, 9).map(
            (value, i) => value / (Math.floor(i / 9) % 2 === 0 ? 1 : 30),
          ),
        ],
        b4: [[CHANNELS], numbers(CHANNELS, 5)],
      },
    };
    const x = pictures(4);
    const off: number[] = [];
    const all = withFollowers(read(harsh), ['c1']);
    expect(all).toEqual(['c1', 'c2']);
    for (const left of [['c1'], all]) {
      await quantised(harsh, left);
      const plain = await answer(after, x, 'disabled');
      off.push(1 - cosine(plain, await answer(after, x)));
    }
    // Between what was written and what the runtime makes of it.
    expect(off[0]).toBeGreaterThan(3 * Math.abs(off[1]!) + 1e-4);
  });
});
