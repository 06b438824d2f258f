import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './helpers/model-folder';
import { isSet } from './helpers/requirements-of-tests';
import { freePort, MODELS } from './helpers/server';
import { until } from './helpers/until';

const ROOT = join(__dirname, '..');
const EXAMPLES = join(ROOT, 'examples');
/** Compressors differ by some bytes. */
const MAX_PACKED_BYTES = 500 * 1024;
/** What a program sees of the package leads to no more of its inside than this. */
const MAX_DECLARATIONS = 25;
/** On disk, by `du`, with all that it needs, after `nestor prune`. */
const MAX_PRUNED_BYTES = 150 * 1024 ** 2;
const PICTURE = join(MODELS, 'digits/three.png');
const INSTALL_MS = 180_000;
const IRIS = JSON.stringify({ features: [[5.1, 3.5, 1.4, 0.2]] });

interface Manifest {
  name: string;
  version: string;
}

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

const home = temporaryFolder('package');
const modules = join(home, 'node_modules');
const started = new Set<ChildProcess>();
let packed: Packed;

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-package.js')]);
  packed = pack(ROOT);
  writeFileSync(join(home, 'package.json'), '{"private": true}\n');
  // A true install takes half a minute: on a developer's machine, what the package needs is linked from the clone.
  if (isSet(process.env.CI)) install(join(home, packed.filename));
  else link(join(home, packed.filename));
}, INSTALL_MS);

afterAll(() => {
  for (const child of started) killGroup(child, 'SIGKILL');
});

function pack(folder: string): Packed {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', home];
  const [first] = JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8' })) as Packed[];
  return first!;
}

function install(tarball: string): void {
  const args = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball];
  execFileSync('npm', args, { cwd: home, stdio: 'pipe' });
}

function link(tarball: string): void {
  mkdirSync(join(modules, '.bin'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.') && name !== 'nestor')
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'nestor'));
  symlinkSync('../nestor/dist/cli/main.js', join(modules, '.bin/nestor'));
  // As npm does with what `bin` names.
  chmodSync(join(modules, 'nestor/dist/cli/main.js'), 0o755);
}

/** For compilers: they, and what only the examples need, are no part of the package. */
function linkForPrograms(): void {
  const names = ['typescript', 'express', 'fastify', 'reflect-metadata', 'rxjs', 'undici-types'];
  for (const scope of ['@types', '@nestjs']) {
    mkdirSync(join(modules, scope), { recursive: true });
    // Some of a scope may be there, as the package needs them.
    names.push(...readdirSync(join(ROOT, 'node_modules', scope)).map((name) => join(scope, name)));
  }
  for (const name of names)
    if (!existsSync(join(modules, name))) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
}

