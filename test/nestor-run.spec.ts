import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CommandLine, type Outcome, RunningCommand } from './helpers/command-line';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel, rowsDependentModel } from './helpers/onnx-models';
import { MODELS, startServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

const IRIS = join(MODELS, 'iris', '1', 'model.onnx');
const THREE = join(MODELS, 'digits', 'three.png');
const HEADER = 'sepal_length,sepal_width,petal_length,petal_width';
const ROW = '5.1,3.5,1.4,0.2';
const KEY = 'inf-8c1d2e3f4a5b6c7d8e9f0a1b2c3d';

/** As many rows, each of them another one. */
function rows(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `5.1,3.5,1.4,${i / 1000}`);
}

function lines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

let commands: CommandLine;
beforeAll(() => {
  commands = new CommandLine();
});
afterAll(() => commands.end());
const nestor = (args: readonly string[]): Promise<Outcome> => commands.run(args);

const folder = temporaryFolder('rows');
const csv = join(folder, 'rows.csv');
const out = join(folder, 'answers.ndjson');

describe('nestor run with an input', () => {
  it('answers pictures by what the model declares, each in a line, by file and from standard input', async () => {
    const { code, stdout } = await nestor(['run', 'digits', THREE, THREE]);
    expect(code).toBe(0);
    expect(lines(stdout)).toMatchObject([
      { digit: [{ label: '3' }, {}, {}] },
      { digit: [{ label: '3' }, {}, {}] },
    ]);
    const running = new RunningCommand(['run', join(MODELS, 'digits'), '-', '--out', out]);
    running.process.stdin?.end(readFileSync(THREE));
    expect(await running.ended).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(stdout.slice(0, stdout.length / 2));
  });

  it('answers JSON, also from a file', async () => {
    const file = join(folder, 'request.json');
    writeFileSync(file, `{"features": [[${ROW}]]}`);
    const { stdout } = await nestor(['run', MODELS, '--model', 'iris', file]);
    expect(lines(stdout)).toMatchObject([{ label: [0] }]);
    expect(await nestor(['run', IRIS, `{"features": [[${ROW}]]}`])).toMatchObject({ stdout });
  });

  it('refuses a picture where none is declared', async () => {
    expect(await nestor(['run', IRIS, THREE])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not JSON, and model "model" declares no picture/) as string,
    });
  });
});

