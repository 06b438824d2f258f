/**
 * What a shadow costs those who call the version that it stands behind: latencies with and without one.
 * node bench/shadow.js [rounds] [seconds] [dist folder]
 *
 * Two servers with two workers serve a model of a few milliseconds; behind one of them another version of it runs copies. In
 * a round they take turns; figures are medians over the rounds.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Generator } = require('./lib/generator');
const { closedLoop, openLoop } = require('./lib/measure');
const { writeModels } = require('./lib/models');
const { median, short } = require('./lib/numbers');
const { Peer } = require('./lib/peers');
const { WORKS } = require('./lib/works');

const [rounds = '5', seconds = '4', dist = path.join(__dirname, '../dist')] = process.argv.slice(2);
const MODEL = 'deep';
const YAML = { alone: '', shadow: 'shadow: 2\n' };
const LOADS = {
  '1 client': (...asked) => closedLoop(...asked.slice(0, 3), 1, asked[3]),
  '4 clients': (...asked) => closedLoop(...asked.slice(0, 3), 4, asked[3]),
  '40 a second': (...asked) => openLoop(...asked.slice(0, 3), 40, asked[3]),
};

async function main() {
  const workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-bench-'));
  const generator = new Generator(1);
  const work = [...WORKS.values()].find(({ model }) => model === MODEL);
  try {
    const servers = await startAll(workspace);
    console.log('load         server     req/s  p50 ms  p99 ms  copies/s');
    for (const peer of Object.values(servers)) {
      await closedLoop(generator, peer, work, 4, { settleMs: 0, windowMs: 2000 });
    }
    for (const [load, run] of Object.entries(LOADS)) {
      const results = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
      for (let round = 0; round < Number(rounds); round++) {
        for (const [name, peer] of Object.entries(servers)) {
          const before = await copies(peer);
          const result = await run(generator, peer, work, { settleMs: 0, windowMs: Number(seconds) * 1000 });
          const { latencies, ok } = result;
          results[name].push({
            perSecond: ok / result.seconds,
            p50: latencies.quantile(0.5),
            p99: latencies.quantile(0.99),
            copies: ((await copies(peer)) - before) / result.seconds,
          });
        }
      }
      for (const [name, all] of Object.entries(results)) {
        const of = (what) => short(median(all.map((one) => one[what])));
        const figures = [of('perSecond'), of('p50'), of('p99'), of('copies')];
        console.log([load.padEnd(11), name.padEnd(8), ...figures.map((text) => text.padStart(6))].join('  '));
      }
      const ratio = (what) =>
        short(median(results.shadow.map((one, i) => one[what] / results.alone[i][what])));
      console.log(
        `${load.padEnd(11)}  with the shadow, median of ratios: p50 ${ratio('p50')}, p99 ${ratio('p99')}`,
      );
    }
  } finally {
    await generator.stop();
    Peer.killAll();
    fs.rmSync(workspace, { recursive: true, force: true });
  }
}

async function startAll(workspace) {
  const files = path.join(workspace, 'files');
  fs.mkdirSync(files);
  writeModels(files);
  const servers = {};
  for (const [name, yaml] of Object.entries(YAML)) {
    const modelDir = path.join(workspace, `models-${name}`);
    const place = path.join(modelDir, MODEL);
    for (const version of ['1', '2']) {
      fs.mkdirSync(path.join(place, version), { recursive: true });
      fs.copyFileSync(path.join(files, `${MODEL}.onnx`), path.join(place, version, 'model.onnx'));
    }
    fs.writeFileSync(path.join(place, 'model.yaml'), `versions: {specific: [1]}\n${yaml}`);
    servers[name] = await Peer.start('nestor', {
      dist,
      workers: 2,
      modelDir,
      workspace: path.join(workspace, name),
    });
  }
  return servers;
}

/** That have run so far. */
async function copies(peer) {
  const text = await (await peer.get('/metrics')).text();
  const lines = text.matchAll(/^nestor_shadow_requests_total\{[^}]*result="(?!skipped)[^}]*\} (\d+)/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

void main();
