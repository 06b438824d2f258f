import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import type { Command } from './command';

const MB = 1024 ** 2;

/** What one system does not need of the packages that bring binaries for all of them. */
export const prune: Command = {
  summary: 'remove the binaries of other systems from node_modules',
  help: `Usage: nestor prune [--platform <name>] [--arch <name>] [--dry-run]

Packages such as ONNX Runtime's hold their library for every system, some 300 MB. This removes those of all but one:
the system it runs on, or the one named as Node names it (linux, darwin, win32; x64, arm64). \`npm install\` brings
them back.

Examples:
  nestor prune
  nestor prune --dry-run
  nestor prune --platform linux --arch arm64`,

  run(args, output) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        platform: { type: 'string', default: process.platform },
        arch: { type: 'string', default: process.arch },
        'dry-run': { type: 'boolean', default: false },
      },
    });
    const wanted = `${values.platform}/${values.arch}`;
    const runtimes = runtimeFolders();
    if (!runtimes.some(({ system }) => system === wanted)) {
      const known = runtimes.map(({ system }) => system).join(', ');
      output.error(`nestor: there is no runtime for ${wanted} here, but for ${known}; nothing was removed`);
      return Promise.resolve(1);
    }
    let freedBytes = 0;
    for (const { system, path } of [...runtimes, ...tokenizerFiles()]) {
      if (system === wanted) continue;
      const sizeBytes = sizeOf(path);
      freedBytes += sizeBytes;
      if (!values['dry-run']) rmSync(path, { recursive: true });
      output.out(`${megabytes(sizeBytes).padStart(7)}  ${relative(process.cwd(), path)}`);
    }
    output.out(`${megabytes(freedBytes).padStart(7)}  ${values['dry-run'] ? 'would be freed' : 'freed'}`);
    return Promise.resolve(0);
  },
};

interface Binaries {
  /** `<platform>/<arch>` */
  readonly system: string;
  readonly path: string;
}

/** `bin/<N-API version>/<platform>/<arch>/` */
function runtimeFolders(): Binaries[] {
  return entriesOf(join(folderOf('onnxruntime-node'), 'bin')).flatMap((version) =>
    entriesOf(version).flatMap((platform) =>
      entriesOf(platform).map((path) => ({ system: `${basename(platform)}/${basename(path)}`, path })),
    ),
  );
}

/** `tokenizers.<platform>-<arch>[-<C library>].node` */
function tokenizerFiles(): Binaries[] {
  return entriesOf(folderOf('tokenizers')).flatMap((path) => {
    const [, platform, arch] = /^tokenizers\.(\w+)-(\w+)(?:-\w+)?\.node$/.exec(basename(path)) ?? [];
    return platform === undefined ? [] : [{ system: `${platform}/${arch}`, path }];
  });
}

/** Empty where the package is not installed. */
function folderOf(name: string): string {
  try {
    return dirname(createRequire(__filename).resolve(`${name}/package.json`));
  } catch {
    return '';
  }
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
