import { copied, transferable } from './messages';

describe('what goes to the JSON thread as a copy', () => {
  it('keeps the values and classes, and shares no memory', () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    const given = {
      tensors: [
        { name: 'x', shape: [2], data: whole.subarray(1, 3) },
        { name: 'ids', shape: [1], data: BigInt64Array.of(7n) },
      ],
      texts: ['a', 'b'],
      nothing: null,
      count: 3,
    };
    const copy = copied(given) as typeof given;
    expect(copy).toEqual(given);
    whole.fill(0);
    const [x] = copy.tensors;
    expect(x?.data).toEqual(Float32Array.of(2, 3));
    // Not the rest of the memory that a view looks into.
    expect(x?.data.buffer.byteLength).toBe(8);
  });

  it('has memory of its own for a Buffer, whose slice has not', () => {
    const bytes = Buffer.from([1, 2, 3]);
    const copy = copied([bytes]) as Uint8Array[];
    bytes.fill(0);
    expect([...(copy[0] ?? [])]).toEqual([1, 2, 3]);
    expect(copy[0]?.buffer.byteLength).toBe(3);
  });
});

describe('the memory that changes hands', () => {
  it('is that of arrays which fill theirs, once each, however deep', () => {
    const data = new Float32Array(100);
    const view = new Uint8Array(data.buffer, 0, 300);
    expect([...transferable({ inputs: [{ data }, { data: view }], more: { data } })]).toEqual([data.buffer]);
  });

  it('is not that of a small view, which shares it with others', () => {
    const slab = Buffer.alloc(1000);
    expect(transferable([slab.subarray(0, 500), slab.subarray(500, 900)]).size).toBe(0);
  });

  it('is never shared memory, and none in texts and numbers', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    expect(transferable([{ shared }, ['a'.repeat(9), 'b'], 1, null, undefined]).size).toBe(0);
  });
});
