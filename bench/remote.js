/**
 * What a request costs a server in front of another one, beside the model run by itself.
 * node bench/remote.js [rounds] [seconds] [dist folder]
 *
 * Servers with one worker each: `local` runs the models; the others have them as remote models on it, so their CPU
 * is the price of standing in front. In a round they take turns; figures are medians over the rounds.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { cpuMs } = require('./lib/cpu');
const { Generator } = require('./lib/generator');
const { closedLoop, faultOf } = require('./lib/measure');
const { writeModels } = require('./lib/models');
const { median, short } = require('./lib/numbers');
const { Peer } = require('./lib/peers');
const { MODELS, WORKS } = require('./lib/works');

const [rounds = '3', seconds = '2', dist = path.join(__dirname, '../dist')] = process.argv.slice(2);
const WORK_NAMES = ['tiny', 'mlp-bin'];
const CLIENTS = [1, 32];
/** By server: what its model.yaml says besides where the model is. */
const FRONTS = {
  json: 'protocol: v2-json',
  binary: 'protocol: v2-binary',
  // So few calls at once that requests gather.
  batched: 'protocol: v2-binary\nbatching: true\nmax_connections: 2',
};
const WARM_UP = { settleMs: 0, windowMs: 1500 };

async function main() {
  const workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-bench-'));
  const generator = new Generator(1);
  try {
    const servers = await startAll(workspace);
    console.log('work      clients  server    req/s  CPU us  behind us  p50 ms  p99 ms  not answered');
    for (const work of WORK_NAMES.map((name) => WORKS.get(name))) {
      const fault = await faultOf(work, Object.values(servers));
      if (fault !== undefined) throw new Error(`${work.name}: ${fault}`);
      for (const peer of Object.values(servers)) await closedLoop(generator, peer, work, 32, WARM_UP);
      for (const clients of CLIENTS) await measure(generator, servers, work, clients);
    }
  } finally {
    await generator.stop();
    Peer.killAll();
    fs.rmSync(workspace, { recursive: true, force: true });
  }
}

async function startAll(workspace) {
  const start = (name, modelDir) =>
    Peer.start('nestor', { dist, workers: 1, modelDir, workspace: path.join(workspace, name) });
  const folder = path.join(workspace, 'models');
  fs.mkdirSync(folder);
  writeModels(folder);
  const servers = { local: await start('local', folder) };
  for (const [name, yaml] of Object.entries(FRONTS)) {
    const modelDir = path.join(workspace, `models-${name}`);
    for (const { model } of MODELS.filter(({ file }) => file === undefined)) {
      const place = path.join(modelDir, model);
      fs.mkdirSync(place, { recursive: true });
      const url = `http://127.0.0.1:${servers.local.port}`;
      fs.writeFileSync(path.join(place, 'model.yaml'), `runtime: remote\nurls: ${url}\n${yaml}\n`);
    }
    servers[name] = await start(name, modelDir);
  }
  return servers;
}

/** One line for each server. */
async function measure(generator, servers, work, clients) {
  const results = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, peer] of Object.entries(servers)) {
      const before = cpuMs(servers.local.pids);
      const times = { settleMs: 0, windowMs: Number(seconds) * 1000 };
      const result = await closedLoop(generator, peer, work, clients, times);
      const behindUs = ((cpuMs(servers.local.pids) - before) / result.ok) * 1000;
      results[name].push({ ...result, behindUs });
    }
  }
  for (const [name, all] of Object.entries(results)) {
    const middle = (figure) => short(median(all.map(figure)));
    const columns = [
      middle(({ perSecond }) => perSecond).padStart(6),
      middle(({ cpuUs }) => cpuUs).padStart(7),
      (name === 'local' ? '' : middle(({ behindUs }) => behindUs)).padStart(10),
      middle(({ latencies }) => latencies.quantile(0.5)).padStart(7),
      middle(({ latencies }) => latencies.quantile(0.99)).padStart(7),
      String(all.reduce((sum, { failed, refused }) => sum + failed + refused, 0)).padStart(13),
    ];
    console.log(
      `${work.name.padEnd(10)}${String(clients).padStart(7)}  ${name.padEnd(8)}${columns.join(' ')}`,
    );
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
