import type { TensorSpec } from '../tensor';
import { namedInputsOf, readNamedInputs } from './named-inputs';

const ONE: TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }];
const TWO: TensorSpec[] = [
  { name: 'ids', datatype: 'INT64', shape: [-1] },
  { name: 'text', datatype: 'BYTES', shape: [-1] },
];

const decode = (json: string, specs = TWO) => readNamedInputs(Buffer.from(json), specs);

describe('a body with inputs by name', () => {
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

describe('values by name that were parsed already', () => {
  it('are read in the same way, in the order of the model', () => {
    const specs: TensorSpec[] = [
      { name: 'a', datatype: 'INT64', shape: [-1] },
      { name: 'b', datatype: 'FP32', shape: [-1, 2] },
    ];
    expect(namedInputsOf({ b: [1, 'NaN'], a: ['9007199254740993'] }, specs)).toEqual([
      { name: 'a', datatype: 'INT64', shape: [1], data: new BigInt64Array([9007199254740993n]) },
      { name: 'b', datatype: 'FP32', shape: [1, 2], data: new Float32Array([1, NaN]) },
    ]);
    expect(() => namedInputsOf({ a: [1] }, specs)).toThrow(/"b"/);
  });
});
