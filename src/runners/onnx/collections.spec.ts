import { onnx } from 'onnx-proto';
import {
  encode,
  identityModel,
  intAttribute,
  node,
  value,
  zipMapModel,
} from '../../../test/helpers/onnx-models';
import { open } from '../../../test/helpers/session-threads';
import { cutCollections } from './collections';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

describe("an export of scikit-learn's with a collection at its end", () => {
  it('is served with its probabilities as a tensor', async () => {
    const thread = await open(zipMapModel(['no', 'yes']), { cutCollections: true });
    expect(thread.signature.outputs).toEqual([
      { name: 'output_label', datatype: 'BYTES', shape: [-1], dimensions: ['N'] },
      {
        name: 'probabilities',
        datatype: 'FP32',
        shape: [-1, 2],
        dimensions: ['N', null],
        labels: ['no', 'yes'],
      },
    ]);
    const x = Float32Array.of(0, 0, 2, 1);
    const [label, probabilities] = await thread.run([
      [{ name: 'x', datatype: 'FP32', shape: [2, 2], data: x }],
    ]);
    const yes = 1 / (1 + Math.exp(-1));
    expect(label?.data).toEqual(['no', 'yes']);
    expect(probabilities?.shape).toEqual([2, 2]);
    const expected = [0.5, 0.5, 1 - yes, yes];
    expect(Array.from(probabilities?.data as Float32Array)).toEqual(
      expected.map((one) => expect.closeTo(one, 6) as number),
    );
  });

  it.each([
    ['outputs in its place', [], ['a', 'b']],
    ['those that there are already once', ['a'], ['a', 'b']],
  ])('is served with the tensors of a sequence as %s', async (_what, others, names) => {
    const { FLOAT } = onnx.TensorProto.DataType;
    const tensors = { tensorType: { elemType: FLOAT } };
    const model = encode({
      node: [
        node('Neg', ['x'], ['a']),
        node('ReduceSum', ['x'], ['b'], [intAttribute('keepdims', 0)]),
        node('SequenceConstruct', ['a', 'b', 'a'], ['all']),
      ],
      input: [value('x', FLOAT, ['N', 2])],
      output: [
        ...others.map((name) => value(name, FLOAT, ['N', 2])),
        { name: 'all', type: { sequenceType: { elemType: tensors } } },
      ],
    });
    const thread = await open(model, { cutCollections: true });
    expect(thread.signature.outputs.map(({ name, shape }) => [name, shape])).toEqual([
      [names[0], [-1, 2]],
      [names[1], []],
    ]);
    const x = Float32Array.of(1, 2);
    const outputs = await thread.run([[{ name: 'x', datatype: 'FP32', shape: [1, 2], data: x }]]);
    expect(outputs.map(({ data }) => data)).toEqual([Float32Array.of(-1, -2), Float32Array.of(3)]);
  });

  it('keeps every other byte', () => {
    const model = Buffer.from(zipMapModel(['no', 'yes']));
    const { bytes: cut, labels } = cutCollections(model);
    expect(cut.includes('ZipMap')).toBe(false);
    expect(cut.includes('output_probability')).toBe(false);
    expect(cut.includes('LinearClassifier')).toBe(true);
    expect([...labels]).toEqual([['probabilities', ['no', 'yes']]]);
    expect(cutCollections(cut).bytes).toEqual(cut);
    const other = Buffer.from(identityModel('FP32'));
    expect(cutCollections(other).bytes).toEqual(other);
  });

  it('is no reason to take a file that is cut off', () => {
    const model = Buffer.from(zipMapModel(['no', 'yes']));
    for (let length = 0; length < model.length; length += 7) {
      try {
        cutCollections(model.subarray(0, length));
      } catch (error) {
        expect((error as Error).message).toBe('it is cut off, or no ONNX model');
      }
    }
  });
});
