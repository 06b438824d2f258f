import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { graphModel, type SmallGraph, type Step } from '../../../../test/helpers/graph-models';
import { temporaryFolder } from '../../../../test/helpers/model-folder';
import { openRuntime } from '../../../runners/onnx/runtime';
import { madeUp } from '../../../tensors/made-up';
import type { Tensor } from '../../../tensors/tensor';
import { Model } from '../onnx/model';
import { rewriteExactly } from './exact';

const folder = temporaryFolder('exact');
const CHANNELS = 4;

async function answer(file: string, inputs: readonly Tensor[]): Promise<Float32Array> {
  const session = await openRuntime({
    modelFile: file,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'disabled',
    executionProviders: ['cpu'],
  });
  const [y] = await session.run(inputs);
  const values = Float32Array.from(y!.data as Float32Array);
  await session.release();
  return values;
}

/** Rewrites a graph. @returns its operators then, what was rewritten, and how far its answer is from what it was, at most */
async function rewrite(
  graph: SmallGraph,
  inputs: readonly Tensor[],
): Promise<{ operators: string[]; rewritten: object; off: number }> {
  const [before, after] = [join(folder, 'before.onnx'), join(folder, 'after.onnx')];
  writeFileSync(before, graphModel(graph));
  const model = new Model(readFileSync(before));
  const rewritten = rewriteExactly(model);
  await model.write(after);
  const [one, other] = [await answer(before, inputs), await answer(after, inputs)];
  const largest = one.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const off = Math.max(...one.map((value, i) => Math.abs(value - other[i]!) / largest));
  return { operators: model.nodes.map(({ operator }) => operator), rewritten, off };
}

function picture(): Tensor {
  return madeUp({ name: 'x', datatype: 'FP32' }, [2, CHANNELS, 5, 5], {
    style: 'wide',
    kind: 'plain',
    seed: 3,
  });
}

function weights(seed: number, size: number): Float32Array {
  return Float32Array.from({ length: CHANNELS * CHANNELS * size * size }, (_, i) => Math.sin(seed + i) / 3);
}

/** Kinds of links of a chain, each from one value to the next. */
type Link = 'conv' | 'padded' | 'factor' | 'sum' | 'swish' | 'swish in another order' | 'sigmoid' | 'clip';

const FLOATS = {
  one: [[], 1],
  two: [[], 2],
  three: [[], 3],
  six: [[], 6],
  sixth: [[], 1 / 6],
  zero: [[], 0],
  half: [[], 0.5],
} as const;

/** @param seen links whose values are outputs as well */
function chain(links: readonly Link[], seen: readonly number[] = []): SmallGraph {
  const steps: Step[] = [];
  const floats: Record<string, readonly [readonly number[], number | Float32Array]> = { ...FLOATS };
  links.forEach((link, i) => {
    const [x, y] = [i === 0 ? 'x' : `v${i}`, `v${i + 1}`];
    const size = link === 'padded' ? 3 : 1;
    switch (link) {
      case 'conv':
      case 'padded': {
        floats[`w${i}`] = [[CHANNELS, CHANNELS, size, size], weights(i, size)];
        const pads = size === 3 ? [1, 1, 1, 1] : [0, 0, 0, 0];
        steps.push(['Conv', [x, `w${i}`], [y], { kernel_shape: [size, size], pads }]);
        break;
      }
      case 'factor':
        steps.push(['Mul', i % 2 === 0 ? [x, 'half'] : ['half', x], [y]]);
        break;
      case 'sum':
        steps.push(['Add', i % 2 === 0 ? [x, 'two'] : ['two', x], [y]]);
        break;
      case 'swish':
      case 'swish in another order':
      case 'sigmoid':
        steps.push(['Add', [x, 'three'], [`a${i}`]], ['Clip', [`a${i}`, 'zero', 'six'], [`c${i}`]]);
        if (link === 'swish') steps.push(['Mul', [x, `c${i}`], [`m${i}`]], ['Div', [`m${i}`, 'six'], [y]]);
        else if (link === 'sigmoid') steps.push(['Mul', [`c${i}`, 'sixth'], [y]]);
        else steps.push(['Div', [`c${i}`, 'six'], [`s${i}`]], ['Mul', [`s${i}`, x], [y]]);
        break;
      case 'clip':
        steps.push(['Clip', [x, 'zero', 'six'], [y]]);
    }
  });
  const any = ['N', CHANNELS, 'H', 'W'];
  const outputs = new Set([`v${links.length}`, ...seen.map((at) => `v${at + 1}`)]);
  return {
    steps,
    inputs: { x: any },
    // The last one first: it is what is compared.
    outputs: Object.fromEntries([...outputs].map((name) => [name, any])),
    floats,
  };
}

