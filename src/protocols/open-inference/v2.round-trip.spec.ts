import fc from 'fast-check';
import { binaryBody, jsonBody, only, tensorBytes, tensorValues } from '../../../test/helpers/v2-bodies';
import {
  allocate,
  type Datatype,
  DATATYPES,
  type NumericDatatype,
  type TensorData,
} from '../../tensors/datatype';
import type { Tensor } from '../../tensors/tensor';
import { encodeV2 } from './response';
import type { V2Model } from './v2-call';
import { decodeV2 } from './v2.codec';

/** Elements of a datatype, of any bits that are one. */
function elements(datatype: Datatype, count: number): fc.Arbitrary<TensorData> {
  if (datatype === 'BYTES') {
    return fc.array(fc.string({ unit: 'grapheme' }), { minLength: count, maxLength: count });
  }
  const { BYTES_PER_ELEMENT } = allocate(datatype, 0);
  const sizeBytes = count * BYTES_PER_ELEMENT;
  return fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes }).map((bytes) => {
    const data = allocate(datatype, count);
    new Uint8Array(data.buffer).set(datatype === 'BOOL' ? bytes.map((byte) => byte & 1) : bytes);
    return withoutOddNaNs(data, datatype);
  });
}

/** JSON has one NaN only. */
function withoutOddNaNs(data: TensorData, datatype: NumericDatatype): TensorData {
  if (datatype !== 'FP32' && datatype !== 'FP64') return data;
  return (data as Float64Array).map((value) => (Number.isNaN(value) ? NaN : value));
}

const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...DATATYPES), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }))
  .chain(([datatype, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return elements(datatype, count).map((data) => ({ name: 't', datatype, shape, data }));
  });

const modelOf = ({ datatype, shape }: Tensor): V2Model => {
  const specs = [{ name: 't', datatype, shape: shape.map(() => -1) }];
  return { inputs: specs, outputs: specs };
};

const EVERYTHING_BINARY = { binary_data_output: true };

/** Flat values as nested ones of a shape. */
function nested(values: unknown[], shape: readonly number[]): unknown {
  const [, ...inner] = shape;
  if (shape.length === 0) return values[0];
  const step = inner.reduce((product, size) => product * size, 1);
  return Array.from({ length: shape[0]! }, (_, i) => nested(values.slice(i * step, (i + 1) * step), inner));
}

/** JSON.stringify, but for the sign of -0, which it drops. */
function stringify(value: unknown): string {
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  return JSON.stringify(value);
}

describe('any tensor', () => {
  it('is read the same in JSON, flat and nested, and in binary, wherever that lies', () => {
    fc.assert(
      fc.property(tensors, fc.nat({ max: 7 }), (tensor, misalign) => {
        const { datatype, shape, data } = tensor;
        const model = modelOf(tensor);
        const bytes = tensorBytes(data);
        const parameters = { binary_data_size: bytes.length };
        const binary = binaryBody(
          { inputs: [{ name: 't', shape, datatype, parameters }], parameters: EVERYTHING_BINARY },
          [bytes],
          misalign,
        );
        expect(only(decodeV2(binary.body, binary.headerLength, model))).toEqual(tensor);
        if (datatype === 'FP16') return;
        const values = tensorValues(tensor);
        for (const form of [values, nested(values, shape)]) {
          const text = `{"inputs":[{"name":"t","shape":${JSON.stringify(shape)},"datatype":"${datatype}","data":${stringify(form)}}]}`;
          expect(only(decodeV2(jsonBody(text).body, undefined, model))).toEqual(tensor);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is answered so that it can be sent back, in JSON and in binary', () => {
    fc.assert(
      fc.property(tensors, fc.boolean(), (tensor, asBinary) => {
        const binary = asBinary || tensor.datatype === 'FP16';
        const { body, headerLength } = encodeV2({
          model: 'm',
          version: '1',
          id: undefined,
          outputs: [tensor],
          binaryOutputs: [binary],
        });
        // What an output says of itself is what an input says.
        const [head, ...parts] = body;
        const { outputs } = JSON.parse(head!.toString()) as { outputs: object[] };
        const request = { inputs: outputs, parameters: EVERYTHING_BINARY };
        const again =
          headerLength === undefined
            ? jsonBody(head!.toString().replace('"outputs":', '"inputs":'))
            : binaryBody(request, parts);
        expect(only(decodeV2(again.body, again.headerLength, modelWithoutOutputs(tensor)))).toEqual(tensor);
      }),
      { numRuns: 500 },
    );
  });
});

function modelWithoutOutputs(tensor: Tensor): V2Model {
  return { ...modelOf(tensor), outputs: [] };
}
