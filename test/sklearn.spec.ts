import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type TestServer } from './helpers/server';

interface Described {
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
