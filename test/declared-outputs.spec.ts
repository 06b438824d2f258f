import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import sharp from 'sharp';
import { graphModel, graphOf, type Step } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { encode, value } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

interface Expected {
  readonly regression: {
    readonly weights: readonly (readonly [number, number])[];
    readonly bias: readonly number[];
    readonly sepals: readonly (readonly number[])[];
    readonly petals: readonly (readonly [number, number])[];
  };
  readonly masks: {
    readonly weights: readonly (readonly number[])[];
    readonly bias: readonly number[];
    readonly pictures: readonly PictureMasks[];
  };
}

interface ExpectedMask {
  readonly digest: string;
  readonly counts: readonly number[];
}

type PictureMasks = Readonly<Record<'picture' | 'model' | 'chosen' | 'fitted' | 'above', ExpectedMask>> & {
  readonly name: string;
  readonly size: readonly [number, number];
};

interface Mask {
  readonly png: string;
  readonly width: number;
  readonly height: number;
  readonly labels: readonly { readonly label: string; readonly value: number; readonly share: number }[];
}

interface Native<Result> {
  readonly result: Result;
}

const FIXTURES = join(__dirname, 'fixtures');
// scripts/output_expectations.py
const { regression, masks } = JSON.parse(
  readFileSync(join(FIXTURES, 'outputs', 'expected.json'), 'utf8'),
) as Expected;
const KINDS = ['red', 'green', 'blue', 'light', 'dark'];

/** Petals by sepals, `[N, columns]`. */
function petalModel(columns: number): Uint8Array {
  const weights = Float32Array.from(regression.weights.flatMap((row) => row.slice(0, columns)));
  return graphModel({
    steps: [['Gemm', ['sepals', 'weights', 'bias'], ['petals']]],
    inputs: { sepals: ['N', 2] },
    outputs: { petals: ['N', columns] },
    floats: {
      weights: [[2, columns], weights],
      bias: [[columns], Float32Array.from(regression.bias.slice(0, columns))],
    },
  });
}

/** Scores of the first so many classes for every four pixels; `chosen`: the likeliest class, INT64 `[N, height, width]`. */
function maskModel(width: number, height: number, classes: number, chosen = false): Uint8Array {
  const steps: Step[] = [
    ['Conv', ['pixels', 'weights', 'bias'], ['each']],
    ['AveragePool', ['each'], ['scores'], { kernel_shape: [2, 2], strides: [2, 2] }],
  ];
  if (chosen) steps.push(['ArgMax', ['scores'], ['class'], { axis: 1, keepdims: 0 }]);
  const graph = graphOf({
    steps,
    inputs: { pixels: ['N', 3, height, width] },
    outputs: { scores: ['N', classes, height / 2, width / 2] },
    floats: {
      weights: [[classes, 3, 1, 1], Float32Array.from(masks.weights.slice(0, classes).flat())],
      bias: [[classes], Float32Array.from(masks.bias.slice(0, classes))],
    },
  });
  const output = [value('class', onnx.TensorProto.DataType.INT64, ['N', height / 2, width / 2])];
  return encode(chosen ? { ...graph, output } : graph);
}

const TABLE = 'input: { flower: { type: table, columns: [sepal_length, sepal_width] } }';
const SQUASHED = 'input: { image: { type: image, resize: { width: 36, height: 24 } } }';
const FITTED =
  'input: { image: { type: image, resize: { fit: [36, 36], pad: 114, anchor: center }, layout: nchw } }';
const mask = (keys: string): string => `output: { mask: { type: mask${keys} } }`;
const labels = `, labels: [${KINDS.join(', ')}]`;

