import { identityModel, zipMapModel } from '../../../test/helpers/onnx-models';
import { open } from '../../../test/helpers/session-threads';
import { cutZipMaps } from './zip-map';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

describe("an export of scikit-learn's with a ZipMap at its end", () => {
  it('is served with its probabilities as a tensor', async () => {
    const thread = await open(zipMapModel(['no', 'yes']), { cutZipMaps: true });
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

  it('keeps every other byte', () => {
    const model = Buffer.from(zipMapModel(['no', 'yes']));
    const { bytes: cut, labels } = cutZipMaps(model);
    expect(cut.includes('ZipMap')).toBe(false);
    expect(cut.includes('output_probability')).toBe(false);
    expect(cut.includes('LinearClassifier')).toBe(true);
    expect([...labels]).toEqual([['probabilities', ['no', 'yes']]]);
    expect(cutZipMaps(cut).bytes).toEqual(cut);
    const other = Buffer.from(identityModel('FP32'));
    expect(cutZipMaps(other).bytes).toEqual(other);
  });

  it('is no reason to take a file that is cut off', () => {
    const model = Buffer.from(zipMapModel(['no', 'yes']));
    for (let length = 0; length < model.length; length += 7) {
      try {
        cutZipMaps(model.subarray(0, length));
      } catch (error) {
        expect((error as Error).message).toBe('it is cut off, or no ONNX model');
      }
    }
  });
});
