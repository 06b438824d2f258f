import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { readArguments } from './arguments';
import { type Command, EXIT, UsageError } from './command';

const MB = 1024 ** 2;
const PACKAGE = join(__dirname, '..', '..');

/** What nothing reads at run time of the packages that this one needs. */
export const prune: Command = {
  summary: 'remove binaries of other systems, source maps and builds for bundlers from node_modules',
  help: `Usage: nestor prune [--platform <name>] [--arch <name>] [--dry-run]

Packages such as ONNX Runtime's hold their library for every system, some 300 MB. This removes those of all but one:
the system it runs on, or the one named as Node names it (linux, darwin, win32; x64, arm64). Of the packages that Nestor
needs, source maps and the builds that only bundlers read, some 35 MB, go as well. \`npm install\` brings all of it back.

Examples:
  nestor prune
  nestor prune --dry-run
  nestor prune --platform linux --arch arm64`,

  run(args, output) {
    const { values } = readArguments(args, {
      options: {
        platform: { type: 'string', default: process.platform },
        arch: { type: 'string', default: process.arch },
        'dry-run': { type: 'boolean', default: false },
      },
    });
    const wanted = `${values.platform}/${values.arch}`;
    const packages = packagesNeeded();
    const runtimes = runtimeFolders(packages.get('onnxruntime-node'));
    if (!runtimes.some(({ system }) => system === wanted)) {
      const known = runtimes.map(({ system }) => system).join(', ');
      throw new UsageError(`There is no runtime for ${wanted} here, but for ${known}; nothing was removed.`);
    }
    let freedBytes = 0;
    const remove = (path: string): number => {
      const sizeBytes = sizeOf(path);
      freedBytes += sizeBytes;
      if (!values['dry-run']) rmSync(path, { recursive: true });
      return sizeBytes;
    };
    for (const { system, path } of [...runtimes, ...tokenizerFiles(packages.get('tokenizers'))])
      if (system !== wanted)
        output.out(`${megabytes(remove(path)).padStart(7)}  ${relative(process.cwd(), path)}`);
    for (const [what, pathsOf] of [
      ['source maps', sourceMaps],
      ['builds for bundlers', bundlerBuilds],
    ] as const) {
      let bytes = 0;
      for (const path of [...packages.values()].flatMap(pathsOf)) bytes += remove(path);
      output.out(`${megabytes(bytes).padStart(7)}  ${what}`);
    }
    output.out(`${megabytes(freedBytes).padStart(7)}  ${values['dry-run'] ? 'would be freed' : 'freed'}`);
    return Promise.resolve(EXIT.done);
  },
};

interface Binaries {
  /** `<platform>/<arch>` */
  readonly system: string;
  readonly path: string;
}

/** `bin/<N-API version>/<platform>/<arch>/` */
function runtimeFolders(folder: string | undefined): Binaries[] {
  if (folder === undefined) return [];
  return entriesOf(join(folder, 'bin')).flatMap((version) =>
    entriesOf(version).flatMap((platform) =>
      entriesOf(platform).map((path) => ({ system: `${basename(platform)}/${basename(path)}`, path })),
    ),
  );
}

/** `tokenizers.<platform>-<arch>[-<C library>].node`; ONNX Runtime's library for Linux knows glibc alone. */
function tokenizerFiles(folder: string | undefined): Binaries[] {
  return entriesOf(folder ?? '').flatMap((path) => {
    const [, platform, arch, library] =
      /^tokenizers\.(\w+)-(\w+)(?:-(\w+))?\.node$/.exec(basename(path)) ?? [];
    if (platform === undefined) return [];
    return [{ system: library === 'musl' ? 'musl' : `${platform}/${arch}`, path }];
  });
}

/** The folders of the packages that this one needs, and of what those need in turn. */
function packagesNeeded(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const waiting = [PACKAGE];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const name of dependenciesOf(folder)) {
      const path = installed(name, folder);
      if (path === undefined || [...found.values()].includes(path)) continue;
      // The same name at another version lies in a folder of its own.
      found.set(found.has(name) ? path : name, path);
      waiting.push(path);
    }
  }
  return found;
}

function dependenciesOf(folder: string): string[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string> | undefined>;
  return Object.keys({ ...dependencies, ...optionalDependencies });
}

/** As Node looks for it, in `node_modules` of the folder and of those above; pnpm has links there. */
function installed(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return realpathSync(path);
    if (at === dirname(at)) return undefined;
  }
}

/** Packages inside the package are packages by themselves. */
function sourceMaps(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourceMaps(path);
    return entry.isFile() && /\.[cm]?(?:js|ts|css)\.map$/.test(entry.name) ? [path] : [];
  });
}

/**
 * The folders that bundlers find by fields of `package.json` which Node does not know. With `exports`, or where the folder
 * that Node reads lies within, nothing can be told from the fields alone.
 */
function bundlerBuilds(folder: string): string[] {
  const fields = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  if (fields.exports !== undefined) return [];
  const folderOf = (file: unknown): string =>
    dirname(join(folder, typeof file === 'string' ? file : 'index.js'));
  const main = folderOf(fields.main);
  return [...new Set(['module', 'es2015', 'esnext'].map((field) => folderOf(fields[field])))].filter(
    (build) => !`${main}${sep}`.startsWith(`${build}${sep}`) && existsSync(build),
  );
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function sizeOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return entriesOf(path).reduce((sum, entry) => sum + sizeOf(entry), 0);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`;
}
