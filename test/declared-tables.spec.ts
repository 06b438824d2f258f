import { onnx } from 'onnx-proto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { encode, intAttribute, node, value, zipMapModel } from './helpers/onnx-models';
import { residentBytes } from './helpers/processes';
import { seededRandom } from './helpers/seeded-random';
import { MODELS, startServer, type TestServer } from './helpers/server';

const SEED = 20261127;
const ROUNDS = 400;
const HEADER = 'sepal_length,sepal_width,petal_length,petal_width';
const CSV = `${HEADER}\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n`;

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

/** Of three columns, which are called as what else a body may hold. */
function columnsModel(): Uint8Array {
  const names = ['score', 'inputs', 'row'];
  const model = onnx.ModelProto.decode(
    encode({
      node: [node('Concat', names, ['y'], [intAttribute('axis', 1)])],
      input: names.map((name) => value(name, onnx.TensorProto.DataType.FLOAT, ['N', 1])),
      output: [value('y', onnx.TensorProto.DataType.FLOAT, ['N', 3])],
    }),
  );
  return onnx.ModelProto.encode({ ...model, producerName: 'skl2onnx' }).finish();
}

describe('rows', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    cpSync(join(MODELS, 'iris'), join(folder, 'iris'), { recursive: true });
    writeModel(folder, 'passes', zipMapModel(['no', 'yes']), {
      version: '1',
      yaml: `
input: { pupil: { type: table, columns: { hours: { missing: 0 }, absences: {} } } }
output: { passed: { type: classification, from: probabilities, activation: none, labels: [no, yes], top_k: 1 } }`,
    });
    writeModel(folder, 'odd', columnsModel());
    writeModel(folder, 'off', columnsModel(), { yaml: 'pipeline: off' });
    server = await startServer({ MODEL_DIR: folder, MAX_TABLE_ROWS: '50' });
  });

  async function send(path: string, body: string | Buffer, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${server.url}/api/inference/${path}`, { method: 'POST', body, headers });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  }
  const csv = (path: string, body: string | Buffer): Promise<Answer> =>
    send(path, body, { 'content-type': 'text/csv' });
  const json = (path: string, body: unknown): Promise<Answer> =>
    send(path, JSON.stringify(body), { 'content-type': 'application/json' });
  const labelsOf = ({ text }: Answer, output: string): string[] => {
    const { result } = JSON.parse(text) as { result: Record<string, { label: string }[][]> };
    return result[output]!.map(([best]) => best!.label);
  };

  it('come as CSV, and are answered in their order', async () => {
    const answer = await csv('iris', CSV);
    expect(answer.status).toBe(200);
    expect(labelsOf(answer, 'species')).toEqual(['setosa', 'virginica']);
  });

  it('come in the charset that their header says, with names or without', async () => {
    const [header, ...rows] = CSV.trimEnd().split('\n');
    const utf16 = Buffer.from(CSV, 'utf16le');
    const answer = await send('iris', utf16, { 'content-type': 'text/csv; charset=utf-16' });
    const bare = await send('iris', rows.join('\n'), { 'content-type': 'text/csv; header=absent' });
    expect([answer.status, bare.status]).toEqual([200, 200]);
    expect(labelsOf(answer, 'species')).toEqual(labelsOf(bare, 'species'));
    // Neither is found in the cache under the other's key.
    const misread = await send('iris', utf16, { 'content-type': 'text/csv' });
    const headless = await send('iris', rows.join('\n'), { 'content-type': 'text/csv' });
    expect([misread.status, headless.status]).toEqual([400, 400]);
    expect(headless.text).toContain(`has no column \\"${header!.split(',')[0]}\\"`);
    const form = new FormData();
    form.append('flower', new Blob([utf16], { type: 'text/csv; charset=utf-16' }));
    const response = await fetch(`${server.url}/api/inference/iris`, { method: 'POST', body: form });
    const { result } = (await response.json()) as { result: unknown };
    expect(result).toEqual((JSON.parse(answer.text) as { result: unknown }).result);
    const declined = await send('iris', '{}', { 'content-type': 'application/json; charset=utf-16' });
    expect(declined.status).toBe(415);
  });

  it('are answered in CSV where that is wanted', async () => {
    const headers = { 'content-type': 'text/csv', accept: 'text/csv' };
    const answer = await send('iris?top_k=1', CSV, headers);
    expect(answer.type).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.text).toMatch(/^species,species\.scores\r\nsetosa,0\.99\d+\r\nvirginica,0\.99\d+\r\n$/);
    const tensors = await send('iris', '{"features": [[5.1, 3.5, 1.4, 0.2]]}', {
      ...headers,
      'content-type': 'application/json',
    });
    expect(tensors.text).toMatch(/^label,probabilities\.0,probabilities\.1,probabilities\.2\r\n0,/);
  });

  it.each<readonly [string, unknown]>([
    ['records', { flower: [{ petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 }] }],
    [
      'columns',
      { flower: { petal_width: [0.2], petal_length: [1.4], sepal_width: [3.5], sepal_length: [5.1] } },
    ],
    ['split', { flower: { columns: HEADER.split(','), data: [[5.1, 3.5, 1.4, 0.2]] } }],
    [
      "MLflow's split",
      { dataframe_split: { columns: HEADER.split(','), index: [0], data: [[5.1, 3.5, 1.4, 0.2]] } },
    ],
    [
      "MLflow's records",
      { dataframe_records: [{ petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 }] },
    ],
  ])('come as %s', async (_form, body) => {
    expect(labelsOf(await json('iris', body), 'species')).toEqual(['setosa']);
  });

  it('come one by one, and are answered by one', async () => {
    const { text } = await json('iris', {
      flower: { petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1 },
      top_k: 1,
    });
    const { result } = JSON.parse(text) as { result: { species: { label: string; score: number }[] } };
    expect(result.species).toEqual([{ label: 'setosa', score: expect.closeTo(1, 2) as number }]);
  });

  it("go into what scikit-learn's exporter makes by default", async () => {
    const answer = await csv('passes', 'absences,hours\n0,9\n1,\n');
    expect(labelsOf(answer, 'passed')).toEqual(['yes', 'no']);
  });

  it('and tensors may be called as options and forms of a table are', async () => {
    const tensors = { score: [[1]], inputs: [[2]], row: [[3]] };
    const bodies: unknown[] = [
      tensors,
      { table: [{ score: 1, inputs: 2, row: 3 }] },
      { instances: [{ score: 1, inputs: 2, row: 3 }] },
    ];
    for (const body of bodies) {
      const { status, text } = await json('odd', body);
      expect([status, text.slice(0, 32)]).toEqual([200, '{"result":{"y":[[1,2,3]]},"cache']);
    }
    expect((await json('off', tensors)).status).toBe(200);
    expect((await json('off', bodies[1])).status).toBe(400);
    expect((await csv('off', 'score,inputs,row\n1,2,3\n')).status).toBe(415);
  });

  it.each<readonly [string, () => Promise<Answer>, number, string]>([
    [
      'a word',
      () => csv('iris', `${HEADER}\n1,2,3,4\n1,2,x,4\n`),
      400,
      'Input \\"flower\\", row 2, column \\"petal_length\\": expected a number, got \\"x\\".',
    ],
    [
      'a missing value',
      () => csv('iris', `${HEADER}\n1,2,,4\n`),
      400,
      'row 1, column \\"petal_length\\": has no value.',
    ],
    [
      'a number beyond a double',
      () => csv('iris', `${HEADER}\n1,2,-1e999,4\n`),
      400,
      'row 1, column \\"petal_length\\": is \\"-1e999\\", which is beyond what a double holds.',
    ],
    [
      'such a one in JSON, in place of which a missing one would be 0',
      () =>
        send('passes', '{"pupil": {"hours": 1e999, "absences": 1}}', { 'content-type': 'application/json' }),
      400,
      'The number 1e999 at position 20 is beyond what a double holds.',
    ],
    ['a missing column', () => csv('iris', 'sepal_length\n1\n'), 400, 'has no column \\"sepal_width\\".'],
    [
      '51 rows',
      () => csv('iris', `${HEADER}\n${'1,2,3,4\n'.repeat(51)}`),
      413,
      'has more than 50 rows (MAX_TABLE_ROWS).',
    ],
    [
      '10,000 columns',
      () => csv('iris', `${Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(',')}\n`),
      413,
      'has more than 1000 columns (MAX_TABLE_COLUMNS).',
    ],
    [
      'a cell of a megabyte',
      () => csv('iris', `${HEADER}\n${'1'.repeat(1e6)},2,3,4\n`),
      413,
      'has a cell of more than 65536 characters (MAX_CELL_LENGTH).',
    ],
    ['bytes that are no text', () => csv('iris', Buffer.from([0xff, 0xfe, 0x00])), 400, 'is not UTF-8.'],
    ['nothing', () => csv('iris', ''), 400, 'has no rows.'],
    ['a picture', () => send('iris', 'x', { 'content-type': 'image/png' }), 415, 'Content-Type'],
  ])('are refused with %s', async (_what, work, status, message) => {
    const answer = await work();
    expect([answer.status, answer.text.includes(message) ? message : answer.text]).toEqual([status, message]);
  });

  it(`are refused or answered, whatever is done to them (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const pieces = [
      '"',
      ',',
      '\n',
      '\r',
      '\r\n',
      '\ufeff',
      '\0',
      'x',
      '1e999',
      'NaN',
      '-',
      '""',
      '\ud83d\ude00',
      ','.repeat(2000),
    ];
    const before = residentBytes(server.workers()[0]!);
    const statuses = new Map<number, number>();
    for (let round = 0; round < ROUNDS; round++) {
      let text = CSV;
      for (let cut = random(4); cut >= 0; cut--) {
        const at = random(text.length + 1);
        text = text.slice(0, at) + pieces[random(pieces.length)]! + text.slice(at + random(3));
      }
      const { status } = await csv(
        'iris',
        random(4) === 0 ? Buffer.from(text).subarray(0, random(text.length)) : text,
      );
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(
      [...statuses.keys()].filter((status) => status !== 200 && status !== 400 && status !== 413),
    ).toEqual([]);
    expect(statuses.get(400)).toBeGreaterThan(ROUNDS / 4);
    expect(residentBytes(server.workers()[0]!) - before).toBeLessThan(100 * 1024 * 1024);
    expect((await csv('iris', CSV)).status).toBe(200);
  });
});
