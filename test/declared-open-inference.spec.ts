import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { encode, node, value } from './helpers/onnx-models';
import { MODELS, startServer, type TestServer } from './helpers/server';
import {
  SENTENCE_FILES,
  smallTextModel,
  transformersFiles,
  WIDTH,
  writeTextFolder,
} from './helpers/text-models';
import { binaryBody, tensorBytes } from './helpers/v2-bodies';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (string | number)[];
}

interface Answer {
  readonly error?: string;
  readonly outputs: readonly Output[];
  readonly parameters?: object;
}

interface Metadata {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
}

const THREE = readFileSync(join(MODELS, 'digits', 'three.png'));
const RAW = { raw: true };
const FLOWER = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'];

/** Each column an input of its own, and what came of it an output. */
function passengerModel(): Uint8Array {
  const { FLOAT, INT64, STRING } = onnx.TensorProto.DataType;
  const columns = [
    ['age', 'an_age', FLOAT],
    ['deck', 'a_deck', INT64],
    ['sex', 'a_sex', STRING],
  ] as const;
  return encode({
    node: columns.map(([from, to]) => node('Identity', [from], [to])),
    input: columns.map(([from, , type]) => value(from, type, ['N', 1])),
    output: columns.map(([, to, type]) => value(to, type, ['N', 1])),
  });
}