describe('declared outputs', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    const write = (name: string, model: Uint8Array, ...yaml: readonly string[]): void =>
      writeModel(folder, name, model, { yaml: yaml.join('\n') });
    write('petal', petalModel(1), TABLE, 'output: { petal_length: { type: regression } }');
    write('petals', petalModel(2), TABLE, 'output: { petal: { type: regression, labels: [length, width] } }');
    write('picture', maskModel(36, 24, 5), SQUASHED, mask(labels));
    write('model', maskModel(36, 24, 5), SQUASHED, mask(`${labels}, size: model`));
    write('chosen', maskModel(36, 24, 5, true), SQUASHED, mask(labels));
    write('fitted', maskModel(36, 36, 5), FITTED, mask(labels));
    write('above', maskModel(36, 24, 1), SQUASHED, mask(', threshold: 5'));
    server = await startServer({ MODEL_DIR: folder });
  });

  async function send(
    model: string,
    body: string | Buffer,
    headers: Record<string, string>,
  ): Promise<string> {
    const response = await fetch(`${server.url}/api/inference/${model}`, { method: 'POST', body, headers });
    const text = await response.text();
    expect([response.status, text]).toEqual([200, text]);
    return text;
  }

  describe('of a regression', () => {
    const csv = `sepal_width,sepal_length\n${regression.sepals.map(([a, b]) => `${b},${a}\n`).join('')}`;
    const near = (values: readonly number[]): number[] =>
      values.map((petal) => expect.closeTo(petal, 5) as number);

    it("are the numbers that numpy has, each row's one by itself", async () => {
      const { result } = JSON.parse(await send('petal', csv, { 'content-type': 'text/csv' })) as Native<{
        petal_length: number[];
      }>;
      expect(result.petal_length).toEqual(near(regression.petals.map(([length]) => length)));
      const [first] = regression.sepals;
      const row = { flower: { sepal_length: first![0], sepal_width: first![1] } };
      const one = await server.post<Native<unknown>>('/api/inference/petal', row);
      expect(one.body.result).toEqual({ petal_length: near([regression.petals[0]![0]])[0] });
    });

    it('have the names that are declared, also as columns of CSV and as tensors of V2', async () => {
      const answer = JSON.parse(await send('petals', csv, { 'content-type': 'text/csv' })) as Native<{
        petal: { length: number; width: number }[];
      }>;
      expect(answer.result.petal.map(({ length, width }) => [length, width])).toEqual(
        regression.petals.map(near),
      );
      const headers = { 'content-type': 'text/csv', accept: 'text/csv' };
      const [header, ...lines] = (await send('petals', csv, headers)).trim().split('\r\n');
      expect(header).toBe('petal.length,petal.width');
      expect(lines.map((line) => line.split(',').map(Number))).toEqual(regression.petals.map(near));
      const v2 = await server.post('/v2/models/petals/infer', {
        inputs: [{ name: 'sepals', datatype: 'FP32', shape: [6, 2], data: regression.sepals.flat() }],
        outputs: [{ name: 'petal.width' }],
      });
      expect(v2.body).toMatchObject({
        outputs: [
          {
            name: 'petal.width',
            datatype: 'FP32',
            shape: [6],
            data: near(regression.petals.map(([, width]) => width)),
          },
        ],
      });
    });

    it('are described in the list of models and in the documentation', async () => {
      const { body } = await server.get('/api/inference/petals');
      expect(body).toMatchObject({
        takes: 'row of 2 columns',
        gives: '2 numbers',
        pipeline: {
          output: {
            petal: {
              type: 'regression',
              labels: { value: ['length', 'width'], from: 'model.yaml' },
              from: { value: 'petals', from: 'model' },
            },
          },
        },
      });
      const docs = JSON.stringify((await server.get('/docs-json')).body);
      expect(docs).toContain('"petal":{"type":"object","properties":{"length":{"type":"number"}');
    });
  });

  describe('of a mask', () => {
    const bytesOf = (name: string): Buffer => readFileSync(join(FIXTURES, 'pictures', name));
    const typeOf = (name: string): string => `image/${name.endsWith('jpg') ? 'jpeg' : 'png'}`;
    /** As a decoder has it that is not ours. */
    async function pixels(png: string): Promise<{ digest: string; width: number; height: number }> {
      const { data, info } = await sharp(Buffer.from(png, 'base64'))
        .extractChannel(0)
        .raw()
        .toBuffer({ resolveWithObject: true });
      const digest = createHash('sha256').update(data).digest('hex').slice(0, 16);
      return { digest, width: info.width, height: info.height };
    }

    const cases = masks.pictures.flatMap((picture) =>
      (['picture', 'model', 'chosen', 'fitted', 'above'] as const).map(
        (kind) => [kind, picture.name, picture] as const,
      ),
    );
    it.each(cases)('is what numpy has: %s, %s', async (kind, name, picture) => {
      const { result } = JSON.parse(
        await send(kind, bytesOf(name), { 'content-type': typeOf(name) }),
      ) as Native<{ mask: Mask }>;
      const { png, width, height, labels: found } = result.mask;
      const size = kind === 'model' ? [18, 12] : picture.size;
      const { digest, counts } = picture[kind];
      expect(await pixels(png)).toEqual({ digest, width: size[0], height: size[1] });
      expect([width, height]).toEqual(size);
      const present = [...counts.keys()].filter((id) => counts[id]! > 0);
      const total = counts.reduce((sum, count) => sum + count, 0);
      expect(found).toEqual(
        present
          .sort((a, b) => counts[b]! - counts[a]! || a - b)
          .map((id) => ({
            label: kind === 'above' ? String(id) : KINDS[id],
            value: id,
            share: expect.closeTo(counts[id]! / total, 6) as number,
          })),
      );
    });

    it('has each picture of a request its own size', async () => {
      const pictures = ['exif-1.jpg', 'exif-6.jpg', 'one.png'];
      const { body } = await server.post<Native<{ mask: Mask[] }>>('/api/inference/picture', {
        image: pictures.map((name) => ({ b64: bytesOf(name).toString('base64') })),
      });
      const found = await Promise.all(body.result.mask.map(({ png }) => pixels(png)));
      expect(found.map(({ digest }) => digest)).toEqual(
        pictures.map((name) => masks.pictures.find((one) => one.name === name)!.picture.digest),
      );
    });

    it('is a PNG in base64, sizes and shares by the Open Inference Protocol', async () => {
      const { body: told } = await server.get<{ outputs: object[] }>('/v2/models/picture');
      expect(told.outputs.slice(0, 3)).toEqual([
        { name: 'mask', datatype: 'BYTES', shape: [-1] },
        { name: 'mask.sizes', datatype: 'INT32', shape: [-1, 2] },
        { name: 'mask.shares', datatype: 'FP32', shape: [-1, 5] },
      ]);
      const data = [bytesOf('rgb.png').toString('base64')];
      const { body } = await server.post<{ outputs: { data: unknown[] }[] }>('/v2/models/picture/infer', {
        inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data }],
      });
      const [pngs, sizes, shares] = body.outputs;
      const expected = masks.pictures.find(({ name }) => name === 'rgb.png')!;
      expect((await pixels(pngs!.data[0] as string)).digest).toBe(expected.picture.digest);
      expect(sizes!.data).toEqual([70, 50]);
      expect(shares!.data).toEqual(
        expected.picture.counts.map((count) => expect.closeTo(count / 3500, 6) as number),
      );
    });

    it('is of the places of the model where tensors are sent', async () => {
      const { body } = await server.post<{ outputs: { data: unknown[] }[] }>('/v2/models/picture/infer', {
        inputs: [
          { name: 'pixels', datatype: 'FP32', shape: [1, 3, 24, 36], data: new Array<number>(2592).fill(0) },
        ],
        outputs: [{ name: 'mask.sizes' }],
      });
      expect(body.outputs).toMatchObject([{ data: [18, 12] }]);
    });

    it('is described in the list of models and in the documentation', async () => {
      const { body } = await server.get('/api/inference/picture');
      expect(body).toMatchObject({
        takes: 'picture 36 × 24',
        gives: 'mask of 5 classes',
        pipeline: { output: { mask: { type: 'mask', size: { value: 'picture', from: 'default' } } } },
      });
      const docs = JSON.stringify((await server.get('/docs-json')).body);
      expect(docs).toContain('"png":{"type":"string","format":"byte"');
    });
  });
});
