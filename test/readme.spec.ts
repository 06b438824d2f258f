import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './helpers/model-folder';
import { describeWith } from './helpers/requirements-of-tests';
import { freePort, startServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

const read = (path: string): string => readFileSync(join(__dirname, '..', path), 'utf8');
const README = read('README.md');
/** Its first section has a server of its own: of one file, which is not among the shipped models. */
const [FIRST_MINUTE = ''] = /^## A model of yours in sixty seconds\n[^]*?(?=^## )/m.exec(README) ?? [];
const ROOT = join(__dirname, '..');
const IRIS = join(ROOT, 'models/iris/1/model.onnx');
/** Those whose calls go to one server that has the shipped models. */
const DOCUMENTS = [
  'README.md',
  'docs/metrics.md',
  'docs/migrating.md',
  'docs/models.md',
  'docs/open-inference.md',
  'docs/pipelines.md',
];
const SERVER = 'localhost:8000';
/** Runs can differ in the last digits from one processor to another. */
const DIGITS = 4;

interface Block {
  language: string;
  text: string;
}

/** The code blocks, in order. */
function blocks(document: string): Block[] {
  return [...document.matchAll(/^```(\w*)\n([^]*?)\n```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** Calls of the server, each with the answer that stands below it, if one does. */
function calls(document: string): { command: string; printed: string | undefined }[] {
  const all = blocks(document);
  return all.flatMap(({ language, text }, i) => {
    // What has to be fetched first is run by fetched-models.spec.
    const isFetched = text.startsWith('python ');
    if (language !== 'sh' || !text.includes(SERVER) || isFetched) return [];
    const next = all[i + 1];
    const printed = next?.text.startsWith('{') ? next.text : undefined;
    return [{ command: text, printed }];
  });
}

/** What differs from one call to the next is left out, and numbers that are not whole are rounded. */
function comparable(text: string): unknown {
  const answer = JSON.parse(text) as Record<string, unknown>;
  delete answer.processing_time;
  delete answer.requestId;
  return JSON.parse(JSON.stringify(answer), (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(DIGITS)) : value,
  ) as unknown;
}

async function runIn(folder: string, command: string): Promise<string> {
  // An answer with an error status ends the command with one.
  writeFileSync(join(folder, '.curlrc'), 'fail\nsilent\nshow-error\n');
  const { stdout } = await promisify(execFile)('bash', ['-ec', `set -o pipefail\n${command}`], {
    env: { PATH: process.env.PATH, CURL_HOME: folder },
    cwd: folder,
  });
  return stdout;
}

describeWith('curl', 'the first minute with the README', () => {
  const folder = temporaryFolder('first-minute');
  const port = freePort();
  const served: ChildProcess[] = [];
  // Long after a session thread, or a worker, has started.
  afterAll(() => served.forEach((child) => child.kill()));

  it('serves a file, says what it takes, and answers', async () => {
    copyFileSync(IRIS, join(folder, 'model.onnx'));
    const start = blocks(FIRST_MINUTE).find(({ text }) => text.startsWith('npx nestor '))?.text ?? '';
    const args = start.split(' ').slice(2);
    const env = { ...process.env, PORT: String(await port), HOST: '127.0.0.1', WORKERS: '1', LOG_DIR: '' };
    const child = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], { cwd: folder, env });
    served.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(`it is ready\n${said}`, () => Promise.resolve(said.includes('is ready at')));
    const [shown, ...answered] = calls(FIRST_MINUTE);
    const here = (command = ''): Promise<string> =>
      port.then((at) => runIn(folder, command.replaceAll(SERVER, `127.0.0.1:${at}`)));
    const { example } = JSON.parse(await here(shown?.command)) as { example: object };
    expect(Object.keys(example)).toEqual(['features']);
    expect(answered.length).toBeGreaterThan(0);
    for (const { command, printed } of answered)
      expect(comparable(await here(command))).toEqual(comparable(printed ?? ''));
  });
});

describeWith('curl', 'the README', () => {
  const home = temporaryFolder('home');
  let server: TestServer;
  beforeAll(async () => {
    // What a newcomer has before him when he runs them.
    symlinkSync(join(__dirname, '..', 'models'), join(home, 'models'));
    server = await startServer();
  });

  const run = (command: string): Promise<string> => runIn(home, command);

  it('has calls with answers', () => {
    expect(calls(README).filter(({ printed }) => printed !== undefined).length).toBeGreaterThanOrEqual(2);
    expect(README).not.toMatch(/@\w+_ANSWER@/);
  });

  const everyCall = DOCUMENTS.flatMap((path) =>
    calls(read(path).replace(FIRST_MINUTE, '')).map(
      ({ command, printed }) => [path, command.split('\n')[0], command, printed] as const,
    ),
  );
  it.each(everyCall)(
    'and the documents have calls that work: %s, %s',
    async (_path, _line, command, printed) => {
      const answer = await run(command.replaceAll(SERVER, `127.0.0.1:${server.port}`));
      if (printed !== undefined) expect(comparable(answer)).toEqual(comparable(printed));
    },
  );

  it('shows an error as it is', async () => {
    const shown = blocks(README).find(({ text }) => text.startsWith('{"statusCode":400'))?.text ?? '{}';
    const { body } = await server.post('/api/inference/iris', { features: [[1, 2, 3]] });
    expect(comparable(JSON.stringify(body))).toEqual(comparable(shown));
  });
});
