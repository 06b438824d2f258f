/**
 * Builds the declarations of the package: node scripts/build-types.js
 *
 * The compiler writes one for every file that the package's entry leads to, some four hundred. What a program sees of it
 * is what the entry's own declaration names, and what those name in turn; these alone go to `dist`.
 */
const { execFileSync } = require('node:child_process');
const { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join, relative, resolve } = require('node:path');

const root = join(__dirname, '..');
const built = mkdtempSync(join(tmpdir(), 'nestor-types-'));

try {
  const tsc = require.resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', built], {
    stdio: 'inherit',
  });
  for (const file of reachable(join(built, 'index.d.ts'))) {
    const target = join(root, 'dist', relative(built, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
} finally {
  rmSync(built, { recursive: true });
}

/** The declarations that one names, itself included. */
function reachable(entry) {
  const found = new Set([entry]);
  for (const file of found) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g,
    )) {
      const declaration = resolve(dirname(file), `${path.replace(/\.js$/, '')}.d.ts`);
      if (!existsSync(declaration))
        throw new Error(`${relative(built, file)} names ${path}, which is not there`);
      found.add(declaration);
    }
  }
  return found;
}
