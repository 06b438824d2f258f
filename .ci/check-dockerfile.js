/**
 * Rehearses the Dockerfile where there is no container engine: runs each stage's own steps in an empty folder that
 * stands in for the root of the image, then starts, probes and stops what came out.
 *
 *   node scripts/check-dockerfile.js           takes a minute or two and needs the package registry
 *   node scripts/check-dockerfile.js --print   shows the stages as JSON
 */
const { spawnSync } = require('node:child_process');
const { chmodSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { readContext } = require('./check-dockerfile.context');
const { parseDockerfile } = require('./check-dockerfile.parser');
const { inside, rehearse } = require('./check-dockerfile.rehearsal');
const { checkBinaries, tryOut } = require('./check-dockerfile.trial');

async function main() {
  const project = dirname(__dirname);
  const stages = parseDockerfile(readFileSync(join(project, 'Dockerfile'), 'utf8'));
  if (process.argv.includes('--print')) {
    console.log(JSON.stringify(stages, undefined, 2));
    return;
  }
  const log = (line) => console.log(line);
  const workFolder = mkdtempSync(join(tmpdir(), 'nestor-image-'));
  const cleanUp = () => removeFolder(workFolder);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (cleanUp(), process.exit(1)));
  try {
    chmodSync(workFolder, 0o755); // the image's user has to find its way in
    const image = rehearse(stages, readContext(project), workFolder, log);
    checkBinaries(image);
    log(`trial of ${image.command.join(' ')} as user ${image.user}, ${sizeMb(inside(image, '.'))} MB`);
    await tryOut(image, log);
    log('Dockerfile: ok');
  } finally {
    cleanUp();
  }
}

function sizeMb(folder) {
  return parseInt(spawnSync('du', ['-sm', folder], { encoding: 'utf8' }).stdout, 10);
}

function removeFolder(folder) {
  spawnSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
}

main().catch((error) => {
  console.error(`Dockerfile: ${error.message}`);
  process.exitCode = 1;
});
