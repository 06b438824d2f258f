import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggingConfig } from '../../config/slices';
import { LogSink, WORKER_STDIO } from './log-sink';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nestor-sink-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

function openSink(settings: Partial<LoggingConfig> = {}): LogSink {
  const logging: LoggingConfig = {
    level: 'info',
    format: 'json',
    dir,
    fileMaxBytes: 1_048_576,
    filesKept: 5,
    access: true,
    slowRequestMs: 1000,
    service: 'scores',
    ...settings,
  };
  return new LogSink(logging, {
    stdoutFd: openSync(join(dir, 'stdout'), 'a'),
    stderrFd: openSync(join(dir, 'stderr'), 'a'),
  });
}

const read = (name: string) => readFileSync(join(dir, name), 'utf8');

const INFO =
  '{"level":"info","time":"2026-01-02T03:04:05.678Z","pid":1,"msg":"fine {\\"level\\":\\"error\\"}"}\n';
const ERROR = '{"level":"error","time":"2026-01-02T03:04:05.678Z","pid":1,"msg":"bad"}\n';
const FATAL = '{"level":"fatal","time":"2026-01-02T03:04:05.678Z","pid":1,"msg":"worse"}\n';
const ACCESS =
  '{"level":"info","time":"2026-01-02T03:04:05.678Z","requestId":"abc","method":"GET","path":"/docs","status":200,"ms":1.250,"in":0,"out":5,"pid":1}\n';

/** Lets a child print as a worker would and waits until it has ended and the sink has closed. */
async function runChild(sink: LogSink, script: string): Promise<number | undefined> {
  const child = spawn(process.execPath, ['-e', script], { stdio: [...WORKER_STDIO] });
  sink.attach(child, 2);
  await once(child, 'exit');
  await sink.close();
  return child.pid;
}

describe('LogSink', () => {
  it('writes application lines to the console and app.log, from level error on to error.log as well', async () => {
    const sink = openSink();
    sink.app(Buffer.from(INFO + ERROR));
    sink.app(Buffer.from(FATAL + INFO));
    await sink.close();
    expect(read('stdout')).toBe(INFO + ERROR + FATAL + INFO);
    expect(read('app.log')).toBe(INFO + ERROR + FATAL + INFO);
    expect(read('error.log')).toBe(ERROR + FATAL);
  });

  it('writes access lines to the console and access.log', async () => {
    const sink = openSink();
    sink.access(Buffer.from(ACCESS));
    await sink.close();
    expect(read('stdout')).toBe(ACCESS);
    expect(read('access.log')).toBe(ACCESS);
    expect(read('app.log')).toBe('');
  });

  it('writes to the console alone, without a word, when it has no folder', async () => {
    const sink = openSink({ dir: undefined });
    sink.app(Buffer.from(ERROR));
    sink.access(Buffer.from(ACCESS));
    await sink.close();
    expect(read('stdout')).toBe(ERROR + ACCESS);
  });

  it('serves the console, after one warning, when the folder is not writable', async () => {
    const sink = openSink({ dir: join(dir, 'stdout', 'logs') });
    sink.app(Buffer.from(ERROR));
    sink.access(Buffer.from(ACCESS));
    await sink.close();
    const lines = read('stdout').trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      level: 'warn',
      service: 'scores',
      msg: 'log files are switched off',
    });
  });

  it('makes lines readable on the console, and keeps JSON in the files', async () => {
    const sink = openSink({ format: 'pretty' });
    sink.app(Buffer.from(ERROR.replace('"msg"', '"context":"ModelsService","model":"iris","msg"')));
    sink.access(Buffer.from(ACCESS));
    await sink.close();
    const [application, access] = read('stdout').split('\n');
    expect(application).toMatch(/^\[\d\d:\d\d:\d\d\.678\] ERROR: ModelsService: bad {"model":"iris"}$/);
    expect(access).toMatch(/INFO: GET \/docs 200 1\.25 ms \(abc\)$/);
    expect(read('access.log')).toBe(ACCESS);
  });

  it("wraps what a worker's libraries print past the logger", async () => {
    const sink = openSink();
    const pid = await runChild(
      sink,
      `console.log('plain "text"'); console.log(${JSON.stringify(INFO.trim())})`,
    );
    const [wrapped, own] = read('app.log').split('\n');
    expect(JSON.parse(wrapped ?? '')).toMatchObject({
      level: 'info',
      service: 'scores',
      pid,
      worker: 2,
      msg: 'plain "text"',
    });
    expect(`${own}\n`).toBe(INFO);
  });

  it("keeps a worker's stderr as text on stderr and as error lines in the files", async () => {
    const sink = openSink();
    const pid = await runChild(sink, `process.stderr.write('terminate called\\nno end')`);
    expect(read('stderr')).toBe('terminate called\nno end');
    expect(read('stdout')).toBe('');
    expect(read('app.log')).toBe(read('error.log'));
    const lines = read('error.log').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'error', service: 'scores', pid, worker: 2, msg: 'terminate called' },
      { level: 'error', service: 'scores', pid, worker: 2, msg: 'no end' },
    ]);
  });

  it('tells of a line that a dying worker did not end, and leaves none torn', async () => {
    const sink = openSink();
    const half = ACCESS.slice(0, 40);
    await runChild(sink, `require('fs').writeSync(3, ${JSON.stringify(ACCESS + half)})`);
    expect(read('access.log')).toBe(ACCESS);
    expect(JSON.parse(read('app.log'))).toMatchObject({
      level: 'warn',
      service: 'scores',
      msg: 'a log line was cut off',
      head: half,
    });
  });

  it('refuses a worker whose pipes are missing', () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
    expect(() => openSink({ dir: undefined }).attach(child, 1)).toThrow('WORKER_STDIO');
  });
});