describe('rewriteExactly', () => {
  it.each<[string, Link[], string[]]>([
    ['a HardSwish of its parts', ['swish'], ['HardSigmoid', 'Mul']],
    ['one in another order', ['swish in another order'], ['HardSigmoid', 'Mul']],
    ['a HardSigmoid', ['sigmoid'], ['HardSigmoid']],
    ['factors and sums behind a Conv', ['conv', 'factor', 'sum', 'clip'], ['Conv', 'Clip']],
    ['a factor before a Conv', ['clip', 'factor', 'padded'], ['Clip', 'Conv']],
    ['a sum before a Conv without padding', ['clip', 'sum', 'conv'], ['Clip', 'Conv']],
    [
      'a sum before one with padding, which stays a sum',
      ['clip', 'factor', 'sum', 'padded'],
      ['Clip', 'Conv', 'Conv'],
    ],
  ])('rewrites %s', async (_, links, operators) => {
    const found = await rewrite(chain(links), [picture()]);
    expect(found.operators).toEqual(operators);
    expect(found.off).toBeLessThan(1e-5);
  });

  it('leaves what others see, and weights of several', async () => {
    const seen = await rewrite(chain(['conv', 'factor'], [0]), [picture()]);
    expect(seen.operators).toEqual(['Conv', 'Mul']);
    const { steps, ...rest } = chain(['conv', 'factor']);
    const shared: SmallGraph = {
      ...rest,
      steps: [...steps, ['Conv', ['v2', 'w0'], ['y'], { kernel_shape: [1, 1] }]],
      outputs: { y: ['N', CHANNELS, 'H', 'W'] },
    };
    const found = await rewrite(shared, [picture()]);
    expect(found.operators).toEqual(['Conv', 'Mul', 'Conv']);
  });

  it('answers the same, whatever follows on what', async () => {
    const kinds: Link[] = [
      'conv',
      'padded',
      'factor',
      'sum',
      'swish',
      'swish in another order',
      'sigmoid',
      'clip',
    ];
    const links = fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(links, fc.array(fc.nat(8), { maxLength: 2 }), async (made, seen) => {
        const { off } = await rewrite(
          chain(
            made,
            seen.filter((at) => at < made.length - 1),
          ),
          [picture()],
        );
        expect(off).toBeLessThan(1e-4);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  describe('of masks', () => {
    const scores = ['N', 3, 3];
    /** `softmax(x @ w + (mask - 1) * 10000)` */
    const attention: SmallGraph = {
      steps: [
        ['MatMul', ['x', 'w'], ['s']],
        ['Sub', ['mask', 'one'], ['h']],
        ['Mul', ['h', 'much'], ['m']],
        ['Add', ['s', 'm'], ['a']],
        ['Softmax', ['a'], ['p'], { axis: -1 }],
        ['Identity', ['p'], ['y']],
      ],
      inputs: { x: scores, mask: ['N', 1, 3] },
      outputs: { y: scores },
      floats: { ...FLOATS, much: [[], 10000], w: [[3, 3], 0.5] },
    };
    const x = madeUp({ name: 'x', datatype: 'FP32' }, [2, 3, 3], { style: 'wide', kind: 'plain', seed: 1 });
    const mask: Tensor = {
      name: 'mask',
      datatype: 'FP32',
      shape: [2, 1, 3],
      data: Float32Array.of(1, 1, 0, 1, 0, 0),
    };

    it('lets none go below -64, which 24 bits do not show', async () => {
      const found = await rewrite(attention, [x, mask]);
      expect(found.operators).toEqual(['MatMul', 'Sub', 'Mul', 'Max', 'Add', 'Softmax', 'Identity']);
      expect(found.off).toBeLessThan(1e-27);
    });

    it.each([-3.4028234663852886e38, -Infinity])(
      'lets none that is chosen in place of a score: %s',
      async (hidden) => {
        const { steps, floats, ...rest } = attention;
        const chosen: Step[] = [
          steps[0]!,
          ['Less', ['mask', 'half'], ['h']],
          ['Where', ['h', 'hidden', 's'], ['a']],
          ...steps.slice(-2),
        ];
        const graph = {
          ...rest,
          steps: chosen,
          floats: { ...floats, half: [[], 0.5], hidden: [[], hidden] },
        } as const;
        const found = await rewrite(graph, [x, mask]);
        expect(found.rewritten).toEqual({ 'masks kept above -64': 1 });
        expect(found.off).toBeLessThan(1e-20);
      },
    );

    it('knows a mask that is made by a choice, and cut to the length of what it hides', async () => {
      const { steps, floats, ...rest } = attention;
      const cut: Step[] = [
        steps[0]!,
        ['Shape', ['s'], ['sizes']],
        ['Gather', ['sizes', 'last'], ['length']],
        ['Less', ['mask', 'half'], ['h']],
        ['Where', ['h', 'hidden', 'nothing'], ['whole']],
        ['Slice', ['whole', 'start', 'length', 'axis'], ['m']],
        ...steps.slice(-3),
      ];
      const graph: SmallGraph = {
        ...rest,
        steps: cut,
        integers: { last: [2], start: [0], axis: [2] },
        floats: { ...floats, half: [[], 0.5], nothing: [[], 0], hidden: [[], -Infinity] },
      };
      const found = await rewrite(graph, [x, mask]);
      expect(found.rewritten).toEqual({ 'masks kept above -64': 1 });
      expect(found.off).toBeLessThan(1e-20);
    });

    it('leaves a choice alone that others see', async () => {
      const { steps, floats, ...rest } = attention;
      const seen: Step[] = [
        steps[0]!,
        ['Less', ['mask', 'half'], ['h']],
        ['Where', ['h', 'hidden', 's'], ['a']],
        ['Softmax', ['a'], ['p'], { axis: -1 }],
        ['Add', ['p', 'a'], ['y']],
      ];
      const graph = {
        ...rest,
        steps: seen,
        floats: { ...floats, half: [[], 0.5], hidden: [[], -900] },
      } as const;
      expect((await rewrite(graph, [x, mask])).rewritten).toEqual({});
    });

    it('leaves a bias alone, which may be as low as it likes', async () => {
      const { steps, floats, ...rest } = attention;
      const biased = steps.map((step): Step => (step[0] === 'Add' ? ['Add', ['s', 'bias'], ['a']] : step));
      const bias = [[3], Float32Array.of(-100, -200, -90)] as const;
      const found = await rewrite({ ...rest, steps: biased, floats: { ...floats, bias } }, [x, mask]);
      expect(found.operators).not.toContain('Max');
      expect(found.off).toBe(0);
    });
  });
});
