import { JsonWriter } from '../../tensors/json/json-writer';
import type { Tensor } from '../../tensors/tensor';
import { finishAll, finishOutput, printRow, tensorsOf } from '../finish';
import { anyTruncated, tokenCount } from '../input-facts';
import { joinParts } from '../join-parts';
import type { OutputPlan } from '../plans';
import type { InputContext } from '../prepared';
import type { EmbeddingPlan } from './embedding';
import type { RerankPlan } from './rerank';
import type { TokensPlan } from './tokens';

function floats(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: Float32Array.from(values) };
}

function textContext(
  lengths: readonly number[],
  more: Partial<Extract<InputContext, { type: 'text' }>> = {},
): InputContext {
  return {
    type: 'text',
    name: 'text',
    lengths,
    paddingSide: 'right',
    isTruncated: lengths.map(() => false),
    tokens: undefined,
    ...more,
  };
}

function printed(plan: OutputPlan, tensors: readonly Tensor[], row: number): unknown {
  const writer = new JsonWriter();
  printRow(plan, tensorsOf(plan, tensors), row, writer);
  return JSON.parse(writer.finish().toString());
}

describe('an embedding of texts', () => {
  // Two rows of up to three tokens; beside the second's two is padding.
  const first = [1, 10, 2, 20, 6, 30];
  const hidden = {
    right: floats('hidden', [2, 3, 2], [...first, 4, 40, 8, 0, 999, 999]),
    left: floats('hidden', [2, 3, 2], [...first, 999, 999, 4, 40, 8, 0]),
  };
  const finished = (pooling: EmbeddingPlan['pooling'], paddingSide: 'left' | 'right'): number[] => {
    const plan: EmbeddingPlan = {
      type: 'embedding',
      name: 'vector',
      from: 'hidden',
      pooling,
      normalize: false,
    };
    const contexts = [textContext([3, 2], { paddingSide })];
    const [vectors] = finishOutput(plan, { outputs: [hidden[paddingSide]], contexts, options: {} });
    return Array.from(vectors!.data as Float32Array);
  };

  it.each([
    ['mean', [3, 20, 6, 20]],
    ['cls', [1, 10, 4, 40]],
    ['max', [6, 30, 8, 40]],
    ['last', [6, 30, 8, 0]],
  ] as const)('pools by %s over the tokens of each text, and over no padding', (pooling, vectors) => {
    expect(finished(pooling, 'right')).toEqual(vectors);
    expect(finished(pooling, 'left')).toEqual(vectors);
  });
});

describe('a reranking', () => {
  const plan: RerankPlan = { type: 'rerank', name: 'score', from: 'logits', activation: 'sigmoid' };

  it('has a score for each pair', () => {
    const outputs = [floats('logits', [3, 1], [0, 100, -100])];
    const tensors = finishOutput(plan, { outputs, contexts: [], options: {} });
    expect([0, 1, 2].map((row) => printed(plan, tensors, row))).toEqual([0.5, 1, expect.closeTo(0, 20)]);
  });

  it('leaves the numbers as they are where it is told to', () => {
    const outputs = [floats('logits', [1, 1], [-3.5])];
    expect(
      finishOutput({ ...plan, activation: 'none' }, { outputs, contexts: [], options: {} })[0]?.data,
    ).toEqual(Float32Array.of(-3.5));
  });
});

