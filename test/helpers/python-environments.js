/**
 * Virtual environments of Python with packages, each made once and kept for the next time: in PYTHON_ENVIRONMENTS, or in
 * node_modules/.cache. `node test/helpers/python-environments.js <python3>` makes those that the specs ask for, which CI
 * does while it waits for other things; it needs no package, and what goes wrong is for the specs to say.
 */
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');
const PLACE = process.env.PYTHON_ENVIRONMENTS ?? join(ROOT, 'node_modules', '.cache');
const INSTALL_MS = 300_000;
const OF_SPECS = [
  'test/clients/requirements.txt',
  'test/clients/requirements-openai.txt',
  'test/kubernetes/requirements.txt',
  'test/pull/requirements.txt',
  'scripts/requirements-models.txt',
];
const OPTIONS = [
  '--quiet',
  '--no-compile',
  '--disable-pip-version-check',
  // Without a network a developer wants to know soon; in CI it is there, and may falter.
  '--retries',
  ['', '0', 'false', undefined].includes(process.env.CI) ? '1' : '5',
  '--timeout',
  '20',
];

/**
 * The Python of an environment that has these packages.
 * @param requirements path of a file for `pip install -r`
 * @returns its path; an Error that says why it could not be made, as without a network
 */
function pythonWith(python3, requirements) {
  const key = createHash('sha256').update(python3).update(readFileSync(requirements)).digest('hex');
  const folder = join(PLACE, `python-${key.slice(0, 16)}`);
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  mkdirSync(PLACE, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const error =
    run(python3, ['-m', 'venv', folder]) ??
    run(python, ['-m', 'pip', 'install', ...OPTIONS, '-r', requirements]);
  if (error !== undefined) return error;
  writeFileSync(complete, '');
  return python;
}

function run(program, args) {
  const { status, error, stderr } = spawnSync(program, args, { timeout: INSTALL_MS, encoding: 'utf8' });
  if (status === 0) return undefined;
  return new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}

module.exports = { pythonWith };

if (require.main === module) {
  const [python3] = process.argv.slice(2);
  for (const name of OF_SPECS) {
    const made = pythonWith(python3, join(ROOT, name));
    if (made instanceof Error) console.error(made.message);
  }
}
