import { DATATYPES, allocate, type NumericDatatype } from '../../tensors/datatype';
import type { TensorSpec } from '../../tensors/tensor';
import { blockBytes, BlockReader, BlockWriter, copyElements } from './tensor-block';

const PAIR: TensorSpec[] = [
  { name: 'x', datatype: 'FP32', shape: [-1, 3] },
  { name: 'flags', datatype: 'BOOL', shape: [-1] },
];

function fill(writer: BlockWriter, shapes: number[][], start = 1): void {
  let next = start;
  for (const { data } of writer.place(shapes) ?? []) {
    if (!Array.isArray(data))
      copyElements(
        Float32Array.from(data as Float32Array, () => next++),
        data,
      );
  }
}

describe('a block of tensors', () => {
  it('gives the reader what the writer put in', () => {
    const memory = new SharedArrayBuffer(1024);
    const reader = new BlockReader(PAIR, memory);
    fill(new BlockWriter(PAIR, memory), [[2, 3], [5]]);
    expect(reader.read()).toEqual([
      { name: 'x', datatype: 'FP32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) },
      { name: 'flags', datatype: 'BOOL', shape: [5], data: new Uint8Array([7, 8, 9, 10, 11]) },
    ]);
  });

  it.each(DATATYPES.filter((datatype): datatype is NumericDatatype => datatype !== 'BYTES'))(
    'carries %s after a tensor of odd length, aligned',
    (datatype) => {
      const specs: TensorSpec[] = [
        { name: 'odd', datatype: 'INT8', shape: [-1] },
        { name: 'y', datatype, shape: [-1] },
      ];
      const memory = new ArrayBuffer(blockBytes(specs, [[3], [2]]));
      const placed = new BlockWriter(specs, memory).place([[3], [2]]);
      const values = allocate(datatype, 2);
      new Uint8Array(values.buffer).set([1, 2]);
      copyElements(values, placed?.[1]?.data as typeof values);
      const [odd, y] = new BlockReader(specs, memory).read();
      expect(odd?.shape).toEqual([3]);
      expect(y).toEqual({ name: 'y', datatype, shape: [2], data: values });
    },
  );

  it('keeps its views while the shapes stay the same, and makes new ones when they change', () => {
    const memory = new SharedArrayBuffer(1024);
    const writer = new BlockWriter(PAIR, memory);
    const reader = new BlockReader(PAIR, memory);
    fill(writer, [[1, 3], [1]]);
    const first = reader.read();
    fill(writer, [[1, 3], [1]], 10);
    expect(reader.read()).toBe(first);
    expect(first[0]?.data).toEqual(new Float32Array([10, 11, 12]));
    fill(writer, [[3, 1], [1]], 20);
    expect(reader.read()[0]).toMatchObject({ shape: [3, 1], data: new Float32Array([20, 21, 22]) });
  });

  it('copies to local memory when it is given some', () => {
    const memory = new SharedArrayBuffer(256);
    const local = new ArrayBuffer(256);
    const writer = new BlockWriter(PAIR, memory);
    const reader = new BlockReader(PAIR, memory, local);
    fill(writer, [[1, 3], [0]]);
    const [x] = reader.read();
    fill(writer, [[1, 3], [0]], 7);
    expect(x?.data).toEqual(new Float32Array([1, 2, 3]));
    expect((x?.data as Float32Array).buffer).toBe(local);
    reader.read();
    expect(x?.data).toEqual(new Float32Array([7, 8, 9]));
  });

  it('has room for scalars, for no elements, and for the shapes of text', () => {
    const specs: TensorSpec[] = [
      { name: 'scalar', datatype: 'INT64', shape: [] },
      { name: 'none', datatype: 'FP64', shape: [-1, 4] },
      { name: 'text', datatype: 'BYTES', shape: [-1] },
    ];
    const shapes = [[], [0, 4], [3]];
    const memory = new ArrayBuffer(blockBytes(specs, shapes));
    const placed = new BlockWriter(specs, memory).place(shapes);
    copyElements(new BigInt64Array([-5n]), placed?.[0]?.data as BigInt64Array);
    expect(new BlockReader(specs, memory).read()).toEqual([
      { name: 'scalar', datatype: 'INT64', shape: [], data: new BigInt64Array([-5n]) },
      { name: 'none', datatype: 'FP64', shape: [0, 4], data: new Float64Array(0) },
      { name: 'text', datatype: 'BYTES', shape: [3], data: [] },
    ]);
  });

  it('refuses what does not fit, to the byte, and stays as it was', () => {
    const memory = new ArrayBuffer(blockBytes(PAIR, [[2, 3], [8]]));
    const writer = new BlockWriter(PAIR, memory);
    fill(writer, [[2, 3], [8]]);
    expect(writer.place([[2, 3], [9]])).toBeUndefined();
    expect(new BlockReader(PAIR, memory).read()[1]?.shape).toEqual([8]);
  });
});
