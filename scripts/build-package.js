/**
 * Makes of a build what is published: node scripts/build-package.js. By it the tarball stays below half a megabyte.
 *
 * Declarations: the compiler writes one for every file that the package's entry leads to, some four hundred. What a program
 * sees of it is what the entry's own declaration names, and what those name in turn; these alone go to `dist`.
 *
 * Code: it loses its white space, the names of local variables and what can be said shorter, a sixth of the tarball. Classes
 * and functions keep their names, so that a stack trace and a line of the log say where they come from, and another thread
 * finds what it is to call. Variables get their names in the same order everywhere, as what is alike in many files is packed
 * once. Exports are not set to nothing before they are set: no files import each other in a circle, so that nobody sees
 * them before. Files of types alone go. The entry is not said shorter: by the form of its exports Node knows what an ES
 * module may import by name.
 */
const { execFileSync } = require('node:child_process');
const {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join, relative, resolve } = require('node:path');
const { minify } = require('terser');

const root = join(__dirname, '..');
const dist = join(root, 'dist');
const ENTRY = 'index.js';
const EMPTY = '"use strict";Object.defineProperty(exports,"__esModule",{value:!0});';
const UNSET = /^(exports\.\w+ = )+void 0;$/m;
const LETTERS = 'etnrsoiaclduhpmfgyvbwxkjzqETNRSOIACLDUHPMFGYVBWXKJZQ_$';

const FORM = {
  ecma: 2020,
  // Each file is a module: nothing at its top level is seen but what it exports.
  toplevel: true,
  keep_classnames: true,
  keep_fnames: true,
  mangle: { nth_identifier: { get: nameOf } },
  format: { comments: false },
};

/** One letter, then two; what is a word of the language, or taken, is left out by who asks. */
function nameOf(index) {
  const letter = LETTERS[index % LETTERS.length];
  const rest = Math.floor(index / LETTERS.length);
  return rest === 0 ? letter : nameOf(rest - 1) + letter;
}

function buildDeclarations() {
  const built = mkdtempSync(join(tmpdir(), 'nestor-types-'));
  try {
    const tsc = require.resolve('typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', built], {
      stdio: 'inherit',
    });
    for (const file of reachable(join(built, 'index.d.ts'))) {
      const target = join(dist, relative(built, file));
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(file, target);
    }
  } finally {
    rmSync(built, { recursive: true });
  }
}

/** The declarations that one names, itself included. */
function reachable(entry) {
  const found = new Set([entry]);
  for (const file of found) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g,
    )) {
      const declaration = resolve(dirname(file), `${path.replace(/\.js$/, '')}.d.ts`);
      if (!existsSync(declaration)) throw new Error(`${file} names ${path}, which is not there`);
      found.add(declaration);
    }
  }
  return found;
}

async function trimCode() {
  for (const path of readdirSync(dist, { recursive: true })) {
    if (!path.endsWith('.js')) continue;
    const file = join(dist, path);
    const before = readFileSync(file, 'utf8');
    const { code: after } =
      path === ENTRY
        ? await minify(before, { ...FORM, compress: false })
        : await minify(before.replace(UNSET, ''), { ...FORM, compress: { passes: 2 } });
    // What is left of a file of types alone: nothing asks for it.
    if (after === EMPTY) rmSync(file);
    else write(file, after);
  }
}

/** At one stroke: somebody may be starting a server from it. */
function write(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

buildDeclarations();
void trimCode();
