import { DATATYPES, type Datatype } from '../src/tensors/datatype';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, gatherModel, identityModel, textModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

interface Answer {
  result: { y: unknown };
  code: string;
  message: string;
}

/** Elements of which each comes back as it went, by datatype, as JSON has them. */
const EXACT: Record<Datatype, readonly string[]> = {
  BOOL: ['true', 'false'],
  UINT8: ['0', '255'],
  UINT16: ['0', '65535'],
  UINT32: ['0', '4294967295'],
  UINT64: ['0', '9007199254740991', '"9007199254740993"', '"18446744073709551615"'],
  INT8: ['-128', '127'],
  INT16: ['-32768', '32767'],
  INT32: ['-2147483648', '2147483647'],
  INT64: [
    '-9007199254740991',
    '"9007199254740993"',
    '"-9007199254740993"',
    '"9223372036854775807"',
    '"-9223372036854775808"',
    '7',
  ],
  FP16: ['0.5', '-0.0', '2048', '-1.5', '"NaN"', '"Infinity"', '"-Infinity"', '0.25'],
  FP32: ['0.1', '-0.0', '3.4028235e38', '1e-45', '16777216', '"NaN"', '"Infinity"', '"-Infinity"'],
  FP64: [
    '0.1',
    '-0.0',
    '1.7976931348623157e308',
    '5e-324',
    '0.30000000000000004',
    '"NaN"',
    '"-Infinity"',
    '1',
  ],
  BYTES: ['""', '"grüß dich 🦉"', '"日本"', String.raw`"\u0001\n\"\\"`, String.raw`"\ud83e\udd89"`, '" "'],
};

const [LARGEST_INT64, LEAST_INT64] = ['9223372036854775808', '-9223372036854775809'];

