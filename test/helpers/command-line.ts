import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(__dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of the built `nestor` to its end. */
export async function nestor(args: readonly string[], cwd = ROOT): Promise<Outcome> {
  const most = { cwd, maxBuffer: 64 * 1024 ** 2 };
  return promisify(execFile)(process.execPath, [MAIN, ...args], most).then(
    (said) => ({ code: 0, ...said }),
    (error: Outcome) => error,
  );
}

/**
 * Runs commands one after another in one process, in which Nestor need be loaded but once. What `nestor run` writes to
 * standard output goes to a file and is read from there.
 */
export class CommandLine {
  private readonly child = fork(join(__dirname, 'run-commands.js'), { cwd: ROOT, stdio: 'pipe' });

  async run(args: readonly string[]): Promise<Outcome> {
    this.child.send(args);
    const [outcome] = (await once(this.child, 'message')) as [Outcome];
    return outcome;
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

/** A command that goes on while the spec does: its pipes are the spec's. */
export class RunningCommand {
  stderr = '';
  readonly process: ChildProcess;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>;

  /** @param preload a script that runs before it, with what else it is told */
  constructor(args: readonly string[], cwd = ROOT, preload?: string, environment: NodeJS.ProcessEnv = {}) {
    const before = preload === undefined ? [] : ['--require', join(__dirname, preload)];
    const env = { ...process.env, ...environment };
    this.process = spawn(process.execPath, [...before, MAIN, ...args], { cwd, env });
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(this.process, 'close').then(
      ([code, signal]: (number | string | null)[]) => signal ?? code ?? 0,
    );
  }
}
