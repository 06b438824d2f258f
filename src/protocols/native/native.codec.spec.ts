import { encodeNative } from './native.codec';

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