function compile(project: string, ...args: string[]): Promise<string> {
  const tsc = createRequire(__filename).resolve('typescript/bin/tsc');
  return promisify(execFile)(process.execPath, [tsc, '-p', project, ...args], { cwd: home }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}

/** What it started as well, as a terminal does; `npx` is but the first of them. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All are gone.
  }
}

/** A program that serves until it is stopped. */
class Serving {
  output = '';
  readonly ended: Promise<number | null>;

  constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {
    started.add(child);
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  async post(path: string, body: string | Buffer, contentType = 'application/json'): Promise<unknown> {
    const url = `http://127.0.0.1:${this.port}${path}`;
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': contentType }, body });
    return { status: answer.status, body: await answer.json() };
  }

  async ready(path: string): Promise<void> {
    await until(`it serves\n${this.output}`, async () => {
      await fetch(`http://127.0.0.1:${this.port}${path}`);
      return true;
    });
  }

  async stop(): Promise<number | null> {
    killGroup(this.child, 'SIGTERM');
    const code = await this.ended;
    await until('nobody listens any more', async () =>
      fetch(`http://127.0.0.1:${this.port}/`).then(
        () => false,
        () => true,
      ),
    );
    return code;
  }
}

async function serving(command: string, args: string[], cwd: string): Promise<Serving> {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    MODEL_DIR: MODELS,
    HOST: '127.0.0.1',
    WORKERS: '1',
    LOG_DIR: '',
  };
  return new Serving(
    spawn(command, args, { cwd, env: { ...env, PORT: String(port) }, detached: true }),
    port,
  );
}

describe('the package', () => {
  it('is small, and holds what it needs and nothing else', () => {
    expect(packed.size).toBeLessThan(MAX_PACKED_BYTES);
    const paths = packed.files.map(({ path }) => path);
    const kinds = new Set(paths.map((path) => path.split('/')[0]));
    const expected = ['LICENSE', 'NOTICE', 'README.md', 'dist', 'models', 'package.json', 'site'];
    expect([...kinds].sort()).toEqual(expected);
    expect(paths.filter((path) => /\.(map|spec\.js|tsbuildinfo)$/.test(path))).toEqual([]);
    const declarations = paths.filter((path) => path.endsWith('.d.ts'));
    expect(declarations).toContain('dist/index.d.ts');
    expect(declarations.length).toBeLessThan(MAX_DECLARATIONS);
  });

  it('names files that are there', () => {
    const { bin, exports, main, types } = JSON.parse(
      readFileSync(join(modules, 'nestor/package.json'), 'utf8'),
    ) as { bin: { nestor: string }; exports: { '.': Record<string, string> }; main: string; types: string };
    for (const file of [bin.nestor, main, types, ...Object.values(exports['.'])])
      expect(existsSync(join(modules, 'nestor', file))).toBe(true);
    expect(readFileSync(join(modules, 'nestor', bin.nestor), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('serves by npx, infers and stops', async () => {
    const server = await serving('npx', ['--no-install', 'nestor', 'serve'], home);
    await server.ready('/api/health/live');
    await until(
      'it is ready',
      async () => (await fetch(`http://127.0.0.1:${server.port}/api/health/ready`)).ok,
    );
    expect(await server.post('/api/inference/iris', IRIS)).toMatchObject({
      status: 200,
      body: { result: { label: [0] } },
    });
    expect(
      (await fetch(`http://127.0.0.1:${server.port}/`, { headers: { accept: 'text/html' } })).status,
    ).toBe(200);
    expect(await server.stop()).not.toBe(1);
  });

  it.each([
    ['CommonJS', 'program.cjs', `const { createNestor, NestorModule } = require('nestor');`],
    ['ES modules', 'program.mjs', `import { createNestor, NestorModule } from 'nestor';`],
  ])('is imported from %s', async (_, file, head) => {
    writeFileSync(
      join(home, file),
      `${head}
async function run() {
  const nestor = await createNestor({ modelDir: ${JSON.stringify(MODELS)}, modelNames: ['iris'] });
  const { outputs } = await nestor.infer('iris', ${IRIS});
  await nestor.close();
  console.log(typeof NestorModule.forRoot, JSON.stringify(outputs.label));
}
run();
`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: home });
    expect(stdout.trim().split('\n').at(-1)).toBe('function [0]');
  });
});

describe('programs in TypeScript', () => {
  beforeAll(linkForPrograms);

  it('see what the package has, typed, and are told what it does not have', async () => {
    const options = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] };
    writeFileSync(
      join(home, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['program.mts'] }),
    );
    writeFileSync(
      join(home, 'program.mts'),
      `import { createNestor, DomainError, InjectModel, type LocalTensor, type Model, NestorModule } from 'nestor';
interface Models {
  iris: { inputs: { features: number[][] }; outputs: { label: number[] } };
  digits: {
    inputs: { image: number[][][] };
    outputs: { probabilities: number[][] };
    declared: { inputs: { picture: Uint8Array }; outputs: { digit: { label: string }[] } };
  };
}
const nestor = await createNestor<Models>({ modelDir: 'models', maxResidentModels: 3 });
const label: number | undefined = (await nestor.infer('iris', { features: [[1]] })).outputs.label[0];
const features: LocalTensor = { data: new Float32Array(4), shape: [1, 4] };
const tensor: LocalTensor = (await nestor.infer('iris', { features })).outputs.label;
const picture = new Uint8Array();
const one: string | undefined = (await nestor.infer('digits', { picture, top_k: 1 })).outputs.digit[0]?.label;
const two: string | undefined = (await nestor.infer('digits', { picture: [picture] })).outputs.digit[0]?.[0]?.label;
const iris: Model<Models['iris']['inputs'], Models['iris']['outputs']> = nestor.model('iris');
const states: string[] = (await nestor.models()).map(({ state }) => state);
// @ts-expect-error: no such model
await nestor.infer('irsi', { features: [[1]] });
// @ts-expect-error: no such input
await nestor.infer('iris', { feature: [[1]] });
// @ts-expect-error: no such option
await createNestor({ modeldir: 'models' });
// @ts-expect-error: a server's option
await createNestor({ port: 8000 });
export { DomainError, InjectModel, iris, label, NestorModule, one, states, tensor, two };
`,
    );
    expect(await compile('tsconfig.json')).toBe('');
  });

  describe('of examples/', () => {
    const place = (name: string): string => join(home, name);
    const picture = readFileSync(join(MODELS, 'digits', 'three.png'));

    beforeAll(async () => {
      const names = ['express', 'fastify', 'nest', 'next'];
      for (const name of names) cpSync(join(EXAMPLES, name), place(name), { recursive: true });
      const emitted = [
        '--noEmit',
        'false',
        '--outDir',
        'next/dist',
        '--module',
        'nodenext',
        '--moduleResolution',
        'nodenext',
      ];
      const faults = await Promise.all(
        names.map((name) => compile(name, ...(name === 'next' ? emitted : []))),
      );
      expect(faults).toEqual(['', '', '', '']);
    }, 60_000);

    it.each(['express', 'fastify'])('%s answers a picture, and has the calls of Nestor', async (name) => {
      const app = await serving(process.execPath, ['dist/server.js'], place(name));
      await app.ready('/');
      expect(await app.post('/digit', picture, 'image/png')).toMatchObject({
        status: 200,
        body: [{ label: '3' }],
      });
      expect(await app.post('/digit', 'no picture', 'image/png')).toMatchObject({
        status: 400,
        body: { code: 'invalid_image' },
      });
      expect(await app.post('/ml/inference/iris', IRIS)).toMatchObject({ body: { result: { label: [0] } } });
      expect(await app.stop()).toBe(0);
    });

    it('nest injects a model by its name, and answers faults by their status', async () => {
      const app = await serving(process.execPath, ['dist/main.js'], place('nest'));
      await app.ready('/');
      const flower = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
      expect(await app.post('/flowers', JSON.stringify(flower))).toMatchObject({
        status: 200,
        body: { label: 'setosa' },
      });
      expect(await app.post('/flowers', '{"sepal_length": 5.1}')).toMatchObject({
        status: 400,
        body: { code: 'invalid_table' },
      });
      expect(await app.post('/ml/inference/iris', IRIS)).toMatchObject({ body: { result: { label: [0] } } });
      await app.stop();
    });

    it('next has a route that takes a request of the web and answers one', async () => {
      const program = `
        const { readFileSync } = require('node:fs');
        const { POST } = require('./dist/app/api/digits/route.js');
        const { nestor } = require('./dist/lib/nestor.js');
        const request = (body) => new Request('http://localhost/api/digits', { method: 'POST', body });
        (async () => {
          const good = await POST(request(readFileSync(${JSON.stringify(join(MODELS, 'digits', 'three.png'))})));
          const bad = await POST(request('no picture'));
          console.log(JSON.stringify([good.status, (await good.json()).label, bad.status, (await bad.json()).code]));
          await (await nestor()).close();
        })();`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program], {
        cwd: place('next'),
        env: { PATH: process.env.PATH, MODEL_DIR: MODELS },
      });
      expect(stdout).toContain('[200,"3",400,"invalid_image"]');
    });
  });
});

