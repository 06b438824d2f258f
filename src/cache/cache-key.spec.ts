import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allocate, DATATYPES, type Datatype, type TensorData } from '../tensors/datatype';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { KeyMaker } from './cache-key';

const DIGEST = 'a'.repeat(64);
const RUNTIME = '1.30.0';
const spec = (name: string, datatype: Datatype, shape: number[]): TensorSpec => ({ name, datatype, shape });
const tensor = (name: string, datatype: Datatype, shape: number[], data: TensorData): Tensor => ({
  name,
  datatype,
  shape,
  data,
});

const MODEL = {
  version: '1',
  digest: DIGEST,
  inputs: [spec('x', 'FP32', [-1, 2])],
  outputs: [spec('label', 'INT64', [-1]), spec('probabilities', 'FP32', [-1, 3])],
};
const x = (...values: number[]): Tensor[] => [
  tensor('x', 'FP32', [values.length / 2, 2], Float32Array.from(values)),
];

/** What docs/cache.md says, written down a second time and slowly. */
function documented(model: typeof MODEL, inputs: readonly Tensor[], outputs: readonly string[]): string {
  const parts: Buffer[] = [];
  const number = (value: number | bigint, sizeBytes: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    parts.push(bytes.subarray(0, sizeBytes));
  };
  const text = (value: string): void => {
    number(Buffer.byteLength(value), 4);
    parts.push(Buffer.from(value));
  };
  const byName = (a: string, b: string): number => (a < b ? -1 : 1);
  text('nestor-key-1');
  text(RUNTIME);
  text(model.digest);
  text(model.version);
  number(inputs.length, 4);
  for (const { name, datatype, shape, data } of [...inputs].sort((a, b) => byName(a.name, b.name))) {
    text(name);
    number(DATATYPES.indexOf(datatype) + 1, 1);
    number(shape.length, 4);
    for (const size of shape) number(size, 8);
    number(data.length, 8);
    if (Array.isArray(data)) data.forEach(text);
    else parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  number(outputs.length, 4);
  [...outputs].sort(byName).forEach(text);
  return createHash('sha256').update(Buffer.concat(parts)).digest('base64url');
}

describe('KeyMaker', () => {
  it('gives the vectors of docs/cache.md', () => {
    const text = readFileSync(join(__dirname, '../../docs/cache.md'), 'utf8');
    const documentedHashes = Array.from(text.matchAll(/\| `([\w-]{43})` +\|$/gm), ([, hash]) => hash);
    const key = new KeyMaker(MODEL, RUNTIME);
    const texts = new KeyMaker({ ...MODEL, inputs: [spec('s', 'BYTES', [-1])] }, RUNTIME);
    expect(documentedHashes).toEqual([
      key.keyOf(x(1, 2)),
      key.keyOf(x(1, 2), ['label']),
      texts.keyOf([tensor('s', 'BYTES', [2], ['naïve', ''])]),
    ]);
  });

  it.each([0, 1, 100, 2000, 2047, 2048, 2100, 30_000])('hashes the documented bytes, for %i rows', (rows) => {
    const inputs = x(...Array.from({ length: rows * 2 }, (_, i) => i / 3));
    expect(new KeyMaker(MODEL, RUNTIME).keyOf(inputs)).toBe(
      documented(MODEL, inputs, ['label', 'probabilities']),
    );
  });

  it.each([
    ['short', Array.from({ length: 5000 }, (_, i) => `text ${i} é`)],
    ['long', ['a'.repeat(5000), 'é'.repeat(100_000), '', '漢'.repeat(2800)]],
  ])('hashes the documented bytes, for %s strings', (_, texts) => {
    const model = { ...MODEL, inputs: [spec('s', 'BYTES', [-1])] };
    const inputs = [tensor('s', 'BYTES', [texts.length], texts)];
    expect(new KeyMaker(model, RUNTIME).keyOf(inputs)).toBe(
      documented(model, inputs, ['label', 'probabilities']),
    );
  });

  it.each(DATATYPES)('hashes the documented bytes, for %s', (datatype) => {
    const model = { ...MODEL, inputs: [spec('x', datatype, [-1, -1])] };
    const data = datatype === 'BYTES' ? ['a', 'b', 'c', 'd', 'e', 'f'] : allocate(datatype, 6);
    const inputs = [tensor('x', datatype, [2, 3], data)];
    expect(new KeyMaker(model, RUNTIME).keyOf(inputs)).toBe(
      documented(model, inputs, ['label', 'probabilities']),
    );
  });

  it('is the same whatever the order in which a model declares its inputs, and outputs are asked for', () => {
    const a = spec('a', 'INT32', [-1]);
    const b = spec('b', 'INT32', [-1]);
    const one = tensor('a', 'INT32', [1], Int32Array.of(1));
    const two = tensor('b', 'INT32', [1], Int32Array.of(2));
    const ab = new KeyMaker({ ...MODEL, inputs: [a, b] }, RUNTIME);
    const ba = new KeyMaker({ ...MODEL, inputs: [b, a] }, RUNTIME);
    expect(ab.keyOf([one, two], ['label', 'probabilities'])).toBe(
      ba.keyOf([two, one], ['probabilities', 'label']),
    );
    expect(ab.keyOf([one, two])).toBe(ab.keyOf([one, two], ['probabilities', 'label', 'label']));
  });

  it('is the same for the same elements wherever they lie', () => {
    const around = Float32Array.of(9, 1, 2, 9);
    const inside = [tensor('x', 'FP32', [1, 2], around.subarray(1, 3))];
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([1, 2]);
    const key = new KeyMaker(MODEL, RUNTIME);
    expect(key.keyOf(inside)).toBe(key.keyOf(x(1, 2)));
    expect(key.keyOf([tensor('x', 'FP32', [1, 2], shared)])).toBe(key.keyOf(x(1, 2)));
  });

  it('tells apart everything that can change an answer', () => {
    const nan = (payload: number): Float32Array =>
      new Float32Array(Uint32Array.of(0x7fc00000 | payload, 0).buffer);
    const named = { ...MODEL, inputs: [spec('y', 'FP32', [-1, 2])] };
    const two = { ...MODEL, inputs: [spec('x', 'BYTES', [-1]), spec('y', 'BYTES', [-1])] };
    const texts = (...values: string[][]): Tensor[] =>
      values.map((data, i) => tensor('xy'[i]!, 'BYTES', [data.length], data));
    const keys = [
      new KeyMaker(MODEL, RUNTIME).keyOf(x(1, 2)),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(1, 2), ['label']),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(1, 2), ['probabilities']),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(1, 2), []),
      new KeyMaker(MODEL, '1.31.0').keyOf(x(1, 2)),
      new KeyMaker({ ...MODEL, version: '2' }, RUNTIME).keyOf(x(1, 2)),
      new KeyMaker({ ...MODEL, digest: `${'a'.repeat(63)}b` }, RUNTIME).keyOf(x(1, 2)),
      new KeyMaker(named, RUNTIME).keyOf([{ ...x(1, 2)[0]!, name: 'y' }]),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(1, 3)),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(0, 2)),
      new KeyMaker(MODEL, RUNTIME).keyOf(x(-0, 2)),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [1, 2], nan(0))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [1, 2], nan(1))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [2, 1], Float32Array.of(1, 2))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [1, 2, 1], Float32Array.of(1, 2))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([
        tensor('x', 'INT32', [1, 2], new Int32Array(Float32Array.of(1, 2).buffer)),
      ]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [0, 2], new Float32Array(0))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [0, 2 ** 33], new Float32Array(0))]),
      new KeyMaker(MODEL, RUNTIME).keyOf([tensor('x', 'FP32', [0, 2 ** 34], new Float32Array(0))]),
      new KeyMaker(two, RUNTIME).keyOf(texts(['ab', 'c'], ['d'])),
      new KeyMaker(two, RUNTIME).keyOf(texts(['a', 'bc'], ['d'])),
      new KeyMaker(two, RUNTIME).keyOf(texts(['ab'], ['c', 'd'])),
      new KeyMaker(two, RUNTIME).keyOf(texts(['ab', 'c', 'd'], [])),
      new KeyMaker(two, RUNTIME).keyOf(texts(['ab', 'c'], ['e\u0301'])),
      new KeyMaker(two, RUNTIME).keyOf(texts(['ab', 'c'], ['\u00e9'])),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
