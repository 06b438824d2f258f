import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityModel } from './helpers/onnx-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { MODELS, startServer, type TestServer } from './helpers/server';

interface Answer {
  readonly result: Readonly<Record<string, never>>;
  readonly cached: boolean;
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

const THREE = readFileSync(join(MODELS, 'digits', 'three.png'));
const picture = (name: string): Buffer => readFileSync(join(__dirname, 'fixtures', 'pictures', name));

const b64 = (bytes: Buffer): { b64: string } => ({ b64: bytes.toString('base64') });

function form(...parts: readonly (readonly [name: string, value: Buffer | string])[]): FormData {
  const data = new FormData();
  for (const [name, value] of parts) {
    data.append(
      name,
      typeof value === 'string' ? value : new Blob([new Uint8Array(value)], { type: 'image/png' }),
    );
  }
  return data;
}

describe('pictures', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    writeModel(folder, 'pixels', identityModel('UINT8', ['N', 'H', 'W', 3]), {
      yaml: 'input: { image: { type: image, layout: nhwc } }',
    });
    writeModel(folder, 'single', identityModel('UINT8', [1, 2, 2, 3]), {
      yaml: 'input: { image: { type: image, layout: nhwc, resize: { width: 2, height: 2, filter: nearest } } }',
    });
    server = await startServer({
      MODEL_DIR: folder,
      MAX_IMAGE_PIXELS: '4000',
      MAX_INPUTS: '3',
      CACHE_ENABLED: 'true',
    });
  });

  async function send<Body>(
    path: string,
    body: Buffer | FormData | string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; cache: string | null; body: Body }> {
    const response = await fetch(`${server.url}/api/inference/${path}`, { method: 'POST', body, headers });
    return {
      status: response.status,
      cache: response.headers.get('x-cache'),
      body: (await response.json()) as Body,
    };
  }

  const digest = (values: readonly unknown[]): string =>
    createHash('sha256')
      .update(Uint8Array.from(values.flat(3) as number[]))
      .digest('hex')
      .slice(0, 16);

  it('come as a body, in a form and in JSON, and are the same pixels that Pillow has', async () => {
    const { decoded } = JSON.parse(picture('expected.json').toString()) as {
      decoded: { name: string; rgb: string }[];
    };
    const expected = decoded.find(({ name }) => name === 'exif-6.jpg')!;
    const bytes = picture(expected.name);
    const type = { 'content-type': 'image/jpeg' };
    const bodies = [
      await send<Answer>('pixels', bytes, type),
      await send<Answer>('pixels', form(['image', bytes])),
      await send<Answer>('pixels', JSON.stringify({ image: b64(bytes) }), {
        'content-type': 'application/json',
      }),
    ];
    for (const { status, body } of bodies) {
      expect(status).toBe(200);
      expect(digest(Object.values(body.result))).toBe(expected.rgb);
    }
    // Found by its bytes, whichever way they came.
    expect(bodies.map(({ cache }) => cache)).toEqual(['MISS', 'HIT', 'HIT']);
  });

  it('are answered with a value, and a list of them with a list', async () => {
    const one = picture('one.png');
    const json = { 'content-type': 'application/json' };
    const single = await send<Answer>('pixels', JSON.stringify({ image: b64(one) }), json);
    const list = await send<Answer>('pixels', JSON.stringify({ image: [b64(one)] }), json);
    const two = await send<Answer>('pixels', form(['image', one], ['image', one]));
    const [value] = Object.values(single.body.result) as unknown as number[][][];
    expect(value).toHaveLength(1);
    expect(Object.values(list.body.result)[0]).toEqual([value]);
    expect(Object.values(two.body.result)[0]).toEqual([value, value]);
  });

  it('of a model that takes one row at a time are run one by one, and answered together', async () => {
    const answers = await Promise.all(
      [['one.png'], ['bits.png'], ['one.png', 'bits.png', 'one.png']].map((names) =>
        send<Answer>('single', JSON.stringify({ image: names.map((name) => b64(picture(name))) }), {
          'content-type': 'application/json',
        }),
      ),
    );
    const [one, bits, all] = answers.map(({ body }) => Object.values(body.result)[0] as unknown as unknown[]);
    expect(one).not.toEqual(bits);
    expect(all).toEqual([...one!, ...bits!, ...one!]);
    const raw = await send<Answer>(
      'single?raw=true',
      form(['image', picture('one.png')], ['image', picture('bits.png')]),
    );
    expect(Object.values(raw.body.result)[0]).toEqual([...one!, ...bits!]);
  });

  it.each<[string, () => Buffer | FormData | string, string, number, string, RegExp]>([
    [
      'no picture',
      () => Buffer.from('hello'),
      'image/png',
      400,
      'invalid_image',
      /^Input "image": not a JPEG/,
    ],
    [
      'a cut off one',
      () => picture('rgb.png').subarray(0, 500),
      'image/png',
      400,
      'invalid_image',
      /^Input "image": cannot be decoded/,
    ],
    [
      'an SVG',
      () => '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'image/svg+xml',
      400,
      'invalid_image',
      /not a JPEG, PNG/,
    ],
    ['16 bits', () => picture('sixteen-bits.png'), 'image/png', 400, 'invalid_image', /8 bits a channel/],
    [
      'too many pixels',
      () => THREE,
      'image/png',
      413,
      'input_too_large',
      /has 96 x 96 pixels, and at most 4000 are taken \(MAX_IMAGE_PIXELS\)/,
    ],
    [
      'too many pictures',
      () => JSON.stringify({ image: [1, 2, 3, 4].map(() => b64(picture('one.png'))) }),
      'application/json',
      413,
      'input_too_large',
      /has 4 pictures, and at most 3 are taken \(MAX_INPUTS\)/,
    ],
    [
      'one of several',
      () => JSON.stringify({ image: [b64(picture('one.png')), b64(Buffer.from('?'))] }),
      'application/json',
      400,
      'invalid_image',
      /^Input "image" \[1\]: not a JPEG/,
    ],
    [
      'no base64',
      () => JSON.stringify({ image: { b64: '%%' } }),
      'application/json',
      400,
      'invalid_request',
      /^Input "image": "b64" is not base64/,
    ],
    [
      'an address',
      () => JSON.stringify({ image: { url: 'http://localhost/' } }),
      'application/json',
      400,
      'invalid_request',
      /expected {"b64"/,
    ],
    [
      'no pictures',
      () => JSON.stringify({ image: [] }),
      'application/json',
      400,
      'invalid_request',
      /has no picture/,
    ],
    [
      'an input twice',
      () => `{"image":${JSON.stringify(b64(THREE))},"image":1}`,
      'application/json',
      400,
      'invalid_json',
      /"image" is given twice/,
    ],
    [
      'an option that there is not',
      () => JSON.stringify({ image: b64(THREE), top_k: 1 }),
      'application/json',
      400,
      'invalid_request',
      /no option "top_k"; its options are none/,
    ],
    [
      'an unknown input',
      () => JSON.stringify({ image: b64(THREE), mask: 1 }),
      'application/json',
      400,
      'unknown_input',
      /Unknown input "mask"; the model takes "image"/,
    ],
    ['an unknown part', () => form(['photo', THREE]), '', 400, 'unknown_input', /Unknown input "photo"/],
    ['a form of nothing', () => form(), '', 400, '', /./],
    [
      'something else',
      () => THREE,
      'application/pdf',
      415,
      'unsupported_media_type',
      /send application\/json or image\/\* or multipart\/form-data/,
    ],
  ])('are refused by name and place: %s', async (_what, body, type, status, code, message) => {
    const answer = await send<Fault>('pixels', body(), type === '' ? {} : { 'content-type': type });
    expect(answer.body.message).toMatch(message);
    expect(answer.status).toBe(status);
    if (code !== '') expect(answer.body.code).toBe(code);
  });
});

