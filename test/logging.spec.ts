import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LogSink, WORKER_STDIO } from '../src/telemetry/logging/log-sink';
import type { LogWork } from './helpers/log-worker';

const HELPERS = join(__dirname, 'helpers');

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nestor-log-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

function openSink(fileMaxBytes: number): LogSink {
  const limits = { fileMaxBytes, filesKept: 100 };
  const stdoutFd = openSync(join(dir, 'stdout'), 'a');
  const stderrFd = openSync(join(dir, 'stderr'), 'a');
  return new LogSink(
    {
      level: 'info',
      format: 'json',
      dir: join(dir, 'logs'),
      access: true,
      slowRequestMs: 1000,
      service: 'scores',
      ...limits,
    },
    { stdoutFd, stderrFd },
  );
}

/** Forks workers as the primary does and waits until they have ended. */
async function runWorkers(sink: LogSink, tasks: LogWork[]): Promise<ChildProcess[]> {
  const children = tasks.map((task) => {
    const child = fork(join(HELPERS, 'log-worker.ts'), {
      stdio: [...WORKER_STDIO],
      execArgv: ['-r', join(HELPERS, 'ts-require.js')],
    });
    sink.attach(child, task.worker);
    child.send(task);
    return child;
  });
  await Promise.all(children.map((child) => once(child, 'exit')));
  await sink.close();
  return children;
}

interface LoggedLine {
  level: string;
  requestId: string;
  worker: number;
  pid: number;
  msg: string;
}

/** All lines of a log file and of its compressed predecessors; throws when one is torn. */
function linesOf(name: 'app' | 'access' | 'error'): LoggedLine[] {
  return filesOf(name)
    .map((file) => readFileSync(join(dir, 'logs', file)))
    .map((bytes, index) => (filesOf(name)[index]?.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => JSON.parse(line) as LoggedLine);
}

function filesOf(name: string): string[] {
  return readdirSync(join(dir, 'logs')).filter((file) => file.startsWith(`${name}.log`));
}

function consoleLines(): string[] {
  return readFileSync(join(dir, 'stdout'), 'utf8').trimEnd().split('\n');
}

describe('the log of four workers', () => {
  const workers = [1, 2, 3, 4];
  const linesEach = 10_000;

  it('holds each of 40,000 lines once and whole through several rotations', async () => {
    const sink = openSink(262_144);
    await runWorkers(
      sink,
      workers.map((worker) => ({ worker, lines: linesEach, ending: 'close' })),
    );

    const written = workers.flatMap((worker) =>
      Array.from({ length: linesEach }, (_, index) => `${worker}.${index}`),
    );
    const app = linesOf('app');
    const access = linesOf('access');
    expect(app).toHaveLength(8_000);
    expect(access).toHaveLength(32_000);
    expect(new Set([...app, ...access].map((line) => line.requestId))).toEqual(new Set(written));
    expect(
      linesOf('error')
        .map((line) => line.requestId)
        .sort(),
    ).toEqual(written.filter((id) => Number(id.split('.')[1]) % 50 === 0).sort());
    expect(filesOf('access').length).toBeGreaterThan(5);
    expect(filesOf('app').length).toBeGreaterThan(3);
    expect(consoleLines()).toHaveLength(40_000);
  });
});

describe('the log of a worker that ends', () => {
  it('keeps what was logged just before process.exit', async () => {
    const sink = openSink(1_048_576);
    await runWorkers(sink, [{ worker: 7, lines: 100, ending: 'exit' }]);
    expect(linesOf('access')).toHaveLength(80);
    expect(linesOf('app')).toHaveLength(20);
  });

  it('tells the text of its crash on stderr and, as error lines with its pid, in the files', async () => {
    const sink = openSink(1_048_576);
    const [child] = await runWorkers(sink, [{ worker: 7, lines: 100, ending: 'crash' }]);
    expect(linesOf('access')).toHaveLength(80);
    expect(readFileSync(join(dir, 'stderr'), 'utf8')).toContain('Error: worker 7 crashes');
    const told = linesOf('error').find((line) => line.msg.includes('Error: worker 7 crashes'));
    expect(told).toMatchObject({ level: 'error', service: 'scores', worker: 7, pid: child?.pid });
  });
});
