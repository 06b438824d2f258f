import { onnx } from 'onnx-proto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, initializer, node, value } from '../../../../test/helpers/onnx-models';
import { inspectModel, type ModelContents } from './external-data';

const { DataType } = onnx.TensorProto;
const folder = mkdtempSync(join(tmpdir(), 'nestor-columns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function contentsOf(graph: onnx.IGraphProto): Promise<ModelContents> {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, encode({ output: [], ...graph }));
  return inspectModel(file);
}

const AGE = value('age', DataType.FLOAT, ['N', 1]);
const COUNT = value('count', DataType.INT64, ['N']);
const column = (name: string, isImputed = false): ModelContents['columns'][number] => ({ name, isImputed });

describe('the columns that inputs are', () => {
  it('are named in the order of the inputs, weights left out, and with who wrote the file', async () => {
    const weights = initializer('w', DataType.FLOAT, [1], new Uint8Array(4));
    const input = [AGE, COUNT, value('w', DataType.FLOAT, [1])];
    const { columns, producer } = await contentsOf({ node: [], input, initializer: [weights] });
    expect([columns, producer]).toEqual([[column('age'), column('count')], 'nestor-tests']);
  });

  it.each([
    ['a matrix', value('x', DataType.FLOAT, ['N', 2])],
    ['of any width', value('x', DataType.FLOAT, ['N', 'M'])],
    ['a picture', value('x', DataType.FLOAT, ['N', 1, 8, 8])],
    ['a number', value('x', DataType.FLOAT, [])],
    ['no tensor', { name: 'x', type: { mapType: { keyType: DataType.INT64 } } }],
  ])('are none where one is %s', async (_what, x) => {
    expect((await contentsOf({ node: [], input: [AGE, x] })).columns).toEqual([]);
  });

  it('may be empty where they are imputed before all else, and hold fractions', async () => {
    const { columns } = await contentsOf({
      node: [
        node('Cast', ['count'], ['counted']),
        node('Concat', ['age', 'counted'], ['both']),
        { ...node('Imputer', ['both'], ['full']), domain: 'ai.onnx.ml' },
        node('Add', ['fare', 'fare'], ['twice']),
        { ...node('Imputer', ['twice'], ['late']), domain: 'ai.onnx.ml' },
      ],
      input: [AGE, COUNT, value('fare', DataType.DOUBLE, ['N', 1])],
    });
    expect(columns).toEqual([column('age', true), column('count'), column('fare')]);
  });
});
