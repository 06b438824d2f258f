/** Is this tag the version of both packages, with its changes in the changelog? node scripts/check-release.js v0.2.0 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

function faultsOf(root, tag) {
  const read = (file) => readFileSync(join(root, file), 'utf8');
  const wanted = tag.replace(/^v/, '');
  const versions = ['package.json', 'packages/client/package.json', 'package-lock.json'].map((file) => [
    file,
    JSON.parse(read(file)).version,
  ]);
  const faults = versions
    .filter(([, version]) => version !== wanted)
    .map(([file, version]) => `${file} is at ${version}, not at ${wanted}`);
  if (!read('CHANGELOG.md').includes(`\n## [${wanted}] - `))
    faults.push(`CHANGELOG.md has no entry for ${wanted}`);
  return faults;
}

module.exports = { faultsOf };

if (require.main === module) {
  const faults = faultsOf(join(__dirname, '..'), process.argv[2] ?? '');
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
