// npm run test:chaos -- [--seconds 300] [--rate 150] [--seed 1234] [--json figures.json] [--log server.log]
const { spawnSync } = require('node:child_process');
const { join, resolve } = require('node:path');
const { parseArgs } = require('node:util');

const string = { type: 'string' };
const { values } = parseArgs({
  options: {
    seconds: { ...string, default: '300' },
    rate: { ...string, default: '150' },
    seed: string,
    json: string,
    log: string,
  },
});
/** As the user meant it, who may have called npm elsewhere. */
const path = (file) => (file === undefined ? '' : resolve(process.env.INIT_CWD ?? '.', file));
const root = join(__dirname, '..', '..');
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const { status } = spawnSync(process.execPath, [jest, 'test/chaos.spec.ts', '--verbose'], {
  cwd: root,
  env: {
    ...process.env,
    CHAOS_SECONDS: values.seconds,
    CHAOS_RATE: values.rate,
    CHAOS_SEED: values.seed ?? '',
    CHAOS_JSON: path(values.json),
    CHAOS_LOG: path(values.log),
  },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