describe('the shipped model of digits', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({});
  });

  async function read(query: string, body: Buffer | FormData = THREE): Promise<unknown> {
    const headers: Record<string, string> = body instanceof FormData ? {} : { 'content-type': 'image/png' };
    const response = await fetch(`${server.url}/api/inference/digits${query}`, {
      method: 'POST',
      body,
      headers,
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as Answer).result;
  }

  it('reads a picture of a three', async () => {
    const { digit } = (await read('')) as { digit: { label: string; score: number }[] };
    expect(digit.map(({ label }) => label)[0]).toBe('3');
    expect(digit).toHaveLength(3);
    expect(digit[0]!.score).toBeGreaterThan(0.99);
  });

  it('takes options in the query, in a form and in JSON', async () => {
    const three = [{ label: '3', score: expect.any(Number) as number }];
    expect(await read('?top_k=1')).toEqual({ digit: three });
    expect(await read('', form(['picture', THREE], ['top_k', '1']))).toEqual({ digit: three });
    const body = { picture: b64(THREE), top_k: 1 };
    const answer = await server.post<Answer>('/api/inference/digits', body);
    expect(answer.body.result).toEqual({ digit: three });
  });

  it("answers the model's own outputs where they are asked for, or sent for", async () => {
    const raw = (await read('?raw=true')) as { probabilities: number[][] };
    expect(raw.probabilities[0]).toHaveLength(10);
    const image = Array.from({ length: 8 }, () => new Array<number>(8).fill(0));
    const { body } = await server.post<Answer>('/api/inference/digits', { image: [image] });
    expect(Object.keys(body.result)).toEqual(['probabilities']);
  });

  it('refuses an option out of its range', async () => {
    const { status, body } = await server.post<Fault>('/api/inference/digits', {
      picture: b64(THREE),
      top_k: 0,
    });
    expect(status).toBe(400);
    expect(body.message).toBe('Option "top_k" must be a whole number from 1 to 100000.');
  });
});

