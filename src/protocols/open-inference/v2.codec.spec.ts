import { decodeJson, MIXED, only, PLAIN, spec, X } from '../../../test/helpers/v2-bodies';

describe('a request in JSON', () => {
  it('becomes tensors, with the defaults for what it does not say', () => {
    const call = decodeJson({ inputs: [X] });
    expect(call).toEqual({
      id: undefined,
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1.5, -2) }],
      outputs: undefined,
      binaryOutputs: [false],
      priority: 0,
      timeoutMs: undefined,
    });
  });

  it('may have its keys in any order, data before what it is', () => {
    const call = decodeJson(
      '{"outputs":[{"name":"y"}],"inputs":[{"data":[[1,2],[3,4]],"parameters":{},"datatype":"FP32","shape":[2,2],"name":"x"}],"id":"a"}',
    );
    expect(only(call)).toEqual({
      name: 'x',
      datatype: 'FP32',
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    expect(call).toMatchObject({ id: 'a', outputs: ['y'] });
  });

  it('has its inputs handed on in the order of the model', () => {
    const call = decodeJson(
      {
        inputs: [
          { name: 'text', shape: [2, 1], datatype: 'BYTES', data: ['a', 'é\n'] },
          { name: 'flags', shape: [3], datatype: 'BOOL', data: [true, false, true] },
          { name: 'image', shape: [1, 2], datatype: 'FP32', data: [1, 2] },
        ],
      },
      MIXED,
    );
    expect(call.inputs.map(({ name }) => name)).toEqual(['image', 'flags', 'text']);
    expect(call.inputs[1]!.data).toEqual(Uint8Array.of(1, 0, 1));
    expect(call.inputs[2]!.data).toEqual(['a', 'é\n']);
  });

  it('may have keys that mean nothing here', () => {
    const call = decodeJson({
      model_name: 'm',
      extra: [{ a: [1] }],
      parameters: { sequence_id: 0, sequence_start: false, custom: { deep: [1] } },
      inputs: [{ ...X, more: null, parameters: { content_type: 'np' } }],
      outputs: [{ name: 'y', parameters: { classification: 0 }, more: 1 }],
    });
    expect(only(call).data).toEqual(Float32Array.of(1.5, -2));
  });

  it('may have null for what it leaves out', () => {
    const call = decodeJson({
      id: null,
      parameters: null,
      outputs: null,
      inputs: [{ ...X, parameters: null }],
    });
    expect(call).toMatchObject({ id: undefined, outputs: undefined });
    const parameters = { priority: null, timeout: null, binary_data_output: null };
    expect(decodeJson({ parameters, inputs: [X] })).toMatchObject({ priority: 0, binaryOutputs: [false] });
  });

  it.each([
    ['flat', [2, 2], [1, 2, 3, 4]],
    [
      'nested',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['nested without its dimensions of one', [1, 2], [[[1], [2]]]],
    ['no elements at all, flat', [0, 2], []],
    ['no elements at all, nested', [0, 2], [[]]],
  ])('may have its data %s', (_, shape, data) => {
    const flat = Float32Array.from(data.flat(3));
    expect(only(decodeJson({ inputs: [{ ...X, shape, data }] }))).toMatchObject({ shape, data: flat });
  });

  it('takes a scalar as the only element of an array, or as the bare value', () => {
    const model = { inputs: [spec('sr', 'INT64', [])], outputs: [] };
    for (const data of [16000, [16000]]) {
      const call = decodeJson({ inputs: [{ name: 'sr', shape: [], datatype: 'INT64', data }] }, model);
      expect(only(call)).toEqual({
        name: 'sr',
        datatype: 'INT64',
        shape: [],
        data: BigInt64Array.of(16000n),
      });
    }
  });

  it('takes a scalar of one dimension of one element, as other servers present it', () => {
    const model = { inputs: [spec('sr', 'INT64', [])], outputs: [] };
    const input = { name: 'sr', datatype: 'INT64', data: [16000] };
    expect(only(decodeJson({ inputs: [{ ...input, shape: [1] }] }, model))).toMatchObject({
      shape: [],
      data: BigInt64Array.of(16000n),
    });
    for (const shape of [[2], [1, 1], [0]])
      expect(() => decodeJson({ inputs: [{ ...input, shape }] }, model)).toThrow(/expected shape \[\]/);
  });

  it('may name a dimension of any spelling of a whole number', () => {
    expect(
      only(decodeJson('{"inputs":[{"name":"x","shape":[1.0,2e0],"datatype":"FP32","data":[1,2]}]}')).shape,
    ).toEqual([1, 2]);
  });

  it('asks for all outputs by naming none', () => {
    expect(decodeJson({ inputs: [X], outputs: [] }).outputs).toBeUndefined();
  });

  it.each([
    [{}, { priority: 0, timeoutMs: undefined }],
    [
      { priority: 0, timeout: 0 },
      { priority: 0, timeoutMs: undefined },
    ],
    [
      { priority: 1, timeout: 1500 },
      { priority: 1, timeoutMs: 1.5 },
    ],
    [{ priority: 10 }, { priority: 10 }],
  ])('has the parameters %j', (parameters, expected) => {
    expect(decodeJson({ inputs: [X], parameters })).toMatchObject(expected);
  });
});

describe('the forms of the outputs', () => {
  const named = (binary_data?: boolean): object => ({ name: 'y', parameters: { binary_data } });
  it.each([
    [{}, undefined, [false, false]],
    [{ parameters: { binary_data_output: true } }, undefined, [true, true]],
    [{ outputs: [{ name: 'label' }, named(true)] }, ['label', 'y'], [false, true]],
    [
      { outputs: [{ name: 'label' }, named(false)], parameters: { binary_data_output: true } },
      ['label', 'y'],
      [true, false],
    ],
    [{ outputs: [named(true)], parameters: { binary_data_output: false } }, ['y'], [true]],
  ])('are those that %j asks for', (request, outputs, binaryOutputs) => {
    const model = { ...PLAIN, outputs: MIXED.outputs };
    expect(decodeJson({ ...request, inputs: [X] }, model)).toMatchObject({ outputs, binaryOutputs });
  });
});