describe('named things in a text', () => {
  const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
  const plan: TokensPlan = { type: 'tokens', name: 'entities', from: 'logits', labels, ignore: ['O'] };

  /** Logits that choose these classes, ln 9 above the others: a share of 9 / 13. */
  function choose(...rows: readonly (readonly number[])[]): Tensor {
    const values = rows.flatMap((classes) =>
      classes.flatMap((chosen) => labels.map((_, id) => (id === chosen ? Math.log(9) : 0))),
    );
    return floats('logits', [rows.length, rows[0]!.length, labels.length], values);
  }

  const tokens = [
    // [CLS] 👍 Ada Love ##lace , Bob in Paris [SEP]
    {
      text: '👍 Ada Lovelace, Bob in Paris',
      spans: [
        [0, 0],
        [0, 2],
        [3, 6],
        [7, 11],
        [11, 15],
        [15, 16],
        [17, 20],
        [21, 23],
        [24, 29],
        [0, 0],
      ] as const,
    },
    {
      text: 'none',
      spans: [
        [0, 0],
        [0, 4],
        [0, 0],
      ] as const,
    },
  ];
  const outputs = [choose([3, 0, 1, 2, 2, 0, 1, 0, 4, 3], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])];
  const contexts = [textContext([10, 3], { tokens })];

  it('are put together of tokens, with their places in the text', () => {
    const tensors = finishOutput(plan, { outputs, contexts, options: {} });
    expect(printed(plan, tensors, 0)).toEqual([
      { label: 'PER', score: expect.closeTo(9 / 13, 6) as number, text: 'Ada Lovelace', start: 3, end: 15 },
      { label: 'PER', score: expect.closeTo(9 / 13, 6) as number, text: 'Bob', start: 17, end: 20 },
      { label: 'LOC', score: expect.closeTo(9 / 13, 6) as number, text: 'Paris', start: 24, end: 29 },
    ]);
    expect(printed(plan, tensors, 1)).toEqual([]);
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['entities', [3]],
      ['entities.text', [3]],
      ['entities.scores', [3]],
      ['entities.spans', [3, 2]],
      ['entities.counts', [2]],
    ]);
  });

  it('are found behind padding', () => {
    const [, text] = tokens;
    const tensors = finishOutput(plan, {
      outputs: [choose([1, 1, 0, 3, 0])],
      contexts: [textContext([3], { paddingSide: 'left', tokens: [text!] })],
      options: {},
    });
    expect(printed(plan, tensors, 0)).toMatchObject([{ label: 'LOC', text: 'none' }]);
  });

  it('begin anew at B-, and where the label is another', () => {
    const adjacent = [
      {
        text: 'abcd',
        spans: [
          [0, 1],
          [1, 2],
          [2, 3],
          [3, 4],
        ] as const,
      },
    ];
    const tensors = finishOutput(plan, {
      outputs: [choose([1, 1, 2, 4])],
      contexts: [textContext([4], { tokens: adjacent })],
      options: {},
    });
    expect(printed(plan, tensors, 0)).toMatchObject([
      { label: 'PER', text: 'a' },
      { label: 'PER', text: 'bc' },
      { label: 'LOC', text: 'd' },
    ]);
  });

  it('are in the order of the request, whichever runs they were in', () => {
    const run = (
      rows: readonly number[],
      text: string,
      classes: readonly number[],
    ): Parameters<typeof joinParts>[0][0] => ({
      rows,
      tensors: finishAll([plan], {
        outputs: [
          choose(
            classes,
            classes.map(() => 0),
          ),
        ],
        contexts: [
          textContext([2, 2], {
            tokens: [
              {
                text,
                spans: [
                  [0, 1],
                  [1, 2],
                ],
              },
              {
                text: 'zz',
                spans: [
                  [0, 1],
                  [1, 2],
                ],
              },
            ],
          }),
        ],
        options: {},
      }),
    });
    const joined = joinParts([run([2, 1], 'ab', [1, 1]), run([0, 3], 'cd', [3, 0])]);
    expect([0, 1, 2, 3].map((row) => printed(plan, joined, row))).toMatchObject([
      [{ label: 'LOC', text: 'c' }],
      [],
      [
        { label: 'PER', text: 'a' },
        { label: 'PER', text: 'b' },
      ],
      [],
    ]);
    expect(joined.find(({ name }) => name === 'text.tokens')?.data).toEqual(Int32Array.of(2, 2, 2, 2));
  });
});

describe('an answer to texts', () => {
  it('tells how many tokens they have, and whether one was cut', () => {
    const plan: RerankPlan = { type: 'rerank', name: 'score', from: 'logits', activation: 'none' };
    const outputs = [floats('logits', [2, 1], [1, 2])];
    const whole = finishAll([plan], { outputs, contexts: [textContext([5, 7])], options: {} });
    const cut = finishAll([plan], {
      outputs,
      contexts: [textContext([5, 7], { isTruncated: [false, true] })],
      options: {},
    });
    expect([tokenCount(whole), anyTruncated(whole), anyTruncated(cut)]).toEqual([12, false, true]);
  });
});
