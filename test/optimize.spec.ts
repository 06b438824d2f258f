import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../src/cli/optimize/report';
import { CommandLine, type Outcome, RunningCommand } from './helpers/command-line';
import { graphModel, type SmallGraph } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { externalDataModel, mlpModel } from './helpers/onnx-models';
import { ANY_SPEED, SWISH } from './helpers/optimizable';
import { until } from './helpers/until';

let commands: CommandLine;
beforeAll(() => {
  commands = new CommandLine();
});
afterAll(() => commands.end());
const nestor = (args: readonly string[]): Promise<Outcome> => commands.run(args);

const folder = temporaryFolder('optimize');
const flat = temporaryFolder('flat');
const interrupted = temporaryFolder('interrupted');
const bad = temporaryFolder('bad');

async function report(args: readonly string[]): Promise<Report> {
  const { stdout } = await nestor(['optimize', ...args, '--json']);
  return JSON.parse(stdout) as Report;
}

describe('nestor optimize', () => {
  it('writes a version beside the old one, which answers the same and says how that is known', async () => {
    writeModel(folder, 'swish', graphModel(SWISH), { version: '1', yaml: 'description: a small one\n' });
    writeFileSync(join(folder, 'swish', '1', 'labels.txt'), 'a\nb\nc\nd\n');
    const { code, stdout } = await nestor(['optimize', folder, '--model', 'swish', ...ANY_SPEED]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^swish 1 -> 2\n/);
    expect(stdout).toMatch(/1 × HardSwish of its parts/);
    expect(readdirSync(join(folder, 'swish')).sort()).toEqual(['1', '2', 'model.yaml']);
    const there = ['labels.txt', 'model.onnx', 'report.html', 'report.json'];
    expect(readdirSync(join(folder, 'swish', '2')).sort()).toEqual(there);
    const found = JSON.parse(readFileSync(join(folder, 'swish', '2', 'report.json'), 'utf8')) as Report;
    expect(found).toMatchObject({ from: '1', version: '2', form: 'exact', faults: [] });
    expect(found.proof).toMatchObject({ apart: { rows: 8, equal: 8 }, own: false });
    const page = readFileSync(join(folder, 'swish', '2', 'report.html'), 'utf8');
    expect(page).toMatch(/swish 1 -&gt; 2|swish 1 -> 2/);
    expect(page).not.toMatch(/https?:|src=|@import/);
  });

  it('makes a folder with both versions of a file that has none, and leaves the file', async () => {
    writeModel(flat, 'net', graphModel(SWISH), { yaml: 'description: flat\n' });
    expect(await report([join(flat, 'net.onnx'), ...ANY_SPEED])).toMatchObject({ version: '2' });
    expect(readdirSync(flat).sort()).toEqual(['net', 'net.onnx', 'net.yaml']);
    expect(readdirSync(join(flat, 'net')).sort()).toEqual(['1', '2', 'model.yaml']);
    expect(readFileSync(join(flat, 'net', '1', 'model.onnx'))).toEqual(readFileSync(join(flat, 'net.onnx')));
    const again = await nestor(['optimize', join(flat, 'net.onnx'), ...ANY_SPEED]);
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/folder net is in the way/) as string,
    });
  });

  it('halves a file whose weights alone are to be smaller', async () => {
    writeModel(folder, 'wide', mlpModel([64, 256, 64]), { version: '7' });
    const found = await report([folder, '--model', 'wide', '--size-only']);
    expect(found).toMatchObject({ version: '8', rewritten: { 'weights in 16 bits': 2 }, faults: [] });
    expect(found.proof!.sizeBytes).toBeLessThan(0.55 * found.proof!.originalBytes);
  });

  it('takes the weights of files beside a model into it, and leaves these where they are', async () => {
    writeModel(folder, 'apart', externalDataModel([64, 256, 64]), { version: '1' });
    writeFileSync(join(folder, 'apart', '1', 'labels.txt'), 'a\n');
    const found = await report([folder, '--model', 'apart', '--size-only']);
    expect(found).toMatchObject({ version: '2', rewritten: { 'weights in 16 bits': 2 }, faults: [] });
    expect(found.proof!.sizeBytes).toBeLessThan(0.55 * found.proof!.originalBytes);
    const there = ['labels.txt', 'model.onnx', 'report.html', 'report.json'];
    expect(readdirSync(join(folder, 'apart', '2')).sort()).toEqual(there);
    mkdirSync(join(flat, 'data'));
    writeModel(flat, 'apart', externalDataModel([64, 256, 64], 'data/apart.bin'));
    expect(await report([join(flat, 'apart.onnx'), '--size-only'])).toMatchObject({ version: '2' });
    const paths = readdirSync(join(flat, 'apart'), { recursive: true }) as string[];
    expect(paths.filter((path) => path.startsWith('1')).sort()).toEqual([
      '1',
      '1/data',
      '1/data/apart.bin',
      '1/model.onnx',
    ]);
  });

  it('writes nothing where a limit does not hold, and says which', async () => {
    const { code, stdout, stderr } = await nestor([
      'optimize',
      folder,
      '--model',
      'swish',
      '--require',
      'speed>=1000',
    ]);
    // Of the version that it made itself it wants the original.
    expect(code).toBe(2);
    expect(stderr).toMatch(/made it already; optimise the original/);
    expect(stdout).toBe('');
    const args = ['optimize', folder, '--model', 'swish', '--version', '1', '--require', 'speed>=1000'];
    const refused = await nestor(args);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/FAIL speed >= 1000/);
    expect(refused.stderr).toMatch(/nothing was written/);
    expect(readdirSync(join(folder, 'swish')).sort()).toEqual(['1', '2', 'model.yaml']);
  });

  it('writes nothing where there is nothing to rewrite', async () => {
    writeModel(folder, 'plain', mlpModel([8, 8]), { version: '1' });
    const found = await report([folder, '--model', 'plain', ...ANY_SPEED]);
    expect(found).toMatchObject({
      version: null,
      proof: null,
      faults: ['there is nothing in it to rewrite'],
    });
    expect(readdirSync(join(folder, 'plain'))).toEqual(['1']);
  });

  it('leaves nothing when it is interrupted, and clears up after one that was killed', async () => {
    // Large enough that the signal comes while it is at work.
    const large = ['N', 4, 160, 160];
    writeModel(interrupted, 'swish', graphModel({ ...SWISH, inputs: { x: large } }), { version: '1' });
    const left = (): string[] => readdirSync(join(interrupted, 'swish')).sort();
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const running = new RunningCommand(['optimize', interrupted, '--model', 'swish', ...ANY_SPEED]);
      await until('it is at work', () => left().some((name) => name.startsWith('.optimize-')));
      running.process.kill(signal);
      expect(await running.ended).toBe(signal === 'SIGINT' ? 130 : 'SIGKILL');
      expect(left().filter((name) => !name.startsWith('.'))).toEqual(['1']);
      if (signal === 'SIGINT') expect(left()).toEqual(['1']);
    }
    expect(left()).toHaveLength(2);
    writeModel(interrupted, 'swish', graphModel(SWISH), { version: '1' });
    expect(await report([interrupted, '--model', 'swish', ...ANY_SPEED])).toMatchObject({ version: '2' });
    expect(left()).toEqual(['1', '2']);
  });

  describe('refuses', () => {
    const one = (steps: SmallGraph['steps'], floats: SmallGraph['floats'] = {}): Uint8Array =>
      graphModel({ steps, inputs: { x: ['N', 2] }, outputs: { y: ['N', 2] }, floats });
    const models: Record<string, Uint8Array> = {
      quantised: one([
        ['DynamicQuantizeLinear', ['x'], ['q', 's', 'z']],
        ['DequantizeLinear', ['q', 's', 'z'], ['y']],
      ]),
      weightless: one([['Relu', ['x'], ['y']]]),
    };

    beforeAll(() => {
      for (const [name, model] of Object.entries(models)) writeModel(bad, name, model, { version: '1' });
      writeModel(bad, 'apart', externalDataModel([8, 8]), { version: '1' });
      truncateSync(join(bad, 'apart', '1', 'weights.bin'), 2 ** 31 - 1);
      writeModel(bad, 'fine', mlpModel([8, 64, 8]), { version: '1' });
      mkdirSync(join(bad, 'huge', '1'), { recursive: true });
      writeFileSync(join(bad, 'huge', '1', 'model.onnx'), 'x');
      // All of it a hole.
      truncateSync(join(bad, 'huge', '1', 'model.onnx'), 2 ** 31 + 1);
      writeFileSync(join(bad, 'few.ndjson'), '{"x": [1, 2, 3, 4, 5, 6, 7, 8]}\n'.repeat(300));
      writeFileSync(join(bad, 'unfit.ndjson'), '{"x": [1, 2]}\n'.repeat(300));
      writeFileSync(join(bad, 'text.ndjson'), 'x\n');
    });

    it.each<[string, string[], RegExp]>([
      [
        'a model that is quantised already',
        ['--model', 'quantised'],
        /quantised already \(DynamicQuantizeLinear\)/,
      ],
      ['one without weights', ['--model', 'weightless'], /no weights of FP32/],
      ['one of more than 2 GiB with what lies beside it', ['--model', 'apart'], /larger than 2 GiB/],
      ['one of more than 2 GiB', ['--model', 'huge'], /larger than 2 GiB/],
      ['samples that are not there', ['--model', 'fine', '--samples', 'nowhere.ndjson'], /no file nowhere/],
      [
        'samples that are all the same',
        ['--model', 'fine', '--samples', join(bad, 'few.ndjson')],
        /300 rows, of which 1 are different: at least 16/,
      ],
      [
        'samples that do not fit',
        ['--model', 'fine', '--samples', join(bad, 'unfit.ndjson')],
        /Row 1 of .*x/,
      ],
      [
        'samples that are none',
        ['--model', 'fine', '--samples', join(bad, 'text.ndjson')],
        /Row 1 is not a JSON object/,
      ],
      ['no such version', ['--model', 'fine', '--version', '3'], /no version 3/],
      ['limits of nothing', ['--model', 'fine', '--require', 'beauty>=1'], /--require takes limits such as/],
      ['two forms at once', ['--model', 'fine', '--int8', '--size-only'], /one alone/],
      ['no such form', ['--model', 'fine', '--form', 'int4'], /--form must be one of/],
      [
        'an accuracy of nobody',
        ['--model', 'fine', '--min-accuracy', '2'],
        /--min-accuracy must be a number above 0/,
      ],
    ])('%s, with exit code 2', async (_, args, message) => {
      const before = readdirSync(bad, { recursive: true }).sort();
      const { code, stdout, stderr } = await nestor(['optimize', bad, ...args]);
      expect({ code, stdout, stderr }).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(message) as unknown,
      });
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(readdirSync(bad, { recursive: true }).sort()).toEqual(before);
    });
  });
});