describe('publishing', () => {
  it.each(['.', 'packages/client'])('of %s goes through, dry', (folder) => {
    const cwd = join(ROOT, folder);
    const args = ['publish', '--dry-run', '--ignore-scripts', '--json', '--tag', 'dry-run'];
    const printed = execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const { name, version } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) as Manifest;
    // Some versions of npm print it under the name.
    const said = JSON.parse(printed) as Manifest & Record<string, Manifest>;
    expect((said[name] ?? said).version).toBe(version);
  });
});

// What is linked from a clone is not this spec's to remove: test/prune.spec.ts has a folder of its own for that.
(isSet(process.env.CI) ? describe : describe.skip)('nestor prune', () => {
  it('leaves what the package needs, which is small', async () => {
    const bin = join(modules, 'nestor/dist/cli/main.js');
    await promisify(execFile)(process.execPath, [bin, 'prune'], { cwd: home });
    // The compilers and examples that other tests have put here are links.
    const kilobytes = Number(execFileSync('du', ['-sk', modules], { encoding: 'utf8' }).split('\t')[0]);
    expect(kilobytes * 1024).toBeLessThan(MAX_PRUNED_BYTES);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [bin, 'run', MODELS, '--model', 'digits', PICTURE],
      {
        cwd: home,
      },
    );
    expect(stdout).toContain('{"label":"3"');
  });
});
