import { seededRandom } from '../../../test/helpers/seeded-random';
import type { Tensor } from '../../tensors/tensor';
import { encodeV2 } from './response';

describe('the JSON part of an answer that is binary', () => {
  it('says what this answer has, whatever the ones before it had', () => {
    const random = seededRandom(5);
    for (let i = 0; i < 3000; i++) {
      const rows = random(3);
      const texts = Array.from({ length: rows }, () => 'x'.repeat(random(2)));
      const all: Tensor[] = [
        { name: 'y', datatype: 'FP32', shape: [rows, 2], data: new Float32Array(2 * rows) },
        { name: 'y', datatype: 'INT32', shape: [2, rows], data: new Int32Array(2 * rows) },
        { name: 'label', datatype: 'BYTES', shape: [rows], data: texts },
      ];
      const outputs = all.slice(random(3), 1 + random(3));
      const version = String(1 + random(2));
      const id = random(6) === 0 ? 'mine' : undefined;
      const model = ['a', 'b'][random(2)]!;
      const binaryOutputs = outputs.map(() => random(6) !== 0);
      const { body, headerLength } = encodeV2({ model, version, id, outputs, binaryOutputs });
      const sizeBytes = ({ datatype, data }: Tensor): number =>
        datatype === 'BYTES'
          ? (data as string[]).reduce((sum, text) => sum + 4 + text.length, 0)
          : 4 * data.length;
      const said = JSON.parse(body[0]!.toString()) as object;
      expect(said).toEqual({
        model_name: model,
        model_version: version,
        ...(id === undefined ? {} : { id }),
        outputs: outputs.map((output, n) => ({
          name: output.name,
          shape: output.shape,
          datatype: output.datatype,
          ...(binaryOutputs[n]
            ? { parameters: { binary_data_size: sizeBytes(output) } }
            : { data: [...output.data] }),
        })),
      });
      const binary = outputs.filter((_, n) => binaryOutputs[n]);
      expect(headerLength).toBe(binary.length === 0 ? undefined : body[0]!.length);
      expect(body.slice(1).map(({ length }) => length)).toEqual(binary.map(sizeBytes));
    }
  });

  it('is right for more models than are kept', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 600; i++) {
        const y: Tensor = { name: 'y', datatype: 'FP32', shape: [1], data: Float32Array.of(i) };
        const { body } = encodeV2({
          model: `m${i}`,
          version: '1',
          id: undefined,
          outputs: [y],
          binaryOutputs: [true],
        });
        expect(JSON.parse(body[0]!.toString())).toMatchObject({ model_name: `m${i}` });
        expect(body[1]!.readFloatLE()).toBe(i);
      }
    }
  });
});
