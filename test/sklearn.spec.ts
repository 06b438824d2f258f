import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type TestServer } from './helpers/server';

interface Answer {
  result?: { output_label: unknown; probabilities: unknown };
  message?: string;
}

interface Described {
  pipeline?: { input: { row: object } };
  pipeline_reason?: string;
  example?: object;
  outputs: { name: string; datatype: string; shape: number[]; labels?: string[] }[];
}

/** Exports of skl2onnx with its defaults. */
describe('models of scikit-learn as they are exported', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ MODEL_DIR: join(__dirname, 'fixtures', 'sklearn') });
  });

  it('have the scores of a classifier as a tensor, in place of its ZipMap, and keep its classes', async () => {
    const { body } = await server.get<Described>('/api/inference/classifier');
    expect(body.outputs).toMatchObject([
      { name: 'output_label', datatype: 'INT64', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2], labels: ['0', '1'] },
    ]);
    const answer = await server.post<{ result: { output_label: number[]; probabilities: number[][] } }>(
      '/api/inference/classifier',
      [
        [-1, -0.5, -1, -0.2],
        [0.1, 0.2, 0.1, 0.2],
      ],
    );
    expect(answer.status).toBe(200);
    const { output_label: labels, probabilities } = answer.body.result;
    expect(probabilities).toHaveLength(2);
    for (const [i, [no = 0, yes = 0]] of probabilities.entries()) {
      expect(no + yes).toBeCloseTo(1, 6);
      expect(labels[i]).toBe(yes > no ? 1 : 0);
    }
    expect(new Set(labels)).toEqual(new Set([0, 1]));
  });

  it('have an output for each of several classes, in place of their sequence', async () => {
    const { body } = await server.get<Described & { batching: object }>('/api/inference/several');
    expect(body.batching).toMatchObject({ enabled: true });
    expect(body.outputs).toMatchObject([
      { name: 'label', datatype: 'BYTES', shape: [-1, 2] },
      { name: 'probabilities1', datatype: 'FP32', shape: [-1, -1] },
      { name: 'probabilities2', datatype: 'FP32', shape: [-1, 2] },
    ]);
    const answer = await server.post<{ result: object }>('/api/inference/several', [
      [5.1, 3.5, 1.4, 0.2],
      [4.9, 3, 1.4, 0.2],
    ]);
    // Of the MultiOutputClassifier in Python: predict() and predict_proba().
    const close = (rows: number[][]): unknown =>
      rows.map((row) => row.map((one) => expect.closeTo(one, 6) as number));
    expect(answer.body.result).toEqual({
      label: [
        ['a', 'no'],
        ['a', 'no'],
      ],
      probabilities1: close([
        [0.98157287, 0.018427128, 1.4781144e-8],
        [0.97131819, 0.028681815, 3.0956684e-8],
      ]),
      probabilities2: close([
        [0.99831849, 0.0016814923],
        [0.9993124, 0.00068762572],
      ]),
    });
  });

  it('take rows by the names of their columns where each is an input, and answer as Python does', async () => {
    const csv = `embarked,age,fare,sex,pclass
Q,28.10024,29.82852,male,2
Q,,5.142995,female,3
Q,43.584946,52.107327,female,3
C,40.72172,10.55932,male,2
`;
    const [names = '', ...lines] = csv.trim().split('\n');
    const columns = names.split(',');
    const cell = (text: string): unknown => (text === '' ? null : /\d/.test(text) ? Number(text) : text);
    const data = lines.map((line) => line.split(',').map(cell));
    const records = data.map((row) => Object.fromEntries(row.map((value, i) => [columns[i]!, value])));
    const tensors = Object.fromEntries(
      columns.map((name, i) => [name, data.map((row) => [row[i] ?? 'NaN'])]),
    );
    // Of the pipeline in Python: predict() and predict_proba().
    const yes = [0.2537866494872473, 0.8828216498008522, 0.9147370269282421, 0.23348053097203011];
    const expected = {
      output_label: ['no', 'yes', 'yes', 'no'],
      probabilities: yes.map((one) => [1 - one, one].map((value) => expect.closeTo(value, 6) as number)),
    };
    const path = '/api/inference/passengers';
    const forms = [
      await server.post<Answer>(path, csv, { 'content-type': 'text/csv' }),
      await server.post<Answer>(path, { row: records }),
      await server.post<Answer>(path, { row: { columns, index: [4, 5, 6, 7], data } }),
      await server.post<Answer>(path, { dataframe_split: { columns, data } }),
      await server.post<Answer>(path, tensors),
    ];
    for (const { body } of forms) expect(body.result).toEqual(expected);
    const one = await server.post<Answer>(path, { row: records[1] });
    expect(one.body.result?.output_label).toBe('yes');
    const absent = await server.post<Answer>(path, { row: [records[0], { ...records[1], sex: null }] });
    expect([absent.status, absent.body.message]).toEqual([
      400,
      'Input "row", row 2, column "sex": has no value.',
    ]);
  });

  it('say by whom their columns are known, and are documented as rows', async () => {
    const { body } = await server.get<Described>('/api/inference/passengers');
    expect(body.pipeline?.input.row).toEqual({
      type: 'table',
      columns: {
        from: 'inputs of model.onnx, by skl2onnx',
        value: { age: { missing: 'nan' }, fare: { missing: 'nan' }, sex: {}, embarked: {}, pclass: {} },
      },
    });
    expect(body.example).toHaveProperty('row.sex');
    const docs = await server.get<object>('/docs-json');
    expect(JSON.stringify(docs.body)).toContain('"embarked":{');
    const matrix = await server.get<Described>('/api/inference/classifier');
    expect(matrix.body.pipeline_reason).toMatch(/^the inputs of model.onnx, by skl2onnx, are no columns/);
  });

  it('find the locale that text vectorisers want, be it installed or not, and leave nothing', async () => {
    const lower = await server.post('/api/inference/texts', { text: ['a blue sky'] });
    const upper = await server.post('/api/inference/texts', { text: ['A BLUE SKY'] });
    expect(lower.status).toBe(200);
    expect(upper.body.result).toEqual(lower.body.result);
    expect(await server.stop()).toBe(0);
    const left = existsSync(server.folder) ? readdirSync(server.folder) : [];
    expect(left.filter((name) => name.startsWith('nestor-locale'))).toEqual([]);
  });
});
