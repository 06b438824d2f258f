import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CommandLine, nestor as inProcessOfItsOwn, type Outcome, ROOT } from './helpers/command-line';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';

const IRIS = join(ROOT, 'models', 'iris', '1', 'model.onnx');

let commands: CommandLine;
beforeAll(() => {
  commands = new CommandLine();
});
afterAll(() => commands.end());
const nestor = (args: readonly string[]): Promise<Outcome> => commands.run(args);

describe('nestor', () => {
  const folder = temporaryFolder('empty');
  const ROWS = join(temporaryFolder('rows'), 'rows.csv');
  writeFileSync(ROWS, '5.1,3.5,1.4,0.2\n');

  it.each<[string, string[], RegExp]>([
    ['a command that is not there', ['srve'], /no command srve \(did you mean serve\?\)/],
    ['an option that is not there', ['serve', '--prot', '1'], /no option --prot \(did you mean --port\?\)/],
    ['an option by too long a name', ['run', IRIS, '{}', '--output', 'x'], /\(did you mean --out\?\)/],
    ['too many folders', ['check', 'a', 'b'], /one folder or one file/],
    ['a folder that is not there', ['check', 'nowhere'], /nowhere/],
    ['a file that is not there', ['run', 'nowhere.onnx', '{}'], /no file or folder nowhere\.onnx/],
    ['rows that are not there', ['run', IRIS, 'nowhere.csv'], /no file nowhere\.csv/],
    ['a picture that is not there', ['run', IRIS, 'nowhere.png'], /no file nowhere\.png/],
    ['a folder for an input', ['run', IRIS, 'src'], /A file is wanted/],
    [
      'a file for answers in no folder',
      ['run', IRIS, ROWS, '--out', 'no/where'],
      /no file or folder no\/where/,
    ],
    [
      'a folder for answers',
      ['run', IRIS, ROWS, '--out', 'src'],
      /A file is wanted, and what was given is a folder/,
    ],
    ['a file to inspect that is not there', ['inspect', 'nowhere.onnx'], /no file or folder .*nowhere\.onnx/],
    ['a folder to inspect that is no model', ['inspect', 'src'], /no model\.onnx in .*src, nor in a version/],
    ['a model to measure that is not there', ['bench', 'nowhere'], /no model "nowhere"/],
    [
      'a file of keys that is not there',
      ['keys', 'list', '--file', 'nowhere.yaml'],
      /no file or folder nowhere\.yaml/,
    ],
    [
      'a key to revoke in no file',
      ['keys', 'revoke', 'ci', '--file', 'nowhere.yaml'],
      /no file or folder nowhere\.yaml/,
    ],
    ['no URL of a server', ['types', 'nowhere'], /takes one URL/],
    ['no source', ['pull', '/nowhere'], /"\/nowhere" is no source/],
    ['a system that there is no runtime for', ['prune', '--arch', 'mips'], /no runtime for \w+\/mips/],
    ['rows of no kind', ['run', IRIS, '-', '--as', 'xml'], /--as must be csv or ndjson, and is xml/],
    ['no URL', ['run', 'iris', '{}', '--url', 'localhost'], /--url must be one such as/],
    ['inputs that the model does not take', ['run', IRIS, '{"features": [[1]]}'], /expected shape \[-1, 4\]/],
    ['no input', ['run', IRIS], /takes a model and an input/],
    ['no JSON', ['run', IRIS, '{"features'], /not JSON/],
    [
      'a model that is not there',
      ['run', 'models', '--model', 'irsi', '{}'],
      /no model "irsi"; there are: digits, iris/,
    ],
  ])('refuses %s, with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await nestor(args);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message) as unknown,
    });
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each<[string, string[], RegExp]>([
    ['a setting that breaks its rule', ['--port', 'x'], /PORT must be a whole number/],
    ['a folder that is not there', ['nowhere'], /There is no file or folder nowhere/],
    ['a file that is not there', ['nowhere.onnx'], /There is no file or folder nowhere\.onnx/],
  ])('serves nothing with %s, with exit code 2', async (_, args, message) => {
    const { code, stderr } = await inProcessOfItsOwn(['serve', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) as unknown });
  });

  it.each<[string, string[]]>([
    ['a file that is no model', ['inspect', 'README.md']],
    ['a server that is not there', ['run', 'iris', '{}', '--url', 'http://127.0.0.1:1']],
    ['a server that is not there to ask', ['types', 'http://127.0.0.1:1']],
  ])('fails at %s, with exit code 1', async (_, args) => {
    expect(await nestor(args)).toMatchObject({ code: 1, stdout: '' });
  });

  it('says that a port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const args = ['serve', 'models', '--port', String(port), '--host', '127.0.0.1', '--log-dir', folder];
    const { code, stdout, stderr } = await inProcessOfItsOwn(args).finally(() => other.close());
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(new RegExp(`port ${port} .*(taken|in use)`, 'i'));
  });

  it('says that a folder holds no model', async () => {
    const { code, stderr } = await nestor(['check', folder]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `nestor: there is no model in ${folder}\n` });
    expect(await nestor(['run', folder, '{}'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there are: none/) as string,
    });
  });

  it('tells its commands, and each one its own', async () => {
    const { stdout } = await nestor(['--help']);
    for (const command of [
      'serve',
      'check',
      'inspect',
      'run',
      'bench',
      'optimize',
      'types',
      'keys',
      'prune',
    ]) {
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
  const folder = temporaryFolder('inspected');

  it('shows what a file takes, gives and is made of, and a request that works', async () => {
    const { code, stdout } = await nestor(['inspect', IRIS, '--json']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as { model: { example: object } };
    expect(found).toMatchObject({
      file: 'model.onnx',
      parameters: 2 * 4 + 4 * 3 + 3,
      operators: { Gemm: 1 },
      model: { state: 'READY' },
    });
    const answer = await nestor(['run', IRIS, JSON.stringify(found.model.example)]);
    expect(JSON.parse(answer.stdout)).toMatchObject({ label: expect.any(Array) as unknown });
  });

  it('shows what the folder of the file declares, where it serves that file', async () => {
    const yaml = 'input: { row: { type: table, columns: [a, b] } }\n';
    writeModel(folder, 'rows', identityModel('FP32'), { version: '1', yaml });
    writeModel(folder, 'rows', identityModel('FP32'), { version: '2', yaml });
    const shown = async (version: string): Promise<string> =>
      (await nestor(['inspect', join(folder, 'rows', version, 'model.onnx')])).stdout;
    expect(await shown('2')).toMatch(/^takes table "row": columns \["a","b"\] \(model\.yaml\)$/m);
    expect(await shown('1')).not.toMatch(/"row"/);
    expect(await shown('1')).toMatch(/^takes x: FP32 \[N, 2\]$/m);
    expect((await nestor(['inspect', join(folder, 'rows')])).stdout).toBe(await shown('2'));
  });
});
