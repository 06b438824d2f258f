import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../src/cli/optimize/report';
import { CommandLine, type Outcome } from './helpers/command-line';
import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { mlpModel } from './helpers/onnx-models';
import { ANY_SPEED, SWISH } from './helpers/optimizable';

let commands: CommandLine;
beforeAll(() => {
  commands = new CommandLine();
});
afterAll(() => commands.end());
const nestor = (args: readonly string[]): Promise<Outcome> => commands.run(args);

const folder = temporaryFolder('int8');

async function report(args: readonly string[]): Promise<Report> {
  const { stdout } = await nestor(['optimize', ...args, '--json']);
  return JSON.parse(stdout) as Report;
}

describe('nestor optimize --int8', () => {
  const samples = join(folder, 'samples.ndjson');
  beforeAll(() => {
    const lines = Array.from({ length: 64 }, (_, row) =>
      JSON.stringify({ x: Array.from({ length: 64 }, (_, i) => Math.sin(row * 64 + i * i)) }),
    );
    writeFileSync(samples, lines.join('\n'));
    writeModel(folder, 'layers', mlpModel([64, 256, 64]), { version: '1' });
    const relu = SWISH.steps.map((step): (typeof SWISH.steps)[number] =>
      step[0] === 'Div' ? ['Relu', ['c'], ['s']] : step,
    );
    writeModel(folder, 'convolutions', graphModel({ ...SWISH, steps: relu }), { version: '1' });
  });

  it('has products run in eight bits, row by row, by what samples say', async () => {
    const found = await report([folder, '--model', 'layers', '--int8', '--samples', samples, ...ANY_SPEED]);
    expect(found).toMatchObject({
      version: '2',
      form: 'row',
      rewritten: { 'products with int8 rows': 2, 'activations smoothed by the samples': 2 },
      proof: { own: true, apart: { equal: 8 } },
      left: [],
    });
    expect(found.proof!.sizeBytes).toBeLessThan(0.35 * found.proof!.originalBytes);
    expect(found.notJudged.join()).toMatch(/32 rows are few/);
  });

  it('says what it did not reach, and leaves nothing', async () => {
    writeModel(folder, 'strict', mlpModel([64, 256, 64]), { version: '1' });
    const args = [
      '--model',
      'strict',
      '--int8',
      '--samples',
      samples,
      '--min-accuracy',
      '0.99999999999',
      ...ANY_SPEED,
    ];
    const found = await report([folder, ...args]);
    expect(found.version).toBeNull();
    expect(found.checks).toContainEqual(expect.objectContaining({ limit: 'cos >= 1', ok: false }));
    expect(readdirSync(join(folder, 'strict'))).toEqual(['1']);
  });

  it('leaves convolutions with a HardSwish as they are, and wants samples for others', async () => {
    writeModel(folder, 'hard', graphModel(SWISH), { version: '1' });
    const found = await report([folder, '--model', 'hard', '--int8', ...ANY_SPEED]);
    expect(found).toMatchObject({ form: 'exact', version: '2' });
    expect(found.why).toMatch(/lose too much in int8 \(HardSigmoid\)/);
    expect(await nestor(['optimize', folder, '--model', 'convolutions', '--int8'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/need --samples for int8/) as string,
    });
  });
});