describe('the declaration of a model', () => {
  const folder = temporaryFolder();
  const yaml = (more: string): string =>
    `input: { image: { type: image, layout: nhwc, resize: { width: 1, height: 1 } } }\n${more}`;
  const golden = (value: number): string =>
    yaml(`example: { image: { file: one.png } }
golden: [{ inputs: { image: { file: one.png } }, outputs: { ${OUTPUT}: [[[${value}]]] }, tolerance: 0 }]`);
  const OUTPUT = 'y';
  let server: TestServer;

  beforeAll(async () => {
    const model = identityModel('UINT8', ['N', 1, 1, 3]);
    const files = { 'one.png': picture('one.png') };
    writeModel(folder, 'right', { model, dataFiles: files }, { version: '1', yaml: golden(27) });
    writeModel(folder, 'wrong', { model, dataFiles: files }, { version: '1', yaml: golden(26) });
    writeModel(folder, 'lost', { model, dataFiles: {} }, { version: '1', yaml: golden(27) });
    const config = { architectures: ['ViTForImageClassification'], id2label: { 0: 'r', 1: 'g', 2: 'b' } };
    const processor = { size: { height: 1, width: 1 }, do_rescale: false, do_normalize: false };
    const face = {
      model: identityModel('UINT8', ['N', 1, 1, 3]),
      dataFiles: {
        'config.json': Buffer.from(JSON.stringify(config)),
        'preprocessor_config.json': Buffer.from(JSON.stringify(processor)),
      },
    };
    writeModel(folder, 'face', face, {
      version: '1',
      yaml: 'input: { image: { type: image, layout: nhwc } }\noutput: { pixels: { type: raw } }',
    });
    writeModel(folder, 'unfit', face, { version: '1' });
    server = await startServer({ MODEL_DIR: folder, MAX_RESIDENT_MODELS: '9' });
  });

  const details = (
    name: string,
  ): Promise<{ body: { pipeline?: object; pipeline_reason?: string; reason?: string } }> =>
    server.get(`/api/inference/${name}`);

  it('is checked by golden cases with files before it serves', async () => {
    expect((await details('right')).body).toMatchObject({ state: 'READY' });
    const { models } = (
      await server.get<{ models: { name: string; reason?: string }[] }>('/api/inference/models')
    ).body;
    const reasonOf = (name: string): string | undefined =>
      models.find((model) => model.name === name)?.reason;
    expect(reasonOf('wrong')).toContain('golden case 1 fails: output "y": 0.0.0: expected 26, got 27');
    expect(reasonOf('lost')).toContain('one.png, which its declaration names, is not there');
  });

  it('is shown with the source of each value', async () => {
    const { body } = await details('face');
    expect(body.pipeline).toMatchObject({
      input: {
        image: {
          type: 'image',
          layout: { value: 'nhwc', from: 'model.yaml' },
          resize: { value: { width: 1, height: 1, filter: 'bilinear' }, from: 'preprocessor_config.json' },
          orient: { value: 'exif', from: 'default' },
          color: { value: 'rgb', from: 'model' },
        },
      },
      output: { pixels: { type: 'raw', from: { value: 'y', from: 'model' } } },
    });
  });

  it('is left aside, with the reason, where files alone say it and it does not fit', async () => {
    const { body } = await details('unfit');
    expect(body).toMatchObject({ state: 'READY' });
    expect(body.pipeline).toBeUndefined();
    expect(body.pipeline_reason).toContain('output: labels: from: needs numbers of shape [rows, classes]');
  });
});
