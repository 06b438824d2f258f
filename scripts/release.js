/**
 * Makes a version: node scripts/release.js 0.2.0
 *
 * Writes it into both packages and the lock file, and gives what stands under "Unreleased" in the changelog its number and
 * day. Nothing is committed; what is left to do is said at the end.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const MANIFESTS = ['package.json', 'packages/client/package.json'];
const UNRELEASED = '## [Unreleased]\n';

function release(root, version, day) {
  const path = (file) => join(root, file);
  const { version: before } = JSON.parse(readFileSync(path('package.json'), 'utf8'));
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Error(`${version} is no version such as 0.2.0`);
  if (!isAfter(version, before)) throw new Error(`${version} does not come after ${before}`);

  const changelog = readFileSync(path('CHANGELOG.md'), 'utf8');
  const [head, rest] = changelog.split(UNRELEASED);
  const changes = rest?.split(/^## /m)[0].trim() ?? '';
  if (changes === '') throw new Error('CHANGELOG.md has nothing under "Unreleased"');
  writeFileSync(path('CHANGELOG.md'), `${head}${UNRELEASED}\n## [${version}] - ${day}\n${rest}`);

  for (const file of MANIFESTS) {
    const text = readFileSync(path(file), 'utf8');
    writeFileSync(path(file), text.replace(/("version": ")[^"]+/, `$1${version}`));
  }
  const lock = JSON.parse(readFileSync(path('package-lock.json'), 'utf8'));
  lock.version = version;
  lock.packages[''].version = version;
  writeFileSync(path('package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
}

/** By https://semver.org: a version with a suffix comes before the one without. */
function isAfter(version, before) {
  const numbers = (text) => text.split('-')[0].split('.').map(Number);
  const [a, b] = [numbers(version), numbers(before)];
  const at = a.findIndex((number, i) => number !== b[i]);
  if (at !== -1) return a[at] > b[at];
  return before.includes('-') && (!version.includes('-') || version > before);
}

module.exports = { release };

if (require.main === module) {
  const [version = ''] = process.argv.slice(2);
  try {
    release(join(__dirname, '..'), version, new Date().toISOString().slice(0, 10));
    console.log(`Look at the changes, then:
  git commit -am "Release ${version}" && git tag v${version} && git push origin main v${version}
The tag has .github/workflows/publish.yml publish both packages.`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
