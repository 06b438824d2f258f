const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { WORKS } = require('./works');

const ROOT = path.join(__dirname, '../..');

const USAGE = `npm run bench -- [options]
  --quick            a look, in about a minute: one round, short windows, less of everything
  --only <names>     comma-separated: works (${[...WORKS.keys()].join(', ')}), runtime, open, footprint
  --models <folder>  models that others made: of scripts/fetch_models.py photos sentences; adds photo and sentence
  --rounds <n>       rounds in which the peers take turns (default 3); figures are medians over them
  --seconds <s>      length of one measurement (default 4)
  --connections <n>  comma-separated: how many clients there are in closed loops
  --workers <n>      worker processes of each server (default: one for each core)
  --generators <n>   processes that send load (default: one for every four cores)
  --dist <folder>    the built server (default dist)
  --out <folder>     where bench.json, bench.md and the plots go (default logs/bench)
  --micro            run bench/micro/*.js instead`;

/** What is measured besides works. */
const PARTS = ['runtime', 'open', 'footprint'];

const FULL = {
  rounds: 3,
  windowMs: 4000,
  settleMs: 1000,
  warmUpRequests: 5000,
  warmUpMs: 4000,
  works: [...WORKS.keys()].filter((name) => !name.startsWith('deep')),
  connections: [1, 4, 8, 32, 128, 512],
  footprintWorkers: [1, 2, 4],
  openWorks: ['deep', 'mlp'],
  loadPercents: [25, 50, 75, 100, 150, 200, 500, 1000],
};

const QUICK = {
  rounds: 1,
  windowMs: 700,
  settleMs: 200,
  warmUpRequests: 3000,
  warmUpMs: 1500,
  works: ['tiny', 'tiny-bin', 'tiny-native', 'mlp', 'mlp-bin', 'image', 'image-bin'],
  connections: [1, 32],
  footprintWorkers: [],
  openWorks: ['deep'],
  loadPercents: [50, 100, 200, 1000],
};

/** What to measure, from the command line; ends the process where that only asks for help or has a fault. */
function readOptions(args) {
  let given;
  try {
    given = parse(args);
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(1);
  }
  if (given.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const cores = os.availableParallelism();
  const plan = given.quick ? QUICK : FULL;
  return {
    ...plan,
    ...narrowed(plan, given.only, given.models),
    quick: given.quick,
    micro: given.micro,
    rounds: given.rounds ?? plan.rounds,
    connections: given.connections ?? plan.connections,
    windowMs: given.seconds === undefined ? plan.windowMs : given.seconds * 1000,
    workers: given.workers ?? cores,
    generators: given.generators ?? Math.max(1, Math.floor(cores / 4)),
    dist: path.resolve(given.dist ?? path.join(ROOT, 'dist')),
    out: path.resolve(given.out ?? path.join(ROOT, 'logs/bench')),
    fetched: given.models && path.resolve(given.models),
  };
}

function parse(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    args,
    options: {
      quick: flag,
      micro: flag,
      help: { ...flag, short: 'h' },
      only: text,
      rounds: text,
      seconds: text,
      connections: text,
      workers: text,
      generators: text,
      dist: text,
      out: text,
      models: text,
    },
  });
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !WORKS.has(name) && !PARTS.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no '${unknown}'`);
  const absent = only?.find((name) => WORKS.get(name)?.file && values.models === undefined);
  if (absent !== undefined) throw new Error(`--only: '${absent}' needs --models`);
  return {
    ...values,
    only,
    rounds: positive('rounds', values.rounds, Number.isInteger),
    seconds: positive('seconds', values.seconds, Number.isFinite),
    connections: values.connections
      ?.split(',')
      .map((count) => positive('connections', count, Number.isInteger)),
    workers: positive('workers', values.workers, Number.isInteger),
    generators: positive('generators', values.generators, Number.isInteger),
  };
}

function positive(name, text, isValid) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!isValid(value) || value <= 0) throw new Error(`--${name}: '${text}' is not a number above 0`);
  return value;
}

/** With `open` alone the open loops are the plan's; named works are loaded in both ways then. */
function narrowed(plan, only, fetched) {
  const isThere = (name) => fetched !== undefined || WORKS.get(name).file === undefined;
  if (only === undefined) return { runtime: true, works: plan.works.filter(isThere) };
  const works = only.filter((name) => WORKS.has(name));
  const open = works.length > 0 ? works : plan.openWorks;
  return {
    works,
    runtime: only.includes('runtime'),
    openWorks: only.includes('open') ? open : [],
    footprintWorkers: only.includes('footprint') ? FULL.footprintWorkers : [],
  };
}

module.exports = { ROOT, readOptions };
