/**
 * Makes of a build what is published: node scripts/build-package.js
 *
 * Declarations: the compiler writes one for every file that the package's entry leads to, some four hundred. What a program
 * sees of it is what the entry's own declaration names, and what those name in turn; these alone go to `dist`.
 *
 * Code: it loses its indentation and the name of a source map that is not published, a twentieth of the tarball. Lines stay
 * lines, so that a stack trace leads to where it did.
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
const ts = require('typescript');

const root = join(__dirname, '..');
const dist = join(root, 'dist');

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

function trimCode() {
  for (const path of readdirSync(dist, { recursive: true })) {
    if (!path.endsWith('.js')) continue;
    const file = join(dist, path);
    const before = readFileSync(file, 'utf8');
    const after = trimmed(before);
    if (after === before) continue;
    // At one stroke: somebody may be starting a server from it.
    writeFileSync(`${file}.new`, after);
    renameSync(`${file}.new`, file);
  }
}

/** Spaces at the start of a line mean something within a text alone. */
function trimmed(code) {
  const source = ts.createSourceFile('code.js', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const texts = [];
  const visit = (node) => {
    if (ts.isLiteralExpression(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node)) {
      if (code.slice(node.pos, node.end).includes('\n')) texts.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return code
    .replace(/^[ \t]+/gm, (spaces, at) => (texts.some(({ pos, end }) => pos < at && at < end) ? spaces : ''))
    .replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n');
}

buildDeclarations();
trimCode();
