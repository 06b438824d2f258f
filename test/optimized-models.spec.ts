import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nestor } from './helpers/command-line';
import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { ANY_SPEED, SWISH } from './helpers/optimizable';
import { startServer, type TestServer } from './helpers/server';

const served = temporaryFolder('served');

/** A number of the answer that the file says it gives is another one. */
function tamper(file: string): void {
  const bytes = readFileSync(file, 'latin1');
  const tampered = bytes.replace(/("values":\[-?)\d/, '$19');
  expect(tampered).not.toBe(bytes);
  expect(tampered).toHaveLength(bytes.length);
  writeFileSync(file, tampered, 'latin1');
}

describe('a server', () => {
  let server: TestServer | undefined;
  afterAll(() => server?.stop());

  it('serves what was made, and refuses what does not answer as was proved', async () => {
    for (const name of ['good', 'bad']) {
      writeModel(served, name, graphModel(SWISH), { version: '1', yaml: 'versions: all\n' });
      expect(await nestor(['optimize', served, '--model', name, ...ANY_SPEED])).toMatchObject({ code: 0 });
    }
    tamper(join(served, 'bad', '2', 'model.onnx'));
    const running = (server = await startServer({
      MODEL_DIR: served,
      WORKERS: '1',
      REQUIRED_MODELS: 'good',
    }));
    const x = Array.from({ length: 3 }, (_, row) =>
      Array.from({ length: 4 }, (_, c) =>
        Array.from({ length: 8 }, (_, h) =>
          Array.from({ length: 8 }, (_, w) => Math.sin(row + c * 64 + h * 8 + w)),
        ),
      ),
    );
    type Answer = { result: { y: number[][] }; version: string };
    const ask = async (rows: unknown[], version: string): Promise<number[][]> => {
      const { status, body } = await running.post<Answer>(
        `/api/inference/good?version=${version}&use_cache=false`,
        { x: rows },
      );
      expect({ status, body }).toMatchObject({ status: 200, body: { version } });
      return body.result.y;
    };
    const together = await ask(x, '2');
    for (const [i, row] of x.entries()) expect(await ask([row], '2')).toEqual([together[i]]);
    const before = await ask(x, '1');
    together.flat().forEach((value, i) => expect(value).toBeCloseTo(before.flat()[i]!, 5));
    const { status, body } = await running.post<{ message: string }>('/api/inference/bad?version=2', { x });
    expect(status).toBe(503);
    expect(body.message).toMatch(
      /does not answer as `nestor optimize` proved: output "y", element 0: expected/,
    );
  });
});
