/**
 * `npm start`: builds what is not built, then serves in this same process, so that signals reach the server directly.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');

const project = join(__dirname, '..');
const dist = join(project, 'dist');
const entry = join(dist, 'main.js');
const nestCli = join(project, 'node_modules/@nestjs/cli/bin/nest.js');

async function start() {
  if (!existsSync(join(project, 'node_modules/@nestjs/core')))
    fail('the dependencies are missing; run `npm ci` first');
  if (isStale()) await build();
  process.argv[1] = entry; // what node:cluster starts as a worker, and what a process list shows
  require(entry);
}

/** Is something the build reads newer than what it wrote? In an image or a package there are no sources: never. */
function isStale() {
  if (!existsSync(entry)) return true;
  const builtMs = statSync(entry).mtimeMs;
  return sources().some((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > builtMs);
}

/** Folders are among them: theirs is the time when a file was removed or renamed. */
function sources() {
  const src = join(project, 'src');
  if (!existsSync(src)) return [];
  const inSrc = readdirSync(src, { recursive: true }).filter((name) => !name.endsWith('.spec.ts'));
  const settings = readdirSync(project).filter((name) => /^(nest-cli|package|tsconfig.*)\.json$/.test(name));
  return [src, ...inSrc.map((name) => join(src, name)), ...settings.map((name) => join(project, name))];
}

/**
 * Builds beside `dist` and puts the result in its place when it is whole: two starts at once do not disturb each other,
 * and one that is interrupted leaves the last build as it was.
 */
async function build() {
  if (!existsSync(nestCli)) fail('there is no build, and no Nest CLI to make one; run `npm ci` first');
  const output = `dist-${process.pid}`;
  const settings = `node_modules/.cache/nestor-${process.pid}.json`;
  const temporary = [output, `${output}-old`, settings].map((name) => join(project, name));
  const cleanUp = () => temporary.forEach((path) => rmSync(path, { recursive: true, force: true }));
  mkdirSync(join(project, 'node_modules/.cache'), { recursive: true });
  writeFileSync(
    join(project, settings),
    JSON.stringify({ extends: '../../tsconfig.build.json', compilerOptions: { outDir: `../../${output}` } }),
  );
  process.once('exit', cleanUp);
  console.error('nestor: building');
  const outcome = await runNest(['build', '--path', settings]);
  if (outcome !== 0) fail(`the build failed (${outcome}); see above`);
  replaceDist(join(project, output), `${join(project, output)}-old`);
  process.off('exit', cleanUp);
  cleanUp();
}

/** Resolves to the exit code. A signal meant for this process ends the build, then this process. */
async function runNest(args) {
  const child = spawn(process.execPath, [nestCli, ...args], { cwd: project, stdio: 'inherit' });
  const stop = (signal) => {
    child.kill(signal);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  const [code, signal] = await once(child, 'exit');
  for (const name of ['SIGINT', 'SIGTERM']) process.off(name, stop);
  return code ?? signal;
}

function replaceDist(built, aside) {
  if (existsSync(dist)) renameSync(dist, aside);
  try {
    renameSync(built, dist);
  } catch (error) {
    if (!existsSync(entry)) throw error; // else another start was quicker, with the same sources
  }
}

function fail(reason) {
  console.error(`nestor: ${reason}`);
  process.exit(1);
}

start().catch((error) => fail(error.message));
