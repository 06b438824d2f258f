import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { temporaryFolder } from '../../../../test/helpers/model-folder';
import { externalDataModel } from '../../../../test/helpers/onnx-models';
import { graphModel, graphOf } from '../../../../test/helpers/graph-models';
import { MalformedMessage } from '../../../models/repository/onnx-file/protobuf-cursor';
import { bytesField, fieldsOf, integerField, integersIn, packedField, piecesOf, sizeOf } from './message';
import { Model } from './model';

const ROOT = join(__dirname, '..', '..', '..', '..');
const folder = temporaryFolder('model');

const written = (fields: Parameters<typeof piecesOf>[0]): Buffer => Buffer.concat([...piecesOf(fields)]);

/** Those of this repository, and of the packages of its specs. */
function models(): string[] {
  const places = [join(ROOT, 'models'), join(ROOT, 'node_modules', '@gutenye', 'ocr-models', 'assets')];
  return places
    .filter(existsSync)
    .flatMap((place) => readdirSync(place, { recursive: true }).map((file) => join(place, String(file))))
    .filter((file) => file.endsWith('.onnx'));
}

/** `y = x @ w + b`, FP32 [N, 2]. */
const LAYER = graphModel({
  steps: [
    ['MatMul', ['x', 'w'], ['p']],
    ['Add', ['p', 'b'], ['y']],
  ],
  inputs: { x: ['N', 2] },
  outputs: { y: ['N', 2] },
  floats: { w: [[2, 2], 3], b: [[], 0.5] },
});

describe('fieldsOf and piecesOf', () => {
  it('give every model back byte for byte', () => {
    const files = models();
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      const bytes = readFileSync(file);
      expect(written(fieldsOf(bytes)).equals(bytes)).toBe(true);
    }
  });

  it('write numbers of either sign, one by one or packed', () => {
    const numbers = [0, 1, -1, 300, 2 ** 40, -(2 ** 40)];
    expect(integersIn(fieldsOf(written([packedField(1, numbers)])), 1)).toEqual(numbers);
    expect(integersIn(fieldsOf(written(numbers.map((value) => integerField(1, value)))), 1)).toEqual(numbers);
  });

  it('know the size of what they write', () => {
    const inner = [bytesField(3, Buffer.alloc(5000)), integerField(2, 7)];
    const fields = [{ number: 7, wire: 2, message: [{ number: 1, wire: 2, message: inner }] }];
    expect(written(fields)).toHaveLength(sizeOf(fields));
  });

  it('refuse what is cut off', () => {
    for (const bytes of [LAYER.subarray(0, -3), Buffer.from([0x0b]), Buffer.from([0x80])])
      expect(() => new Model(Buffer.from(bytes))).toThrow(MalformedMessage);
  });
});

describe('Model', () => {
  it('writes what it does not know as it was', async () => {
    const unknown = bytesField(1000, Buffer.from('of a later ONNX'));
    const model = new Model(Buffer.concat([LAYER, written([unknown])]));
    await model.write(join(folder, 'model.onnx'));
    const kept = fieldsOf(readFileSync(join(folder, 'model.onnx'))).find(({ number }) => number === 1000);
    expect(kept?.bytes?.toString()).toBe('of a later ONNX');
  });

  it('gives the memory of its file back when it is closed', async () => {
    const padding = written([bytesField(1000, Buffer.alloc(8192))]);
    const bytes = Buffer.allocUnsafeSlow(LAYER.length + padding.length);
    bytes.set(LAYER);
    bytes.set(padding, LAYER.length);
    const model = new Model(bytes);
    const size = await model.write(join(folder, 'closed.onnx'));
    model.close();
    expect([size, bytes.length]).toEqual([LAYER.length + padding.length, 0]);
    expect(model.outputs).toEqual(['y']);
  });

  it('knows constants, and who reads what', () => {
    const model = new Model(Buffer.from(LAYER));
    expect(model.scalar('b')).toBe(0.5);
    expect([...model.floats('w')!.floats()]).toEqual([3, 3, 3, 3]);
    expect(model.onlyReader('p')?.operator).toBe('Add');
    expect(model.onlyReader('y')).toBeUndefined();
    expect(model.constant('x')).toBeUndefined();
  });

  it('leaves alone what a request can replace, and what a graph within it uses', () => {
    const body = graphOf({ steps: [['Add', ['x', 'w'], ['z']]], inputs: {}, outputs: { z: ['N', 2] } });
    const graph = {
      steps: [
        ['If', ['c'], ['y'], { then_branch: body, else_branch: body }],
        ['Add', ['x', 'given'], ['v']],
      ] as const,
      inputs: { x: ['N', 2], c: [], given: [] },
      outputs: { y: ['N', 2], v: ['N', 2] },
      floats: { w: [[2], 1], given: [[], 1] } as const,
    };
    const model = new Model(Buffer.from(graphModel(graph)));
    expect(model.constant('w')).toBeUndefined();
    expect(model.constant('given')).toBeUndefined();
    expect(model.isSeen('x')).toBe(true);
  });
});

describe('Model.read', () => {
  it('has the weights of files beside it in the model, and knows one that lies nowhere', async () => {
    const { model, dataFiles } = externalDataModel([4, 8]);
    const [file, data] = [join(folder, 'apart.onnx'), join(folder, 'weights.bin')];
    writeFileSync(file, model);
    writeFileSync(data, dataFiles['weights.bin']!);
    const place = { location: 'weights.bin', file: data, sizeBytes: dataFiles['weights.bin']!.length };
    const read = await Model.read(file, [place]);
    const bytes = Buffer.concat(
      [...read.weights.values()].map((weight) => {
        expect(weight.isExternal).toBe(false);
        return Buffer.from(weight.floats().buffer);
      }),
    );
    expect(bytes.equals(Buffer.from(dataFiles['weights.bin']!))).toBe(true);
    await expect(Model.read(file, [{ ...place, location: 'other.bin' }])).rejects.toThrow('lies nowhere');
  });

  it('refuses weights of a graph within that lie in a file beside it', async () => {
    const { model, dataFiles } = externalDataModel([4, 8]);
    const within = onnx.ModelProto.decode(model).graph!;
    const branch = { name: 'then_branch', type: onnx.AttributeProto.AttributeType.GRAPH, g: within };
    const graph = { name: 'g', node: [{ opType: 'If', input: ['c'], output: ['y'], attribute: [branch] }] };
    const file = join(folder, 'within.onnx');
    writeFileSync(file, onnx.ModelProto.encode(onnx.ModelProto.create({ graph })).finish());
    const data = join(folder, 'within.bin');
    writeFileSync(data, dataFiles['weights.bin']!);
    const place = { location: 'weights.bin', file: data, sizeBytes: 1 };
    await expect(Model.read(file, [place])).rejects.toThrow('a graph within it, or an operator, has weights');
  });
});
