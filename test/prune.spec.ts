import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './helpers/model-folder';

const ROOT = join(__dirname, '..');
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

const app = temporaryFolder('prune');
const modules = join(app, 'node_modules');
const bin = join(modules, 'nestor/dist/cli/main.js');

const RUNTIME = 'onnxruntime-node/bin/napi-v6';
/** Every file that is there before, and whether it stays on Linux with x64. */
const FILES: Record<string, boolean> = {
  [`${RUNTIME}/linux/x64/libonnxruntime.so.1`]: true,
  [`${RUNTIME}/linux/arm64/libonnxruntime.so.1`]: false,
  [`${RUNTIME}/win32/x64/onnxruntime.dll`]: false,
  'tokenizers/tokenizers.linux-x64-gnu.node': true,
  'tokenizers/tokenizers.linux-x64-musl.node': false,
  'tokenizers/tokenizers.darwin-arm64.node': false,
  'rxjs/index.js': true,
  'rxjs/index.js.map': false,
  'rxjs/index.d.ts': true,
  'rxjs/site.map': true,
  // What a dependency needs, at a version of its own.
  'rxjs/node_modules/below/index.cjs.map': false,
  'below/index.js.map': true,
  // What only bundlers read, and what Node may read as well.
  'cockatiel/dist/index.js': true,
  'cockatiel/esm/index.js': false,
  'helmet/index.mjs': true,
  'jose/esm/index.js': true,
  // Of the application, not of this package.
  'theirs/index.js.map': true,
  // As pnpm lays packages out.
  '.pnpm/yaml@2/node_modules/yaml/index.js.map': false,
  '.pnpm/yaml@2/node_modules/linked/index.js.map': false,
};

beforeAll(() => {
  cpSync(join(ROOT, 'dist'), join(modules, 'nestor/dist'), { recursive: true });
  cpSync(realpathSync(join(ROOT, 'node_modules/tslib')), join(modules, 'tslib'), { recursive: true });
  for (const file of Object.keys(FILES)) {
    mkdirSync(dirname(join(modules, file)), { recursive: true });
    writeFileSync(join(modules, file), file);
  }
  symlinkSync('.pnpm/yaml@2/node_modules/yaml', join(modules, 'yaml'));
  const manifest = (folder: string, needs: readonly string[] = [], fields: object = {}): void =>
    writeFileSync(
      join(modules, folder, 'package.json'),
      JSON.stringify({
        version: '1.0.0',
        engines: { node: '>=20' },
        dependencies: Object.fromEntries(needs.map((name) => [name, '1.0.0'])),
        ...fields,
      }),
    );
  manifest('nestor', Object.keys(dependencies));
  manifest('rxjs', ['below', 'rxjs']);
  manifest('.pnpm/yaml@2/node_modules/yaml', ['linked']);
  for (const folder of ['onnxruntime-node', 'tokenizers', 'rxjs/node_modules/below', 'below', 'theirs'])
    manifest(folder);
  manifest('.pnpm/yaml@2/node_modules/linked');
  manifest('cockatiel', [], { main: 'dist/index.js', module: './esm/index.js' });
  manifest('helmet', [], { main: 'cjs/index.js', module: 'index.mjs' });
  manifest('jose', [], { module: 'esm/index.js', exports: { import: './esm/index.js' } });
});

function prune(...args: string[]): string {
  const system = ['--platform', 'linux', '--arch', 'x64'];
  return execFileSync(process.execPath, [bin, 'prune', ...system, ...args], { cwd: app, encoding: 'utf8' });
}

const there = (): Record<string, boolean> =>
  Object.fromEntries(Object.keys(FILES).map((file) => [file, existsSync(join(modules, file))]));

it('removes nothing for a system that there is no runtime for', () => {
  const { status, stderr } = spawnSync(process.execPath, [bin, 'prune', '--arch', 'mips'], {
    cwd: app,
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/no runtime for \w+\/mips here, but for linux\/\w+, .*nothing was removed/);
  expect(Object.values(there())).not.toContain(false);
});

it('says what it would remove, and removes nothing when it is asked to say it', () => {
  expect(prune('--dry-run')).toMatch(
    /win32\/x64\n[^]*source maps\n[^]*builds for bundlers\n[^]*would be freed\n$/,
  );
  expect(Object.values(there())).not.toContain(false);
});

it("removes other systems' binaries, and of what the package needs the source maps and what bundlers read, and nothing else", () => {
  expect(prune()).toMatch(/freed\n$/);
  expect(there()).toEqual(FILES);
});
