import { readCsv } from '../../processing/table/csv';
import type { Tensor } from '../../tensors/tensor';
import { encodeCsv } from './csv-answer';

function lines(outputs: readonly Tensor[]): string[][] {
  const records: string[][] = [];
  readCsv(encodeCsv(outputs), 'answer', { maxColumns: 100, maxCellLength: 100 }, (cells) =>
    records.push([...cells]),
  );
  return records;
}

describe('an answer in CSV', () => {
  it('has a line for each row, and a column for each value', () => {
    expect(
      lines([
        { name: 'species', datatype: 'BYTES', shape: [2, 1], data: ['setosa', 'a "b", c'] },
        { name: 'scores', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.1, NaN, Infinity, -2) },
        { name: 'big', datatype: 'INT64', shape: [2], data: BigInt64Array.of(9007199254740993n, -1n) },
      ]),
    ).toEqual([
      ['species', 'scores.0', 'scores.1', 'big'],
      ['setosa', '0.1', '', '9007199254740993'],
      ['a "b", c', 'Infinity', '-2', '-1'],
    ]);
  });

  it('has a header alone where there are no rows', () => {
    expect(lines([{ name: 'x', datatype: 'FP32', shape: [0, 2], data: new Float32Array() }])).toEqual([
      ['x.0', 'x.1'],
    ]);
  });

  it.each<readonly [string, readonly Tensor[]]>([
    ['a scalar', [{ name: 'x', datatype: 'FP32', shape: [], data: Float32Array.of(1) }]],
    [
      'rows of different numbers of values',
      [
        { name: 'x', datatype: 'BYTES', shape: [3], data: ['a', 'b', 'c'] },
        { name: 'x.counts', datatype: 'INT64', shape: [2], data: BigInt64Array.of(1n, 2n) },
      ],
    ],
  ])('is refused for %s', (_what, outputs) => {
    expect(() => encodeCsv(outputs)).toThrow('the answer is no table');
  });
});
