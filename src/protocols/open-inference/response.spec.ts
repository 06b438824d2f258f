import { encodeV2, type V2Answer } from './response';

const Y = { name: 'y', datatype: 'FP32', shape: [1, 3], data: Float32Array.of(0.1, -2, 3e10) } as const;
const LABEL = { name: 'label', datatype: 'BYTES', shape: [2], data: ['né', ''] } as const;

const answer = (outputs: V2Answer['outputs'], binaryOutputs: boolean[], id?: string): V2Answer => ({
  model: 'm',
  version: '3',
  id,
  outputs,
  binaryOutputs,
});

describe('a response', () => {
  it('is JSON with flat data, unless binary was asked for', () => {
    const { body, headerLength } = encodeV2(
      answer([Y, { ...LABEL, data: [...LABEL.data] }], [false, false], 'a "b"'),
    );
    expect(headerLength).toBeUndefined();
    expect(JSON.parse(Buffer.concat(body).toString())).toEqual({
      model_name: 'm',
      model_version: '3',
      id: 'a "b"',
      outputs: [
        { name: 'y', shape: [1, 3], datatype: 'FP32', data: [0.1, -2, 3e10] },
        { name: 'label', shape: [2], datatype: 'BYTES', data: ['né', ''] },
      ],
    });
  });

  it('has the best classes in place of an output, with their labels where the model has any', () => {
    const best = (labels?: string[]) =>
      JSON.parse(
        Buffer.concat(
          encodeV2({ ...answer([Y], [false]), best: [{ count: 2, byRows: true, labels }] }).body,
        ).toString(),
      ) as { outputs: unknown[] };
    expect(best().outputs).toEqual([
      { name: 'y', shape: [1, 2], datatype: 'BYTES', data: ['30000000000:2', '0.1:0'] },
    ]);
    expect(best(['cat', 'dog', 'a:b']).outputs).toMatchObject([{ data: ['30000000000:2:a:b', '0.1:0:cat'] }]);
    // A file of labels may be too short.
    expect(best(['cat']).outputs).toMatchObject([{ data: ['30000000000:2', '0.1:0:cat'] }]);
  });

  it('has no id where the request had none, and echoes an empty one', () => {
    const parse = (id?: string): object =>
      JSON.parse(Buffer.concat(encodeV2(answer([], [], id)).body).toString()) as object;
    expect(parse()).toEqual({ model_name: 'm', model_version: '3', outputs: [] });
    expect(parse('')).toMatchObject({ id: '' });
  });

  it('has its binary outputs behind the JSON, in its order, numbers as views of their memory', () => {
    const outputs = [Y, { ...Y, name: 'z' }, { ...LABEL, data: [...LABEL.data] }];
    const { body, headerLength } = encodeV2(answer(outputs, [true, false, true]));
    const [head, y, label, ...rest] = body;
    expect(headerLength).toBe(head!.length);
    expect(JSON.parse(head!.toString())).toEqual({
      model_name: 'm',
      model_version: '3',
      outputs: [
        { name: 'y', shape: [1, 3], datatype: 'FP32', parameters: { binary_data_size: 12 } },
        { name: 'z', shape: [1, 3], datatype: 'FP32', data: [0.1, -2, 3e10] },
        { name: 'label', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 11 } },
      ],
    });
    expect(y!.buffer).toBe(Y.data.buffer);
    expect([...y!]).toEqual([...Buffer.from(Y.data.buffer)]);
    expect([...label!]).toEqual([3, 0, 0, 0, 0x6e, 0xc3, 0xa9, 0, 0, 0, 0]);
    expect(rest).toEqual([]);
  });

  it('writes a part of larger memory as that part', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const [, bytes] = encodeV2(answer([{ ...Y, shape: [2], data }], [true])).body;
    expect(bytes!.equals(Buffer.from(Float32Array.of(2, 3).buffer))).toBe(true);
  });

  it('has a header length where the only binary output is empty', () => {
    const { body, headerLength } = encodeV2(
      answer([{ ...Y, shape: [0, 3], data: new Float32Array() }], [true]),
    );
    expect(headerLength).toBe(body[0]!.length);
    expect(body[0]!.toString()).toContain('"parameters":{"binary_data_size":0}');
  });
});
