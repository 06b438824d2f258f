/** Builds both kinds of module: node packages/client/build.js */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compile = (...options) =>
  execFileSync(process.execPath, [tsc, '-p', folder, ...options], { stdio: 'inherit' });

rmSync(join(folder, 'dist'), { recursive: true, force: true });
compile('--outDir', join(folder, 'dist/esm'));
compile(
  '--outDir',
  join(folder, 'dist/cjs'),
  '--module',
  'commonjs',
  '--moduleResolution',
  'node10',
  '--ignoreDeprecations',
  '6.0',
);
// The package is of ES modules; this folder is not.
writeFileSync(join(folder, 'dist/cjs/package.json'), '{"type":"commonjs"}\n');
