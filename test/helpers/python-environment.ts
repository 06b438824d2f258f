import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isSet } from './requirements-of-tests';

const CACHE = join(__dirname, '..', '..', 'node_modules', '.cache');
const INSTALL_MS = 300_000;

/**
 * The Python of a virtual environment that has these packages. It is kept in node_modules/.cache for the next time.
 * @param requirements path of a file for `pip install -r`
 * @returns its path; an Error that says why it could not be made, as without a network
 */
export function pythonWith(python3: string, requirements: string): string | Error {
  const key = createHash('sha256').update(python3).update(readFileSync(requirements)).digest('hex');
  const folder = join(CACHE, `python-${key.slice(0, 16)}`);
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  mkdirSync(CACHE, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const options = [
    '--quiet',
    '--no-compile',
    '--disable-pip-version-check',
    // Without a network a developer wants to know soon; in CI it is there, and may falter.
    '--retries',
    isSet(process.env.CI) ? '5' : '1',
    '--timeout',
    '20',
  ];
  const error =
    run(python3, ['-m', 'venv', folder]) ??
    run(python, ['-m', 'pip', 'install', ...options, '-r', requirements]);
  if (error !== undefined) return error;
  writeFileSync(complete, '');
  return python;
}

/** The tests of a `describe` that need a Python with these packages; see {@link pythonWith}. With CI set they have to be there. */
export function withPackages(python3: string, requirements: string, tests: (python: string) => void): void {
  const python = pythonWith(python3, requirements);
  if (typeof python === 'string') {
    tests(python);
  } else if (isSet(process.env.CI)) {
    it(`has the packages of ${basename(requirements)}`, () => {
      throw python;
    });
  } else {
    describe.skip(`(skipped: the packages of ${basename(requirements)} cannot be installed)`, () =>
      tests(python3));
  }
}

function run(program: string, args: readonly string[]): Error | undefined {
  const { status, error, stderr } = spawnSync(program, args, { timeout: INSTALL_MS, encoding: 'utf8' });
  if (status === 0) return undefined;
  return new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}
