import type { TensorSpec } from '../../tensors/tensor';
import { decodeNative, encodeNative } from './native.codec';

const ONE: TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }];
const TWO: TensorSpec[] = [
  { name: 'ids', datatype: 'INT64', shape: [-1] },
  { name: 'text', datatype: 'BYTES', shape: [-1] },
];

const decode = (json: string, specs = TWO) => decodeNative(Buffer.from(json), specs);

describe('a native request', () => {
  it('gives the tensors in the order of the model', () => {
    expect(decode('{"text": ["a"], "ids": ["9007199254740993"]}')).toEqual([
      { name: 'ids', datatype: 'INT64', shape: [1], data: new BigInt64Array([9007199254740993n]) },
      { name: 'text', datatype: 'BYTES', shape: [1], data: ['a'] },
    ]);
  });

  it.each(['{"x": [[1, 2], [3, 4]]}', '[[1, 2], [3, 4]]', '[1, 2, 3, 4]', ' \n[1,2,3,4] '])(
    'of a model with one input may be %s',
    (json) => {
      const [tensor] = decode(json, ONE);
      expect(tensor).toEqual({
        name: 'x',
        datatype: 'FP32',
        shape: [2, 2],
        data: new Float32Array([1, 2, 3, 4]),
      });
    },
  );

  it.each<[string, string, RegExp]>([
    ['{"ids": [1]}', 'missing_input', /Missing "text"; the model takes "ids", "text"/],
    ['{}', 'missing_input', /Missing "ids", "text"/],
    ['{"ids": [1], "texts": ["a"]}', 'unknown_input', /"texts".*"ids", "text"/],
    ['{"ids": [1], "ids": [2], "text": []}', 'invalid_json', /"ids" is given twice/],
    ['{"ids": [1], "text": ["a"]} 1', 'invalid_json', /position 28/],
    ['{"ids": [1], "text": ["a"]', 'invalid_json', /ended early/],
    ['[1]', 'invalid_request', /Expected an object/],
    ['', 'invalid_json', /position 0/],
  ])('is refused: %s', (json, code, message) => {
    const read = (): unknown => decode(json);
    expect(read).toThrow(expect.objectContaining({ code }) as Error);
    expect(read).toThrow(message);
  });

  it('does not repeat a name of any length in its refusal', () => {
    const read = (): unknown => decode(`{"${'n'.repeat(10_000)}": 1}`);
    expect(read).toThrow(/^.{0,300}$/);
  });
});

describe('a native answer', () => {
  it('has the outputs by name, nested by their shapes', () => {
    const answer = encodeNative({
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [2], data: new BigInt64Array([0n, -(2n ** 63n)]) },
        { name: 'odd "name"', datatype: 'FP32', shape: [1, 2], data: new Float32Array([0.1, NaN]) },
        { name: 'none', datatype: 'BYTES', shape: [0, 3], data: [] },
        { name: 'scalar', datatype: 'BOOL', shape: [], data: new Uint8Array([1]) },
      ],
      cached: true,
      processingSeconds: 0.25,
      model: 'm',
      version: '3',
    });
    expect(JSON.parse(answer.toString())).toEqual({
      result: {
        label: [0, '-9223372036854775808'],
        'odd "name"': [[0.1, 'NaN']],
        none: [],
        scalar: true,
      },
      cached: true,
      processing_time: 0.25,
      model: 'm',
      version: '3',
    });
  });
});
