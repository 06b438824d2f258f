import type { Tensor } from '../tensors/tensor';
import { compatible, leadWithRows, rowBytes, rowsFault, sliceRows } from './batch';

const x: Tensor = { name: 'x', datatype: 'FP32', shape: [2, 3], data: new Float32Array(6) };
const ids: Tensor = { name: 'ids', datatype: 'INT64', shape: [2], data: new BigInt64Array(2) };

describe('leadWithRows', () => {
  it('wants the same leading dimension of every input', () => {
    expect(leadWithRows([x, ids], 2)).toBe(true);
    expect(leadWithRows([x, { ...ids, shape: [3] }], 2)).toBe(false);
    expect(leadWithRows([x, { ...ids, shape: [] }], 2)).toBe(false);
  });

  it('has nothing to join in requests without rows or inputs', () => {
    expect(leadWithRows([{ ...x, shape: [0, 3] }], 0)).toBe(false);
    expect(leadWithRows([], 1)).toBe(false);
  });
});

describe('compatible', () => {
  it('lets rows differ and nothing else', () => {
    expect(
      compatible(
        [x, ids],
        [
          { ...x, shape: [5, 3] },
          { ...ids, shape: [5] },
        ],
      ),
    ).toBe(true);
    expect(compatible([x], [{ ...x, shape: [2, 4] }])).toBe(false);
    expect(compatible([x], [{ ...x, shape: [2, 3, 1] }])).toBe(false);
    expect(compatible([x], [{ ...x, datatype: 'FP64' }])).toBe(false);
    expect(compatible([x], [x, ids])).toBe(false);
  });
});

describe('rowBytes', () => {
  it('adds up what a row takes in all inputs', () => {
    expect(rowBytes([x, ids], 2)).toBe(20);
    expect(rowBytes([{ name: 's', datatype: 'BYTES', shape: [2], data: ['ab', 'cdef'] }], 2)).toBe(3);
  });
});

describe('rowsFault', () => {
  it('names the output that has other rows than its batch', () => {
    expect(rowsFault([x], 2)).toBeUndefined();
    expect(rowsFault([x], 3)).toBe('output "x" has 2 rows for a batch of 3');
    expect(rowsFault([{ ...x, shape: [] }], 3)).toBe('output "x" is a scalar for a batch of 3 rows');
    expect(rowsFault([{ ...x, data: new Float32Array(5) }], 2)).toBe(
      'output "x" does not divide into 2 rows',
    );
  });
});

describe('sliceRows', () => {
  it('gives views of numbers and copies of strings', () => {
    const numbers: Tensor = {
      name: 'n',
      datatype: 'INT32',
      shape: [3, 2],
      data: Int32Array.of(1, 2, 3, 4, 5, 6),
    };
    const texts: Tensor = { name: 't', datatype: 'BYTES', shape: [3], data: ['a', 'b', 'c'] };
    const [own, ownTexts] = sliceRows([numbers, texts], 1, 2, 3);
    expect(own).toEqual({ name: 'n', datatype: 'INT32', shape: [2, 2], data: Int32Array.of(3, 4, 5, 6) });
    expect((own!.data as Int32Array).buffer).toBe((numbers.data as Int32Array).buffer);
    expect(ownTexts).toEqual({ name: 't', datatype: 'BYTES', shape: [2], data: ['b', 'c'] });
  });

  it('takes rows without elements', () => {
    const empty: Tensor = { name: 'n', datatype: 'FP32', shape: [2, 0], data: new Float32Array(0) };
    expect(sliceRows([empty], 1, 1, 2)).toEqual([{ ...empty, shape: [1, 0] }]);
  });
});