describe('declared inputs by the Open Inference Protocol', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    for (const name of ['digits', 'iris'])
      cpSync(join(MODELS, name), join(folder, name), { recursive: true });
    writeTextFolder(folder, 'embedder', smallTextModel('hidden'), SENTENCE_FILES);
    writeTextFolder(
      folder,
      'ranker',
      smallTextModel('sequence', 1),
      transformersFiles('BertForSequenceClassification', ['LABEL_0']),
    );
    writeModel(folder, 'passenger', passengerModel(), {
      yaml: 'input: { passenger: { type: table, columns: { age: { missing: nan }, deck: { missing: 7 }, sex: {} } } }',
    });
    server = await startServer({ MODEL_DIR: folder, CACHE_ENABLED: 'true' });
  });

  const json = (model: string, body: object): Promise<{ status: number; headers: Headers; body: Answer }> =>
    server.post<Answer>(`/v2/models/${model}/infer`, body);

  /** As tritonclient puts it: the JSON, then each element behind its length. */
  async function binary(
    elements: readonly Buffer[],
    input: object = {},
    request: object = {},
  ): Promise<{ status: number; headers: Headers; body: Answer }> {
    const content = Buffer.concat(
      elements.flatMap((element) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(element.length);
        return [length, element];
      }),
    );
    const head = {
      inputs: [
        {
          name: 'picture',
          shape: [elements.length],
          datatype: 'BYTES',
          ...input,
          parameters: { binary_data_size: content.length, ...(input as { parameters?: object }).parameters },
        },
      ],
      ...request,
    };
    const { body, headerLength } = binaryBody(head, [content]);
    return server.post<Answer>('/v2/models/digits/infer', body, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(headerLength),
    });
  }

  const picture = (more: object = {}): object => ({
    name: 'picture',
    shape: [1],
    datatype: 'BYTES',
    data: [THREE.toString('base64')],
    ...more,
  });

  const outputOf = ({ body }: { body: Answer }, name: string): Output | undefined =>
    body.outputs.find((output) => output.name === name);

  it.each(['digits', 'digits/versions/1'])(
    'are told first in the metadata of %s, then its tensors',
    async (path) => {
      const { body } = await server.get<Metadata>(`/v2/models/${path}`);
      expect(body.inputs).toEqual([
        { name: 'picture', datatype: 'BYTES', shape: [-1], parameters: { content_type: 'image' } },
        { name: 'image', datatype: 'FP32', shape: [-1, 8, 8], parameters: RAW },
      ]);
      expect(body.outputs).toEqual([
        { name: 'digit', datatype: 'BYTES', shape: [-1, -1] },
        { name: 'digit.scores', datatype: 'FP32', shape: [-1, -1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 10], parameters: RAW },
      ]);
    },
  );

  it('are not told of a table, whose tensors clients read off the metadata that send rows', async () => {
    const { body } = await server.get<Metadata>('/v2/models/iris');
    expect(body.inputs).toEqual([{ name: 'features', datatype: 'FP32', shape: [-1, 4] }]);
    expect(body.outputs.map(({ name }) => name)).toEqual(['label', 'probabilities']);
    const { body: own } = await server.get<Metadata>('/v2/models/passenger');
    expect(own.inputs).toEqual([
      { name: 'age', datatype: 'FP32', shape: [-1, 1] },
      { name: 'deck', datatype: 'INT64', shape: [-1, 1] },
      { name: 'sex', datatype: 'BYTES', shape: [-1, 1] },
    ]);
  });

  describe('that are columns (pd)', () => {
    const column = (name: string, datatype: string, data: readonly unknown[], more: object = {}): object => ({
      name,
      datatype,
      shape: [data.length],
      data,
      ...more,
    });
    const PD = { content_type: 'pd' };
    const flower = (datatype: string): object[] =>
      [
        [5.1, 6.7],
        [3.5, 3],
        [1.4, 5.2],
        [0.2, 2.3],
      ].map((values, i) => column(FLOWER[i]!, datatype, values));

    it('are rows, whichever way the keys of the request stand', async () => {
      const inputs = [...flower('FP64')].reverse();
      const answers = [
        await json('iris', { parameters: { ...PD, top_k: 1 }, inputs }),
        await json('iris', { inputs, parameters: { ...PD, top_k: 1 } }),
      ];
      for (const { status, body } of answers) {
        expect([status, body.outputs.map(({ data }) => data)[0]]).toEqual([200, ['setosa', 'virginica']]);
        expect(body.outputs[0]).toMatchObject({ name: 'species', datatype: 'BYTES', shape: [2, 1] });
      }
      const rows = { columns: FLOWER, data: [[5.1, 3.5, 1.4, 0.2]] };
      const { body } = await server.post('/api/inference/iris', { flower: rows });
      const one = await json('iris', {
        parameters: PD,
        inputs: flower('FP32').map((one) => ({ ...one, shape: [1, 1], data: [(one as Output).data[0]] })),
      });
      expect(outputOf(one, 'species.scores')?.data).toEqual(
        (body as { result: { species: { score: number }[][] } }).result.species[0]!.map(({ score }) => score),
      );
    });

    it('become what the model takes, from any datatype, with what is missing filled in', async () => {
      const inputs = [
        column('sex', 'BYTES', ['ZsO2', 'bQ=='], { parameters: { content_type: 'base64' } }),
        column('deck', 'FP64', [3, 'NaN']),
        column('age', 'INT64', [22, -1]),
      ];
      const { body } = await json('passenger', { parameters: PD, inputs });
      expect(body.outputs.map(({ name, datatype, shape, data }) => [name, datatype, shape, data])).toEqual([
        ['an_age', 'FP32', [2, 1], [22, -1]],
        ['a_deck', 'INT64', [2, 1], [3, 7]],
        ['a_sex', 'BYTES', [2, 1], ['fö', 'm']],
      ]);
      const large = [
        column('sex', 'BYTES', ['m']),
        column('deck', 'INT64', [0]),
        column('age', 'FP32', ['NaN']),
      ];
      const exact = JSON.stringify({ parameters: PD, inputs: large }).replace(
        '"data":[0]',
        '"data":[9007199254740993]',
      );
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${server.url}/v2/models/passenger/infer`, {
        method: 'POST',
        headers,
        body: exact,
      });
      expect(await response.text()).toContain('"data":[9007199254740993]');
    });

    it('come in binary, as tritonclient sends them', async () => {
      const ages = Buffer.from(Float64Array.of(1.5, 2.5).buffer);
      const decks = Buffer.from(Int16Array.of(4, 5).buffer);
      const sexes = tensorBytes(['f', 'm']);
      const parts = [ages, decks, sexes];
      const inputs = [
        ['age', 'FP64'],
        ['deck', 'INT16'],
        ['sex', 'BYTES'],
      ].map(([name, datatype], i) => ({
        name,
        datatype,
        shape: [2, 1],
        parameters: { binary_data_size: parts[i]!.length },
      }));
      // Twice: what a request begins with is known by its last one.
      for (let time = 0; time < 2; time++) {
        const { body, headerLength } = binaryBody({ inputs, parameters: PD }, parts);
        const answer = await server.post<Answer>('/v2/models/passenger/infer', body, {
          'inference-header-content-length': String(headerLength),
        });
        expect(answer.body.outputs.map(({ data }) => data)).toEqual([
          [1.5, 2.5],
          [4, 5],
          ['f', 'm'],
        ]);
      }
    });

    const passenger = (...others: readonly object[]): object => ({
      parameters: PD,
      inputs: [column('age', 'FP32', [1]), column('sex', 'BYTES', ['m']), ...others],
    });
    it.each<[string, object, RegExp]>([
      ['a missing one', passenger(), /^Input "passenger": has no column "deck"\.$/],
      [
        'one that the model does not take',
        passenger(column('deck', 'INT64', [1]), column('fare', 'FP32', [1])),
        /^Input "passenger": has a column "fare", which the model does not take; its columns are "age", "deck", "sex"\.$/,
      ],
      ['one twice', passenger(column('age', 'FP32', [1])), /^Input "age": it is given twice\.$/],
      [
        'columns of two lengths',
        passenger(column('deck', 'INT64', [1, 2])),
        /^Input "passenger": column "deck" has 2 cells and "age" 1\.$/,
      ],
      [
        'a cell of another kind',
        passenger(column('deck', 'FP32', [1.5])),
        /^Input "passenger", row 1, column "deck": expected a whole number, got 1\.5\.$/,
      ],
      [
        'a datatype that there is not',
        passenger(column('deck', 'INT', [1])),
        /^Input "deck": expected a datatype such as FP64 or BYTES, got "INT"\.$/,
      ],
      [
        'a matrix',
        passenger(column('deck', 'INT64', [1, 2], { shape: [1, 2] })),
        /^Input "deck": expected the shape of a column, \[-1\] or \[-1, 1\], got \[1, 2\]\.$/,
      ],
      [
        'another content type',
        passenger(column('deck', 'INT64', [1], { parameters: { content_type: 'datetime' } })),
        /^Input "deck": its content_type must be np, str, or for texts base64, got "datetime"\.$/,
      ],
      [
        'no base64',
        {
          parameters: PD,
          inputs: [column('sex', 'BYTES', ['%'], { parameters: { content_type: 'base64' } })],
        },
        /^Input "sex" \[0\]: its text is not base64\.$/,
      ],
      ['no rows', { parameters: PD, inputs: [] }, /^Input "passenger", row 1: has no column "age"\.$/],
    ])('are refused with %s', async (_what, body, message) => {
      const answer = await json('passenger', body);
      expect([answer.status, answer.body.error]).toEqual([400, expect.stringMatching(message)]);
    });

    it('are tensors as ever where the request does not say so', async () => {
      const inputs = [
        column('age', 'FP32', [1], { shape: [1, 1] }),
        column('deck', 'INT64', [2], { shape: [1, 1] }),
        column('sex', 'BYTES', ['f'], { shape: [1, 1] }),
      ];
      const { body } = await json('passenger', { inputs });
      expect(body.outputs.map(({ data }) => data)).toEqual([[1], [2], ['f']]);
      const { body: refused } = await json('passenger', { inputs: [column('age', 'FP64', [1])] });
      expect(refused.error).toBe('Input "age": expected datatype FP32, got "FP64".');
    });
  });

  it('are bytes in binary and base64 in JSON, and the same picture wherever it comes from', async () => {
    const bodies = [
      await binary([THREE]),
      await json('digits', { inputs: [picture()] }),
      await json('digits', { inputs: [picture({ parameters: { content_type: 'base64' } })] }),
      await json('digits', { parameters: { content_type: 'base64' }, inputs: [picture({ shape: [1, 1] })] }),
      await binary([Buffer.from(THREE.toString('base64'))], { parameters: { content_type: 'base64' } }),
    ];
    for (const answer of bodies) {
      expect(answer.status).toBe(200);
      expect(outputOf(answer, 'digit')).toMatchObject({ datatype: 'BYTES', shape: [1, 3] });
      expect(outputOf(answer, 'digit')?.data[0]).toBe('3');
      expect(outputOf(answer, 'digit.scores')?.data).toHaveLength(3);
    }
    const native = await server.post('/api/inference/digits', {
      picture: [{ b64: THREE.toString('base64') }],
    });
    const caches = [...bodies, native].map(({ headers }) => headers.get('x-cache'));
    expect(caches).toEqual(['MISS', 'HIT', 'HIT', 'HIT', 'HIT', 'HIT']);
  });

  it('come in rows, with options among the parameters', async () => {
    const answer = await binary([THREE, THREE], {}, { parameters: { top_k: 1 } });
    expect(answer.body.outputs[0]).toEqual({
      name: 'digit',
      datatype: 'BYTES',
      shape: [2, 1],
      data: ['3', '3'],
    });
  });

  it("are answered in the outputs that are named, the model's own among them", async () => {
    const scores = await binary([THREE], {}, { outputs: [{ name: 'digit.scores' }] });
    expect(scores.body.outputs.map(({ name }) => name)).toEqual(['digit.scores']);
    const own = await binary([THREE], {}, { outputs: [{ name: 'probabilities' }] });
    expect(own.body.outputs).toMatchObject([{ name: 'probabilities', shape: [1, 10] }]);
    const image = { name: 'image', shape: [1, 8, 8], datatype: 'FP32', data: new Array<number>(64).fill(0) };
    const named = await json('digits', { inputs: [image], outputs: [{ name: 'digit' }] });
    expect(named.body.outputs).toMatchObject([{ name: 'digit', shape: [1, 3] }]);
    const plain = await json('digits', { inputs: [image] });
    expect(plain.body.outputs.map(({ name }) => name)).toEqual(['probabilities']);
  });

  it('are texts, in JSON and in binary, of which an answer says that one was cut', async () => {
    const texts = ['a cat', 'word '.repeat(200)];
    const input = { name: 'text', shape: [2], datatype: 'BYTES', parameters: { content_type: 'str' } };
    const plain = await json('embedder', { inputs: [{ ...input, data: texts }] });
    expect(plain.body).toMatchObject({
      parameters: { truncated: true },
      outputs: [{ name: 'embedding', datatype: 'FP32', shape: [2, WIDTH] }],
    });
    const encoded = texts.map((text) => Buffer.from(text).toString('base64'));
    const base64 = { ...input, parameters: { content_type: 'base64' }, data: encoded };
    expect((await json('embedder', { inputs: [base64] })).body).toEqual(plain.body);
    const bytes = tensorBytes(texts);
    const head = { inputs: [{ ...input, parameters: { binary_data_size: bytes.length } }] };
    const { body, headerLength } = binaryBody(head, [bytes]);
    const answer = await server.post('/v2/models/embedder/infer', body, {
      'inference-header-content-length': String(headerLength),
    });
    expect(answer.body).toEqual(plain.body);
    const refused = await json('embedder', {
      parameters: { truncate: false },
      inputs: [{ ...input, data: texts }],
    });
    expect([refused.status, refused.body.error]).toEqual([413, expect.stringMatching(/^Input "text" \[1\]/)]);
  });

  it('are pairs of texts, a row for each', async () => {
    const input = { name: 'text', shape: [2, 2], datatype: 'BYTES', data: ['a', 'b', 'a', 'c'] };
    const answer = await json('ranker', { inputs: [input] });
    expect(answer.body.outputs).toMatchObject([{ shape: [2], datatype: 'FP32' }]);
    const flat = await json('ranker', { inputs: [{ ...input, shape: [4] }] });
    expect(flat.body.error).toBe('Input "text": expected shape [-1, 2] (-1 is any size), got [4].');
  });

  const tensor = { name: 'image', shape: [1, 8, 8], datatype: 'FP32', data: new Array<number>(64).fill(0) };
  it.each<[string, object, RegExp]>([
    [
      'another content type',
      { inputs: [picture({ parameters: { content_type: 'np' } })] },
      /^Input "picture": its content_type must be image or base64, got "np"\.$/,
    ],
    [
      'a content type that is no text',
      { inputs: [picture({ parameters: { content_type: 1 } })] },
      /^Input "picture": parameters: Parameter "content_type" at position \d+: expected a text/,
    ],
    [
      'no base64',
      { inputs: [picture({ data: ['%%'] })] },
      /^Input "picture" \[0\]: its text is not base64\.$/,
    ],
    ['no picture', { inputs: [picture({ data: ['aGVsbG8='] })] }, /^Input "picture" \[0\]: not a JPEG, PNG/],
    ['no elements', { inputs: [picture({ shape: [0], data: [] })] }, /^Input "picture": has no picture\.$/],
    [
      'a tensor as well',
      { inputs: [picture(), tensor] },
      /^Input "image": it is a tensor of the model, and "picture"/,
    ],
    ['it twice', { inputs: [picture(), picture()] }, /^Input "picture": it is given twice/],
    [
      'numbers',
      { inputs: [picture({ datatype: 'FP32', data: [1] })] },
      /expected datatype BYTES, got "FP32"/,
    ],
    [
      'an unknown name',
      { inputs: [{ ...picture(), name: 'photo' }] },
      /the model takes "picture", or the tensors "image"/,
    ],
    [
      'outputs of both kinds',
      { inputs: [picture()], outputs: [{ name: 'digit' }, { name: 'probabilities' }] },
      /ask for one kind/,
    ],
    [
      'an option of another model',
      { parameters: { dimensions: 3 }, inputs: [picture()] },
      /no option "dimensions"; its options are top_k/,
    ],
    ['an option out of range', { parameters: { top_k: 0 }, inputs: [picture()] }, /^Option "top_k" must be/],
  ])('are refused by name: %s', async (_what, body, message) => {
    const answer = await json('digits', body);
    expect(answer.body.error).toMatch(message);
    expect(answer.status).toBe(400);
  });

  it('are refused where an element goes beyond its bytes', async () => {
    const { body, headerLength } = binaryBody(
      { inputs: [picture({ data: undefined, parameters: { binary_data_size: 8 } })] },
      [Buffer.from([255, 255, 0, 0, 1, 2, 3, 4])],
    );
    const answer = await server.post<Answer>('/v2/models/digits/infer', body, {
      'inference-header-content-length': String(headerLength),
    });
    expect([answer.status, answer.body.error]).toEqual([
      400,
      'Input "picture": element 0 goes beyond the end of its binary data.',
    ]);
  });
});