describe('the datatypes of the native API', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    for (const datatype of DATATYPES) {
      writeModel(models, datatype, identityModel(datatype));
      writeModel(models, `${datatype}-scalar`, identityModel(datatype, []));
    }
    writeModel(models, 'matrix', identityModel('INT32', ['N', 'M']));
    writeModel(models, 'middle', identityModel('INT32', [2, 'M', 3]));
    writeModel(models, 'fixed', identityModel('INT32', [2, 2]));
    writeModel(models, 'add', addModel());
    writeModel(models, 'gather', gatherModel());
    writeModel(models, 'text', textModel());
    server = await startServer({ MODEL_DIR: models });
  });

  const ask = (model: string, body: unknown) => server.post<Answer>(`/api/inference/${model}`, body);
  const pairs = (elements: readonly string[]): string =>
    `[${elements.map((element) => `[${element},${elements[0]}]`).join(',')}]`;

  it.each(DATATYPES)('carries %s there and back exactly', async (datatype) => {
    const sent = pairs(EXACT[datatype]);
    const { status, body } = await ask(datatype, `{"x": ${sent}}`);
    expect(status).toBe(200);
    expect(body.result.y).toEqual(JSON.parse(sent));
  });

  it.each(DATATYPES)('carries a scalar of %s', async (datatype) => {
    const [element = ''] = EXACT[datatype];
    const { body } = await ask(`${datatype}-scalar`, `{"x": ${element}}`);
    expect(body.result.y).toEqual(JSON.parse(element));
    // A scalar's shape has one element, so a flat array of one is it as well.
    const bare = await ask(`${datatype}-scalar`, `[${element}]`);
    expect(bare.body.result.y).toEqual(JSON.parse(element));
  });

  it.each(DATATYPES)('answers no rows of %s with no rows', async (datatype) => {
    const { status, body } = await ask(datatype, { x: [] });
    expect([status, body.result]).toEqual([200, { y: [] }]);
  });

  it('prints FP32 with no more digits than it takes to read it back', async () => {
    const values = [0.1, 1 / 3, 5.4, 1e10, 1.17549435e-38];
    const { body } = await ask('FP32', { x: values.flatMap((value) => [value, Math.fround(value)]) });
    expect(body.result.y).toEqual([
      [0.1, 0.1],
      [0.33333334, 0.33333334],
      [5.4, 5.4],
      [1e10, 1e10],
      [1.1754944e-38, 1.1754944e-38],
    ]);
  });

  it.each<[Datatype, string, string, RegExp]>([
    ['INT64', '9007199254740993.0', 'unsafe_integer', /send it in digits alone/],
    ['UINT64', '9.1e18', 'unsafe_integer', /send it in digits alone/],
    ['UINT64', '18446744073709551616', 'out_of_range', /UINT64/],
    ['INT64', `"${LARGEST_INT64}"`, 'out_of_range', /INT64/],
    ['INT64', `"${LEAST_INT64}"`, 'out_of_range', /INT64/],
    ['UINT64', '"-1"', 'out_of_range', /UINT64/],
    ['UINT64', '-1', 'out_of_range', /UINT64/],
    ['UINT8', '256', 'out_of_range', /0 to 255/],
    ['INT8', '-129', 'out_of_range', /-128 to 127/],
    ['INT32', '1.5', 'wrong_datatype', /an integer \(INT32\), found 1.5/],
    ['INT32', '"1"', 'wrong_datatype', /found "1"/],
    ['FP32', '1e39', 'out_of_range', /FP32/],
    ['FP16', '65520', 'out_of_range', /FP16/],
    ['FP64', '1e309', 'out_of_range', /FP64/],
    ['FP64', '"nan"', 'wrong_datatype', /found "nan"/],
    ['FP32', 'null', 'wrong_datatype', /null/],
    ['BOOL', '1', 'wrong_datatype', /true or false/],
    ['BOOL', '"true"', 'wrong_datatype', /true or false/],
    ['BYTES', '1', 'wrong_datatype', /a string \(BYTES\), found 1/],
  ])('refuses for %s the element %s as %s', async (datatype, element, code, message) => {
    const { status, body } = await ask(datatype, `{"x": [[${EXACT[datatype][0]}, ${element}]]}`);
    expect([status, body.code]).toEqual([400, code]);
    expect(body.message).toMatch(message);
    expect(body.message).toContain('"x"[0][1]');
  });

  it('refuses a NUL character in text, at which the runtime would cut it', async () => {
    const { status, body } = await ask('BYTES', [['a', 'b\0c']]);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.message).toMatch(/x.*element 1.*NUL/);
  });

  it('takes whole numbers however JSON writes them', async () => {
    const { body } = await ask('INT32', '{"x": [[1.0, 2e2], [10.0e-1, -0]]}');
    expect(body.result.y).toEqual([
      [1, 200],
      [1, 0],
    ]);
  });

  it.each<[string, unknown, unknown]>([
    ['matrix', [[1, 2, 3]], [[1, 2, 3]]],
    [
      'middle',
      Array.from({ length: 12 }, (_, i) => i),
      [0, 1].map((i) => [0, 1].map((j) => [0, 1, 2].map((k) => 6 * i + 3 * j + k))),
    ],
    [
      'fixed',
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['text', ['a', 'b'], undefined],
  ])('infers the open dimensions of %s', async (model, x, y) => {
    const { status, body } = await ask(model, x);
    expect(status).toBe(200);
    if (y !== undefined) expect(body.result.y).toEqual(y);
  });

  it.each<[string, unknown, RegExp]>([
    ['matrix', [1, 2, 3, 4], /expected shape \[-1, -1\].*got \[4\]/],
    ['fixed', [1, 2, 3], /expected shape \[2, 2\].*got \[3\]/],
    ['fixed', [[1, 2]], /expected shape \[2, 2\].*got \[1, 2\]/],
    ['INT32-scalar', [1, 2], /expected shape \[\].*got \[2\]/],
    ['INT32', 5, /expected shape \[-1, 2\].*got \[\]/],
  ])('refuses for %s a shape that does not fit', async (model, x, message) => {
    const { status, body } = await ask(model, x);
    expect([status, body.code]).toEqual([400, 'shape_mismatch']);
    expect(body.message).toMatch(message);
  });

  it('takes inputs in any order, and says which one is missing', async () => {
    const inputs = { b: [[10, 20]], a: [[1, 2]] };
    const both = await ask('add', inputs);
    expect(both.body.result).toEqual({ sum: [[11, 22]] });
    const one = await ask('add', { a: [[1, 2]] });
    expect(one).toMatchObject({ status: 400, body: { code: 'missing_input' } });
    expect(one.body.message).toContain('"b"');
  });

  it('leaves inputs whose rows differ to the model, in a run of their own', async () => {
    const rows = [
      [1, 2],
      [3, 4],
    ];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        ask('add', { a: [[10 * i, 0]], b: i % 2 === 0 ? rows : [[1, 1]] }),
      ),
    );
    answers.forEach(({ body }, i) => {
      const sum = i % 2 === 0 ? rows.map(([x = 0, y]) => [x + 10 * i, y]) : [[10 * i + 1, 1]];
      expect(body.result).toEqual({ sum });
    });
  });

  it('answers 400 where only the run can tell that a value is wrong, and goes on', async () => {
    const { status, body } = await ask('gather', { index: [99] });
    expect([status, body.code]).toEqual([400, 'out_of_range']);
    expect((await ask('gather', { index: [4, -5] })).body.result).toEqual({ y: [40, 0] });
  });
});