describe('nestor run with rows', () => {
  it('answers each row, in order, and goes on where it was interrupted', async () => {
    writeFileSync(csv, ['a,b,c,d', ...rows(3000)].join('\n'));
    expect(await nestor(['run', IRIS, csv, '--out', `${out}1`])).toMatchObject({
      code: 0,
      stderr: '3000 rows\n',
    });
    const whole = readFileSync(`${out}1`, 'utf8');
    expect(lines(whole)).toHaveLength(3000);
    const alone = await nestor(['run', IRIS, '{"features": [[5.1, 3.5, 1.4, 2.999]]}']);
    const [answer] = lines(alone.stdout) as [{ label: number[]; probabilities: number[][] }];
    expect(lines(whole)[2999]).toEqual({ label: answer.label[0], probabilities: answer.probabilities[0] });
    // In the middle of a line.
    writeFileSync(`${out}1`, whole.slice(0, 5000));
    const again = await nestor(['run', IRIS, csv, '--out', `${out}1`]);
    expect(again.stderr).toMatch(/^29\d\d rows, after \d+ that were there\n$/);
    expect(readFileSync(`${out}1`, 'utf8')).toBe(whole);
    expect(await nestor(['run', IRIS, csv, '--out', `${out}1`])).toMatchObject({ code: 0 });
    expect(readFileSync(`${out}1`, 'utf8')).toBe(whole);
  });

  it('takes a table that the model declares, with columns in any order or without a header', async () => {
    writeFileSync(csv, `petal_width,sepal_length,sepal_width,petal_length\n0.2,5.1,3.5,1.4\n`);
    const { stdout } = await nestor(['run', 'iris', csv]);
    expect(lines(stdout)).toMatchObject([{ species: [{ label: 'setosa' }, {}, {}] }]);
    writeFileSync(csv, `${ROW}\n`);
    expect(await nestor(['run', 'iris', csv])).toMatchObject({ code: 0, stdout });
  });

  it('takes NDJSON, of tensors and of what is declared', async () => {
    const file = join(folder, 'rows.ndjson');
    writeFileSync(file, `{"features": [${ROW}]}\n\n{"features": [${ROW}]}\n`);
    const { stdout } = await nestor(['run', IRIS, file]);
    expect(lines(stdout)).toMatchObject([{ label: 0 }, { label: 0 }]);
    const b64 = readFileSync(THREE).toString('base64');
    writeFileSync(file, `${JSON.stringify({ picture: { b64 } })}\n`.repeat(2));
    const pictures = await nestor(['run', 'digits', file]);
    expect(lines(pictures.stdout)).toMatchObject([
      { digit: [{ label: '3' }, {}, {}] },
      { digit: [{}, {}, {}] },
    ]);
  });

  it('runs rows one by one where they meddle with each other', async () => {
    writeModel(folder, 'coupled', rowsDependentModel(), { version: '1' });
    const names = await nestor(['inspect', join(folder, 'coupled', '1', 'model.onnx'), '--json']);
    const { model } = JSON.parse(names.stdout) as {
      model: {
        inputs: { name: string }[];
        example: Record<string, unknown[]>;
        batching: { enabled: boolean };
      };
    };
    expect(model.batching.enabled).toBe(false);
    const input = model.inputs[0]!.name;
    const row = model.example[input]![0] as number[];
    const file = join(folder, 'coupled.ndjson');
    const requests = [1, 2, 3].map((times) => ({ [input]: [row.map((value) => (value + 1) * times)] }));
    writeFileSync(file, requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
    const { stdout } = await nestor(['run', join(folder, 'coupled'), file]);
    for (const [i, request] of requests.entries()) {
      const alone = await nestor(['run', join(folder, 'coupled'), JSON.stringify(request)]);
      expect(`${stdout.split('\n')[i]}\n`).toBe(alone.stdout);
    }
  });

  it('keeps texts and 64-bit integers as they are', async () => {
    writeModel(folder, 'integers', identityModel('INT64', ['N', 2]));
    writeModel(folder, 'texts', identityModel('BYTES', ['N', 2]));
    writeFileSync(csv, 'a,b\n9007199254740993,-1\n');
    const integers = await nestor(['run', folder, '--model', 'integers', csv]);
    expect(integers.stdout).toMatch(/\["?9007199254740993"?,-1\]/);
    writeFileSync(csv, 'a,b\n"ü, ""quoted"",\n two lines",x\n');
    const texts = await nestor(['run', folder, '--model', 'texts', csv]);
    expect(Object.values(lines(texts.stdout)[0]!)).toEqual([['ü, "quoted",\n two lines', 'x']]);
  });

  it.each<[string, string, RegExp]>([
    ['a cell that is no number', `a,b,c,d\n${ROW}\n1,2,x,4`, /row 2, column "c": expected a number, got "x"/],
    ['a row that is too short', `${ROW}\n1,2`, /row 2: has 2 cells for 4 columns/],
    ['too many columns', 'a,b,c,d,e\n1,2,3,4,5', /The file has 5 columns, and "features" takes 4/],
    ['a row far behind', `${`${ROW}\n`.repeat(2000)}1,2,3,y`, /row 2001, column "4": expected a number/],
  ])('refuses %s by its place', async (_, text, message) => {
    writeFileSync(csv, text);
    const { code, stderr } = await nestor(['run', IRIS, csv]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('refuses to go on behind the answers of another file', async () => {
    writeFileSync(csv, `${ROW}\n`);
    writeFileSync(`${out}2`, '{}\n{}\n');
    const { code, stderr } = await nestor(['run', IRIS, csv, '--out', `${out}2`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/answers for 2 rows, and the file has 1/);
  });

  it('leaves whole lines when it is interrupted, and goes on from there', async () => {
    const all = rows(5000);
    const running = new RunningCommand(['run', IRIS, '-', '--as', 'csv', '--out', `${out}3`]);
    // The rest is still to come, and its last line is cut.
    running.process.stdin?.write(`${all.slice(0, 3500).join('\n')}\n5.1,3.`);
    await until('some are answered', () => existsSync(`${out}3`) && readFileSync(`${out}3`).length > 0);
    running.process.kill('SIGINT');
    expect(await running.ended).toBe(130);
    expect(running.stderr).toMatch(/interrupted, the same command goes on from here/);
    const first = readFileSync(`${out}3`, 'utf8');
    expect(first.endsWith('}\n')).toBe(true);
    writeFileSync(csv, all.join('\n'));
    await nestor(['run', IRIS, csv, '--out', `${out}3`]);
    const { stdout } = await nestor(['run', IRIS, csv]);
    expect(readFileSync(`${out}3`, 'utf8')).toBe(stdout);
    expect(stdout.startsWith(first)).toBe(true);
  });

  it('ends without a word when its reader has seen enough', async () => {
    const running = new RunningCommand(['run', IRIS, '-', '--as', 'csv']);
    running.process.stdin?.on('error', () => undefined);
    running.process.stdout?.once('data', () => {
      running.process.stdout?.destroy();
      running.process.stdin?.end(`${rows(3000).join('\n')}\n`);
    });
    running.process.stdin?.write(`${rows(3000).join('\n')}\n`);
    expect(await running.ended).toBe(0);
    expect(running.stderr).toBe('');
  });
});

describe('nestor run against a server', () => {
  let server: TestServer;
  const at = (): string[] => ['--url', `${server.url}/api`, '--key', KEY];
  beforeAll(async () => {
    server = await startServer({ API_KEY: KEY });
  });
  afterAll(() => server.stop());

  it('gives the same answers', async () => {
    writeFileSync(csv, [HEADER, ...rows(3000)].join('\n'));
    const here = await nestor(['run', 'iris', csv]);
    expect(await nestor(['run', 'iris', csv, ...at()])).toEqual(here);
    const picture = await nestor(['run', 'digits', THREE]);
    expect(await nestor(['run', 'digits', THREE, ...at()])).toEqual(picture);
    const request = `{"features": [[${ROW}]]}`;
    expect(await nestor(['run', 'iris', request, ...at()])).toEqual(await nestor(['run', 'iris', request]));
  });

  it('is what the types of an example were made from', async () => {
    const types = readFileSync(join(MODELS, '..', 'examples/next/lib/models.ts'), 'utf8');
    const printed = await nestor(['types', `${server.url}/api`, '--key', KEY]);
    expect(printed.stdout.replace(server.url, 'http://localhost:8000')).toBe(types);
  });

  it('says by its exit code what went wrong', async () => {
    expect(await nestor(['run', 'irsi', '{}', ...at()])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no model "irsi"/) as string,
    });
    expect((await nestor(['run', 'iris', '{}', '--url', `${server.url}/api`])).code).not.toBe(0);
    writeFileSync(csv, `${HEADER}\n${ROW}\n1,x,3,4\n`);
    expect(await nestor(['run', 'iris', csv, ...at()])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/row 2, column "sepal_width"/) as string,
    });
  });

  it('asks again while the server is busy', async () => {
    let calls = 0;
    const tensor = (name: string): object => ({ name, datatype: 'FP32', shape: [-1, 1] });
    const model = { inputs: [tensor('x')], outputs: [tensor('y')], batching: { enabled: true } };
    const busy = createServer((req, res) => {
      res.setHeader('content-type', 'application/json');
      if (req.method === 'GET') res.end(JSON.stringify(model));
      else if (++calls === 1)
        res.writeHead(503, { 'retry-after': '0' }).end('{"code":"overloaded","message":"later"}');
      else res.end('{"result":{"y":[[1]]}}');
    }).listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const url = `http://127.0.0.1:${(busy.address() as AddressInfo).port}/api`;
    const { code, stdout } = await nestor(['run', 'm', '{"x": [[1]]}', '--url', url]);
    busy.closeAllConnections();
    busy.close();
    expect({ code, stdout, calls }).toEqual({ code: 0, stdout: '{"y":[[1]]}\n', calls: 2 });
  });

  it('ends, and can be gone on with, when the server dies', async () => {
    const mortal = await startServer({ WORKERS: '0' });
    const args = ['run', 'iris', '-', '--as', 'csv', '--out', `${out}4`, '--url', `${mortal.url}/api`];
    const running = new RunningCommand(args);
    running.process.stdin?.on('error', () => undefined);
    running.process.stdin?.write(`${HEADER}\n${rows(5000).join('\n')}\n`);
    await until('some are answered', () => existsSync(`${out}4`) && readFileSync(`${out}4`).length > 0);
    mortal.process.kill('SIGKILL');
    running.process.stdin?.end(`${rows(5000).join('\n')}\n`);
    expect(await running.ended).toBe(1);
    expect(running.stderr).toMatch(/does not answer/);
    writeFileSync(csv, [HEADER, ...rows(5000)].join('\n'));
    expect(await nestor(['run', 'iris', csv, ...at(), '--out', `${out}4`])).toMatchObject({ code: 0 });
    expect(readFileSync(`${out}4`, 'utf8')).toBe((await nestor(['run', 'iris', csv])).stdout);
  });
});
