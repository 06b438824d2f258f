import { halfToNumber, numberToHalf } from '../src/tensors/numbers/float16';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

/** Bit patterns: the least subnormal, the largest one, the least normal, 1, 1/3, 0.1, the largest, and -2. */
const PATTERNS = [0x0001, 0x03ff, 0x0400, 0x3c00, 0x3555, 0x2e66, 0x7bff, 0xc000];

interface Answer {
  result: { y: number[][] };
}

// Run under each Node that CI has: the runtime keeps float16 in a Uint16Array on one that has no Float16Array, and in
// a Float16Array on one that has.
describe(`float16 on Node ${process.version}`, () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'half', identityModel('FP16'));
    server = await startServer({ MODEL_DIR: models });
  });

  const ask = (x: unknown) => server.post<Answer>('/api/inference/half', { x });

  it('is what the model declares', async () => {
    const { body } = await server.get('/api/inference/half');
    expect(body).toMatchObject({ inputs: [{ datatype: 'FP16' }], outputs: [{ datatype: 'FP16' }] });
  });

  it('carries every kind of number there and back', async () => {
    const sent = PATTERNS.map((pattern) => [halfToNumber(pattern), 0]);
    const { status, body } = await ask(sent);
    expect(status).toBe(200);
    expect(body.result.y.map(([value = NaN]) => numberToHalf(value))).toEqual(PATTERNS);
  });

  it('rounds to the nearest one, ties to even, and prints no more digits than it takes', async () => {
    const { body } = await ask([
      [2049, 2051],
      [-2049, 0.1],
    ]);
    expect(body.result.y).toEqual([
      [2048, 2052],
      [-2048, 0.1],
    ]);
  });

  it('keeps what JSON has no numbers for, and the sign of zero', async () => {
    const sent = '[["NaN", "Infinity"], ["-Infinity", -0.0]]';
    const { body } = await server.post<Answer>('/api/inference/half', sent);
    expect(body.result.y).toEqual([
      ['NaN', 'Infinity'],
      ['-Infinity', -0],
    ]);
  });

  it('runs in batches like any other', async () => {
    const { body } = await server.get('/api/inference/half');
    expect(body.batching).toMatchObject({ enabled: true });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask([[i, 0.5]])));
    expect(answers.map(({ body }) => body.result.y)).toEqual(answers.map((_, i) => [[i, 0.5]]));
  });
});
