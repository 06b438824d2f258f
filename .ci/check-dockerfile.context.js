const { cpSync, existsSync, readFileSync } = require('node:fs');
const { join, relative } = require('node:path');

/**
 * The build context: every path of the project but those that `.dockerignore` leaves out. The
 * last pattern that matches a path, or a folder above it, decides.
 * https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
function readContext(project) {
  const file = join(project, '.dockerignore');
  const rules = existsSync(file) ? parseRules(readFileSync(file, 'utf8')) : [];

  /** Is this project-relative path in the context? */
  function includes(path) {
    let included = true;
    for (const { pattern, keeps } of rules) if (pattern.test(path)) included = keeps;
    return included;
  }

  /** Copies a file or folder of the context to `target`. */
  function copy(path, target) {
    if (!includes(path)) throw new Error(`not in the build context: ${path}`);
    cpSync(join(project, path), target, {
      recursive: true,
      filter: (source) => includes(relative(project, source)),
    });
  }
  return { project, includes, copy };
}

function parseRules(text) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const keeps = line.startsWith('!');
      return { keeps, pattern: globPattern(line.slice(keeps ? 1 : 0).replace(/^\/|\/$/g, '')) };
    });
}

/** `**` stands for any folders, `*` and `?` stay within a name; what lies under a match matches too. */
function globPattern(glob) {
  const source = glob
    .split('/')
    .map((part) =>
      part === '**'
        ? '**'
        : part
            .replace(/[.+^${}()|\\]/g, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll('**', '.*');
  return new RegExp(`^${source}(?:/|$)`);
}

module.exports = { readContext };
