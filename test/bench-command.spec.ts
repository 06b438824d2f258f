import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { temporaryFolder } from './helpers/model-folder';
import { descendantsOf, isAlive } from './helpers/processes';
import { MODELS, startServer } from './helpers/server';
import { until } from './helpers/until';

const CLI = join(__dirname, '..', 'dist', 'cli', 'main.js');
/** In which at least one request is answered, on a slow machine as well: none is a failure. */
const SECONDS = '1';
const IRIS = join(MODELS, 'iris', '1', 'model.onnx');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Figures {
  readonly requests_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly failed: object;
}

interface Report {
  readonly load: readonly (Figures & { connections: number })[];
  readonly runtime_alone: Figures | null;
}

interface TuneReport {
  readonly trials: readonly { keys: Record<string, number> }[];
  readonly cut_short: boolean;
  readonly best_throughput: { model_yaml: string };
}

describe('nestor bench', () => {
  const home = temporaryFolder('bench');
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, HOME: home, TMPDIR: home, WORKERS: '1' };

  async function bench(...args: string[]): Promise<Outcome> {
    return promisify(execFile)(process.execPath, [CLI, 'bench', ...args], { cwd: home, env }).then(
      (said) => ({ code: 0, ...said }),
      (error: Outcome) => error,
    );
  }

  it.each<[string, string[], RegExp]>([
    ['no model', [], /takes one model/],
    ['a model that is not there', [MODELS, '--model', 'irsi'], /no model "irsi".*there are: digits, iris/],
    ['a folder of several', [MODELS], /Give --model; there are: digits, iris/],
    ['a file of another kind', [join(MODELS, 'README.md')], /neither a model folder nor an .onnx file/],
    ['no number', [IRIS, '--connections', '1,x'], /--connections must be whole numbers above 0.*got "x"/],
    ['no time', [IRIS, '--seconds', '0'], /--seconds must be a number above 0/],
    ['no address', ['iris', '--url', 'localhost'], /--url must be an address/],
    [
      'tuning of a server that runs',
      ['iris', '--url', 'http://localhost', '--tune'],
      /does not go with --url/,
    ],
  ])('refuses %s, with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await bench(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('measures a file on a server of its own beside the runtime alone, and leaves nothing', async () => {
    const svg = join(home, 'iris.svg');
    const { code, stdout } = await bench(
      IRIS,
      '--connections',
      '1,3',
      '--seconds',
      SECONDS,
      '--json',
      '--svg',
      svg,
    );
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.load.map(({ connections }) => connections)).toEqual([1, 3]);
    for (const figures of [...report.load, report.runtime_alone!]) {
      expect(figures.requests_per_second).toBeGreaterThan(0);
      expect(figures.p50_ms).toBeLessThanOrEqual(figures.p99_ms);
      expect(figures.failed).toEqual({});
    }
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*3 connections.*runtime alone.*<\/svg>\n$/s);
    expect(readdirSync(home)).toEqual(['iris.svg']);
  });

  it('measures a server that runs, and shows a table', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris' });
    const url = `${server.url}/api`;
    const { code, stdout } = await bench('iris', '--url', url, '--connections', '2', '--seconds', SECONDS);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^iris 1, 1 s each\n\n +requests\/s +p50 +p95 +p99\n2 connections +[\d.,]+ +[\d.]+ ms/,
    );
    const wrong = await bench('irsi', '--url', url);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('There is no model "irsi"')]);
    await server.stop();
  });

  it('tries what model.yaml can say, as long as it may, and keeps the rest of it', async () => {
    const args = ['--seconds', SECONDS, '--max-seconds', '1', '--connections', '4', '--tune', '--json'];
    const { code, stdout, stderr } = await bench(MODELS, '--model', 'iris', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) as string });
    const report = JSON.parse(stdout) as TuneReport;
    expect(report.trials[0]?.keys).toEqual({});
    expect(report.cut_short).toBe(true);
    const yaml = parse(report.best_throughput.model_yaml) as Record<string, unknown>;
    expect(yaml).toHaveProperty('description');
    expect(readdirSync(home)).toEqual(['iris.svg']);
  });

  it('that is interrupted stops its server and leaves nothing', async () => {
    const args = [CLI, 'bench', MODELS, '--model', 'iris', '--tune', '--seconds', '60'];
    const command: ChildProcess = spawn(process.execPath, args, { cwd: home, env, stdio: 'pipe' });
    let said = '';
    command.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    let started: number[] = [];
    await until('its server has a worker', () => {
      started = descendantsOf(command.pid!);
      return started.length >= 2;
    });
    const ended = once(command, 'close');
    command.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    expect(said).toMatch(/interrupted/);
    expect(started.filter(isAlive)).toEqual([]);
    expect(readdirSync(home)).toEqual(['iris.svg']);
  });
});
