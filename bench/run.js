/**
 * npm run bench [-- options]: measures this server beside its floors and writes tables and plots.
 * `npm run bench -- --help` tells the options, README.md what the figures mean.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { measureGenerator, measureRuntime } = require('./lib/floors');
const { measureFootprint } = require('./lib/footprint');
const { Generator } = require('./lib/generator');
const { describeMachine } = require('./lib/machine');
const { writeModels } = require('./lib/models');
const { readOptions } = require('./lib/options');
const { Peer } = require('./lib/peers');
const { Rounds } = require('./lib/rounds');
const { summarize } = require('./lib/summary');
const { writeReport } = require('./lib/report');

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (!fs.existsSync(path.join(options.dist, 'main.js')))
    throw new Error('The server is not built: npm run build first, or name its folder in --dist.');
  if (options.micro) runMicro(options);
  else await run(options);
}

/** Each prints its own figures. */
function runMicro({ dist }) {
  const folder = path.join(__dirname, 'micro');
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    console.log(`\n== ${file}`);
    execFileSync(process.execPath, [path.join(folder, file), dist], { stdio: 'inherit' });
  }
}

async function run(options) {
  const workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-bench-'));
  const modelDir = path.join(workspace, 'models');
  const generator = new Generator(options.generators);
  const rounds = new Rounds(generator, options, workspace);
  const clean = () => fs.rmSync(workspace, { recursive: true, force: true });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      Peer.killAll();
      clean();
      process.exit(130);
    });
  }
  try {
    const machine = describeMachine(options);
    fs.mkdirSync(modelDir);
    writeModels(modelDir, options.fetched);
    console.log('The load generator against a server that does nothing');
    const own = await measureGenerator(generator, options, workspace);
    const runtime = options.runtime ? await measureRuntime(options, modelDir) : [];
    await rounds.run();
    const footprint = await measureFootprint(generator, options, workspace);
    writeReport(options.out, summarize({ options, machine, own, runtime, rounds, footprint }));
  } finally {
    await generator.stop();
    clean();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
