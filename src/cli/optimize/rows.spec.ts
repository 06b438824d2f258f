import type { Tensor } from '../../tensors/tensor';
import { groupsOf, type Joining, type Row, together, ZEROS_BEHIND } from './rows';

const ids = (name: string, values: readonly number[]): Tensor => ({
  name,
  datatype: 'INT64',
  shape: [1, values.length],
  data: BigInt64Array.from(values, BigInt),
});
const text = (...tokens: number[]): Row => [
  ids('input_ids', tokens),
  ids(
    'attention_mask',
    tokens.map(() => 1),
  ),
];
const LEFT: Joining = { fill: { input_ids: 9 }, side: 'left' };

describe('rows', () => {
  it.each<[string, Joining, number[], number[]]>([
    ['before them, with what the tokenizer says', LEFT, [9, 9, 5, 6, 7, 8], [0, 0, 1, 1, 1, 1]],
    ['behind them, with zeros', ZEROS_BEHIND, [5, 0, 0, 6, 7, 8], [1, 0, 0, 1, 1, 1]],
  ])('of texts run together padded as a server pads them: %s', (_, joining, tokens, mask) => {
    const batch = together([text(5), text(6, 7, 8)], joining);
    expect(batch.map(({ shape, data }) => [shape, Array.from(data, Number)])).toEqual([
      [[2, 3], tokens],
      [[2, 3], mask],
    ]);
  });

  it('run together where they may, of any lengths with a mask alone', () => {
    const [a, b, c] = [text(1), text(2, 3), text(4)];
    expect(groupsOf([a, b, c], 8, LEFT)).toEqual([[a, b, c]]);
    expect(groupsOf([a, b, c], 2, LEFT)).toEqual([[a, b], [c]]);
    const bare = [a, b, c].map((row) => row.slice(0, 1));
    expect(groupsOf(bare, 8, LEFT)).toEqual([[bare[0], bare[2]], [bare[1]]]);
    expect(groupsOf([a, b], 8, undefined)).toEqual([[a], [b]]);
  });
});
