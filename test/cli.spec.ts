import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';

const ROOT = join(__dirname, '..');
const IRIS = join(ROOT, 'models', 'iris', '1', 'model.onnx');
const ROW = '5.1,3.5,1.4,0.2';

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function nestor(args: readonly string[], cwd = ROOT): Promise<Outcome> {
  const given = [join(ROOT, 'dist', 'cli', 'main.js'), ...args];
  return promisify(execFile)(process.execPath, given, { cwd }).then(
    (said) => ({ code: 0, ...said }),
    (error: Outcome) => error,
  );
}

describe('nestor', () => {
  it.each<[string, string[], RegExp]>([
    ['a command that is not there', ['srve'], /no command "srve"; did you mean "serve"/],
    ['an option that is not there', ['serve', '--prot', '1'], /Unknown option '--prot'/],
    ['too many folders', ['check', 'a', 'b'], /one folder or one file/],
    ['no input', ['run', IRIS], /takes a model and an input/],
    ['no JSON', ['run', IRIS, '{"features'], /not JSON/],
    [
      'a model that is not there',
      ['run', 'models', '--model', 'irsi', '{}'],
      /no model "irsi"; there are: digits, iris/,
    ],
  ])('refuses %s, with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await nestor(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('names a setting that breaks its rule, and serves nothing', async () => {
    const { code, stderr } = await nestor(['serve', '--port', 'x']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/PORT must be a whole number/);
  });

  it('tells its commands, and each one its own', async () => {
    const { stdout } = await nestor(['--help']);
    for (const command of ['serve', 'check', 'inspect', 'run', 'types', 'keys', 'prune']) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
      expect((await nestor([command, '--help'])).stdout).toMatch(/^Usage/);
    }
  });
});

describe('nestor check', () => {
  const folder = temporaryFolder();

  it('is content with models that would serve', async () => {
    expect(await nestor(['check', 'models'])).toMatchObject({
      code: 0,
      stdout: 'ok   digits 1\nok   iris 1\n',
    });
  });

  it('names what would not, and why', async () => {
    writeModel(folder, 'good', identityModel('FP32'), { version: '1' });
    writeModel(folder, 'bad', identityModel('FP32'), { version: '1', yaml: 'no_such_key: 1\n' });
    const { code, stdout } = await nestor(['check', folder, '--json']);
    expect(code).toBe(1);
    const { models } = JSON.parse(stdout) as { models: { name: string; state: string; reason?: string }[] };
    expect(models).toMatchObject([
      { name: 'bad', state: 'UNAVAILABLE', reason: expect.stringMatching(/no_such_key/) as string },
      { name: 'good', state: 'READY' },
    ]);
  });
});

describe('nestor inspect', () => {
  it('shows what a file takes, gives and is made of, and a request that works', async () => {
    const { code, stdout } = await nestor(['inspect', IRIS, '--json']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as { model: { example: object } };
    expect(found).toMatchObject({ file: 'model.onnx', operators: { Gemm: 1 }, model: { state: 'READY' } });
    const answer = await nestor(['run', IRIS, JSON.stringify(found.model.example)]);
    expect(JSON.parse(answer.stdout)).toMatchObject({ label: expect.any(Array) as unknown });
  });

  it('says so where there is no such file', async () => {
    expect(await nestor(['inspect', 'nothing.onnx'])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('nestor run', () => {
  const folder = temporaryFolder('rows');
  const csv = join(folder, 'rows.csv');
  const out = join(folder, 'answers.ndjson');
  mkdirSync(folder, { recursive: true });

  it('answers each row of a file, in order, and goes on where it was interrupted', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `5.1,3.5,1.4,${i / 1000}`);
    writeFileSync(csv, ['a,b,c,d', ...rows].join('\n'));
    expect(await nestor(['run', IRIS, csv, '--out', out])).toMatchObject({ code: 0, stderr: '3000 rows\n' });
    const whole = readFileSync(out, 'utf8');
    const lines = whole.trimEnd().split('\n');
    expect(lines).toHaveLength(3000);
    const alone = await nestor(['run', IRIS, '{"features": [[5.1, 3.5, 1.4, 2.999]]}']);
    const [label] = (JSON.parse(alone.stdout) as { label: number[] }).label;
    expect(JSON.parse(lines[2999]!)).toMatchObject({ label });
    // In the middle of a line.
    writeFileSync(out, whole.slice(0, 5000));
    const again = await nestor(['run', IRIS, csv, '--out', out]);
    expect(again.stderr).toMatch(/^29\d\d rows, after \d+ that were there\n$/);
    expect(readFileSync(out, 'utf8')).toBe(whole);
  });

  it('takes NDJSON, and prints where no file is named', async () => {
    const file = join(folder, 'rows.ndjson');
    writeFileSync(file, `{"features": [${ROW}]}\n{"features": [${ROW}]}\n`);
    const { stdout } = await nestor(['run', IRIS, file]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { label: number }).label),
    ).toEqual([0, 0]);
  });

  it.each<[string, string, RegExp]>([
    [
      'a cell that is no number',
      `a,b,c,d\n${ROW}\n1,2,x,4`,
      /Line 3, column "c": expected a number, got "x"/,
    ],
    ['a line that is too short', `${ROW}\n1,2`, /Line 2 has 2 cells, and 4 were expected/],
  ])('refuses %s by its place', async (_, text, message) => {
    writeFileSync(csv, text);
    const { code, stderr } = await nestor(['run', IRIS, csv]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
