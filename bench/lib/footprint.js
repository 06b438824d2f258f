const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { cpuMs } = require('./cpu');
const { closedLoop } = require('./measure');
const { isThere } = require('./models');
const { pssMb } = require('./memory');
const { short } = require('./numbers');
const { Peer } = require('./peers');
const { MODELS, WORKS } = require('./works');

const NAMES = ['bare', 'nestor'];
const CLIENTS = 8;
const TIMES = { settleMs: 0, windowMs: 700 };
/** What was taken for requests alone has been given back by then. */
const REST_MS = 2000;

/**
 * What a start takes of CPU and what a server takes of memory when each of its models has run, by number of workers.
 * Each has the same models, those that others made included.
 */
async function measureFootprint(generator, { footprintWorkers, ...options }, workspace) {
  if (footprintWorkers.length === 0) return [];
  console.log('\nMemory and start');
  const modelDir = path.join(workspace, 'models');
  const works = MODELS.filter(({ model }) => isThere(modelDir, model)).map(({ model }) => WORKS.get(model));
  const start = (name, workers) =>
    Peer.start(name, { ...options, workers, modelDir, workspace: path.join(workspace, `${name}-footprint`) });
  // The first start prepares large models, which is not what the next ones do.
  await (await start('nestor', 1)).stop();
  const results = [];
  for (const workers of footprintWorkers) {
    for (const name of NAMES) {
      const peer = await start(name, workers);
      const startCpuMs = cpuMs(peer.pids);
      for (const work of works) await closedLoop(generator, peer, work, CLIENTS, TIMES);
      await sleep(REST_MS);
      const pss = pssMb(peer.pids);
      await peer.stop();
      console.log(
        `  ${workers} workers ${name.padEnd(7)} start ${short(startCpuMs)} ms of CPU, ${short(pss)} MB`,
      );
      results.push({ workers, name, startCpuMs, pssMb: pss });
    }
  }
  return results;
}

module.exports = { measureFootprint };
