// npm run conformance -- <folder>...: the cases of these folders in place of the ones in test/fixtures/conformance.
const { spawnSync } = require('node:child_process');
const { join, resolve } = require('node:path');

const root = join(__dirname, '..', '..');
const folders = process.argv.slice(2).map((folder) => resolve(process.env.INIT_CWD ?? '.', folder));
const env = folders.length > 0 ? { CONFORMANCE_FOLDERS: JSON.stringify(folders) } : {};
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const { status } = spawnSync(process.execPath, [jest, 'test/conformance.spec.ts', '--verbose'], {
  cwd: root,
  env: { ...process.env, ...env },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
