import { binaryBody, decodeJson, only, refusal, spec, X } from '../../../test/helpers/v2-bodies';
import type { ErrorCode } from '../../errors/domain-error';
import type { V2Call, V2Model } from './v2-call';
import { decodeV2 } from './v2.codec';

const HALF: V2Model = {
  inputs: [spec('h', 'FP16', [2])],
  outputs: [spec('h2', 'FP16', [2]), spec('y', 'FP32', [2])],
};

describe('a value of another kind', () => {
  const x = (change: object): object => ({ inputs: [{ ...X, ...change }] });
  it.each<[string, unknown, RegExp]>([
    [
      'shape as text',
      x({ shape: '-1' }),
      /^Input "x": shape: expected an array at position \d+, found a string\.$/,
    ],
    ['shape as a number', x({ shape: 2 }), /^Input "x": shape: expected an array .*, found a number/],
    ['shape as null', x({ shape: null }), /^Input "x": shape: expected an array .*, found null/],
    ['a dimension of text', x({ shape: ['1', 2] }), /^Input "x": shape: a dimension at .*found a string/],
    ['a negative dimension', x({ shape: [-1, 2] }), /^Input "x": shape: a dimension .*found -1/],
    ['data as text', x({ data: 'a' }), /^Input "x": data: expected an array .*, found a string/],
    ['data as an object', x({ data: {} }), /^Input "x": data: expected an array .*, found an object/],
    [
      'datatype as a number',
      x({ datatype: 5 }),
      /^Input "x": datatype: expected a string .*, found a number/,
    ],
    [
      'parameters as a list',
      x({ parameters: [] }),
      /^Input "x": parameters: expected an object .*, found an array/,
    ],
    [
      'a size as text',
      x({ parameters: { binary_data_size: '8' } }),
      /^Input "x": parameters: Parameter "binary_data_size" at .*: expected a number, .*found a string/,
    ],
    ['a name as a number', x({ name: 5 }), /^Input number 1: name: expected a string .*, found a number/],
    [
      'the name after what is wrong',
      { inputs: [X, { shape: '-1', name: 'x' }] },
      /^Input number 2: shape: expected an array/,
    ],
    ['an input as text', { inputs: ['x'] }, /^Input number 1: expected an object .*, found a string/],
    ['inputs as an object', { inputs: {} }, /^The request's "inputs": expected an array .*, found an object/],
    [
      'outputs as text',
      { inputs: [X], outputs: 'y' },
      /^The request's "outputs": expected an array .*, found a string/,
    ],
    [
      'an output as text',
      { inputs: [X], outputs: ['y'] },
      /^Output number 1: expected an object .*, found a string/,
    ],
    [
      'an output as null',
      { inputs: [X], outputs: [null] },
      /^Output number 1: expected an object .*, found null/,
    ],
    [
      "an output's name as a number",
      { inputs: [X], outputs: [{ name: 1 }] },
      /^Output number 1: name: expected a string .*, found a number/,
    ],
    [
      "an output's parameters",
      { inputs: [X], outputs: [{ name: 'y', parameters: 'a' }] },
      /^Output "y": parameters: expected an object .*, found a string/,
    ],
    [
      "an output's parameter",
      { inputs: [X], outputs: [{ name: 'y', parameters: { classification: 'two' } }] },
      /^Output "y": parameters: Parameter "classification" at .*: expected a number/,
    ],
    [
      'an id as a number',
      { inputs: [X], id: 5 },
      /^The request's "id": expected a string .*, found a number/,
    ],
    [
      'a priority as text',
      { inputs: [X], parameters: { priority: 'high' } },
      /^Parameter "priority" at .*: expected a number.*found a string/,
    ],
    ['a request as a list', [], /^The request: expected an object .*, found an array/],
  ])('is named with its place: %s', (_what, body, message) => {
    expect(() => decodeJson(body)).toThrow(message);
  });
});

describe('a request in JSON', () => {
  const x = (change: object): object => ({ inputs: [{ ...X, ...change }] });
  it.each<[string, unknown, ErrorCode, RegExp]>([
    ['an empty body', '', 'invalid_json', /ended early/],
    ['JSON that is cut', '{"inputs":[{"name":"x"', 'invalid_json', /ended early/],
    ['something behind the JSON', '{"inputs":[]} 1', 'invalid_json', /end of the document/],
    ['an array', [X], 'invalid_request', /an object/],
    ['no inputs', {}, 'missing_input', /"x"/],
    ['inputs that are no array', { inputs: { x: 1 } }, 'invalid_request', /an array/],
    ['inputs that are null', { inputs: null }, 'invalid_request', /an array/],
    ['an input that is no object', { inputs: [1] }, 'invalid_request', /an object/],
    ['too few inputs', { inputs: [] }, 'missing_input', /Missing "x"/],
    ['an input twice', { inputs: [X, X] }, 'invalid_request', /"x": it is given twice/],
    ['an unknown input', x({ name: 'z' }), 'unknown_input', /"z"; the model takes "x"/],
    ['an input without a name', x({ name: undefined }), 'invalid_request', /no name/],
    ['a name that is no string', x({ name: 1 }), 'invalid_request', /a string/],
    ['no shape', x({ shape: undefined }), 'invalid_request', /"x": it has no shape/],
    ['a shape that is no array', x({ shape: 2 }), 'invalid_request', /an array/],
    ['another rank', x({ shape: [2] }), 'shape_mismatch', /\[-1, 2\].*\[2\]/],
    ['another size', x({ shape: [1, 3], data: [1, 2, 3] }), 'shape_mismatch', /\[-1, 2\].*\[1, 3\]/],
    ['a negative dimension', x({ shape: [-1, 2] }), 'invalid_request', /found -1/],
    ['a broken dimension', x({ shape: [0.5, 2] }), 'invalid_request', /found 0.5/],
    ['a dimension of text', x({ shape: ['1', 2] }), 'invalid_request', /a number/],
    ['a huge dimension', x({ shape: [2 ** 31, 2] }), 'invalid_request', /2147483647/],
    [
      'a dimension beyond all numbers',
      '{"inputs":[{"name":"x","shape":[1e400,2]}]}',
      'invalid_request',
      /1e400/,
    ],
    ['no datatype', x({ datatype: undefined }), 'invalid_request', /"x": it has no datatype/],
    ['another datatype', x({ datatype: 'FP64' }), 'wrong_datatype', /expected datatype FP32, got "FP64"/],
    ['no datatype at all', x({ datatype: 'FLOAT' }), 'wrong_datatype', /"FLOAT"/],
    ['no data', x({ data: undefined }), 'invalid_request', /neither data nor a binary_data_size/],
    ['data that is no array', x({ data: 1 }), 'invalid_request', /an array/],
    ['data that is null', x({ data: null }), 'invalid_request', /an array/],
    ['too few elements', x({ data: [1] }), 'shape_mismatch', /2 elements, data has 1/],
    ['too many elements', x({ data: [1, 2, 3] }), 'shape_mismatch', /more than 2/],
    ['data for no elements', x({ shape: [0, 2], data: [1] }), 'shape_mismatch', /more than 0/],
    [
      'a shape of more than there is',
      x({ shape: [2 ** 30, 2] }),
      'shape_mismatch',
      /2147483648 elements, data has 2/,
    ],
    [
      'data of another nesting',
      x({
        shape: [3, 2],
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
      'shape_mismatch',
      /\[2, 3\].*\[3, 2\]/,
    ],
    ['ragged data', x({ shape: [2, 2], data: [[1, 2], [3]] }), 'ragged_array', /"x"/],
    ['an element of text', x({ data: ['a', 1] }), 'wrong_datatype', /"x"/],
    ['an element of null', x({ data: [null, 1] }), 'wrong_datatype', /"x"/],
    ['parameters that are no object', { inputs: [X], parameters: 1 }, 'invalid_request', /an object/],
    ["an input's parameters that are no object", x({ parameters: 'a' }), 'invalid_request', /an object/],
    ['an id that is no string', { id: 42, inputs: [X] }, 'invalid_request', /a string/],
    [
      'an unknown output',
      { inputs: [X], outputs: [{ name: 'z' }] },
      'unknown_output',
      /"z"; the model gives "y"/,
    ],
    ['an output twice', { inputs: [X], outputs: [{ name: 'y' }, { name: 'y' }] }, 'invalid_request', /twice/],
    ['an output without a name', { inputs: [X], outputs: [{}] }, 'invalid_request', /no name/],
    ['outputs that are names', { inputs: [X], outputs: ['y'] }, 'invalid_request', /an object/],
    [
      'a priority out of range',
      { inputs: [X], parameters: { priority: 11 } },
      'invalid_request',
      /"priority".*10.*11/,
    ],
    ['a negative priority', { inputs: [X], parameters: { priority: -1 } }, 'invalid_request', /"priority"/],
    ['a broken timeout', { inputs: [X], parameters: { timeout: 1.5 } }, 'invalid_request', /"timeout"/],
    ['a negative timeout', { inputs: [X], parameters: { timeout: -5 } }, 'invalid_request', /"timeout"/],
    ['a timeout of text', { inputs: [X], parameters: { timeout: '5' } }, 'invalid_request', /a number/],
    [
      'binary_data_output of text',
      { inputs: [X], parameters: { binary_data_output: 'true' } },
      'invalid_request',
      /"binary_data_output"/,
    ],
    [
      'binary_data that is a number',
      { inputs: [X], outputs: [{ name: 'y', parameters: { binary_data: 1 } }] },
      'invalid_request',
      /"binary_data"/,
    ],
    [
      'binary data without a header',
      x({ data: undefined, parameters: { binary_data_size: 8 } }),
      'invalid_request',
      /Inference-Header-Content-Length/,
    ],
  ])('is refused for %s', (_, request, code, message) => {
    const fault = refusal(() => decodeJson(request));
    expect(fault).toMatchObject({ code });
    expect(fault.message).toMatch(message);
  });

  it.each(['id', 'parameters', 'inputs', 'outputs'])('is refused with "%s" twice', (key) => {
    const value = { id: '"a"', parameters: '{}', inputs: JSON.stringify([X]), outputs: '[{"name":"y"}]' }[
      key
    ];
    const fault = refusal(() => decodeJson(`{"${key}":${value},"${key}":${value}}`));
    expect(fault).toMatchObject({ code: 'invalid_json' });
    expect(fault.message).toContain(`"${key}" is given twice`);
  });

  it.each(['name', 'shape', 'datatype', 'parameters', 'data'])(
    'is refused for an input with "%s" twice',
    (key) => {
      const fields = { ...X, parameters: {} };
      const twice = JSON.stringify(fields).replace(
        /}$/,
        `,"${key}":${JSON.stringify(fields[key as keyof typeof fields])}}`,
      );
      expect(refusal(() => decodeJson(`{"inputs":[${twice}]}`))).toMatchObject({ code: 'invalid_json' });
    },
  );

  it.each([
    [
      'a shape without an end',
      `{"inputs":[{"name":"x","shape":[${'1,'.repeat(100_000)}1]}]}`,
      'shape_mismatch',
    ],
    ['nesting without an end', `{"inputs":[{"x":${'['.repeat(100_000)}`, 'invalid_json'],
  ])('is refused early for %s', (_, text, code) => {
    expect(refusal(() => decodeJson(text))).toMatchObject({ code });
  });

  it('is refused when the sizes beside a dimension of zero cannot be multiplied', () => {
    const model = { inputs: [spec('x', 'FP32', [-1, -1, -1])], outputs: [] };
    const shape = [2 ** 31 - 1, 2 ** 31 - 1, 0];
    const fault = refusal(() => decodeJson({ inputs: [{ ...X, shape, data: [] }] }, model));
    expect(fault).toMatchObject({ code: 'shape_mismatch' });
    expect(fault.message).toContain('too many places');
  });

  it.each(['INT64', 'UINT64'] as const)(
    'carries %s exactly: beyond 2^53 in digits or as strings, and never rounded',
    (datatype) => {
      const model = { inputs: [spec('n', datatype, [-1])], outputs: [] };
      const n = { name: 'n', shape: [2], datatype };
      const { data } = only(decodeJson({ inputs: [{ ...n, data: ['9223372036854775807', 7] }] }, model));
      expect([...(data as BigInt64Array)]).toEqual([9223372036854775807n, 7n]);
      const bare = JSON.stringify({ inputs: [{ ...n, data: [0, 1] }] }).replace(
        '[0,1]',
        '[9223372036854775807,7]',
      );
      expect([...(only(decodeJson(bare, model)).data as BigInt64Array)]).toEqual([9223372036854775807n, 7n]);
      const rounded = bare.replace('9223372036854775807', '9.223372036854775e18');
      expect(refusal(() => decodeJson(rounded, model))).toMatchObject({ code: 'unsafe_integer' });
    },
  );

  it('is refused for FP16, either way, with the way to send and to ask for it', () => {
    const h = { name: 'h', shape: [2], datatype: 'FP16', data: [1, 2] };
    const input = refusal(() => decodeJson({ inputs: [h], parameters: { binary_data_output: true } }, HALF));
    expect(input).toMatchObject({ code: 'wrong_datatype' });
    expect(input.message).toContain('binary_data_size');

    const binary = { name: 'h', shape: [2], datatype: 'FP16', parameters: { binary_data_size: 4 } };
    const ask = (request: object): V2Call => {
      const { body, headerLength } = binaryBody({ inputs: [binary], ...request }, [Buffer.alloc(4)]);
      return decodeV2(body, headerLength, HALF);
    };
    for (const request of [
      {},
      { outputs: [{ name: 'h2' }] },
      {
        outputs: [{ name: 'h2', parameters: { binary_data: false } }],
        parameters: { binary_data_output: true },
      },
    ]) {
      const output = refusal(() => ask(request));
      expect(output).toMatchObject({ code: 'wrong_datatype' });
      expect(output.message).toMatch(/"h2".*binary_data/);
    }
    expect(ask({ outputs: [{ name: 'y' }] }).binaryOutputs).toEqual([false]);
    expect(ask({ parameters: { binary_data_output: true } }).binaryOutputs).toEqual([true, true]);
  });
});
