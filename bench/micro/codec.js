/**
 * What it costs to read and print numbers, beside JSON.parse and JSON.stringify of the same ones.
 * node bench/micro/codec.js [dist folder]
 *
 * Figures are nanoseconds of a number, by the quickest of many rounds: what else runs on the machine only
 * adds. All kinds of numbers take turns from the start, as in a server, so that no code is compiled for one
 * of them alone. JSON.parse has its numbers copied into a Float32Array, JSON.stringify has them in a list.
 */
const path = require('node:path');

const dist = path.resolve(process.argv[2] ?? path.join(__dirname, '../../dist'));
const { halfToNumber } = require(path.join(dist, 'tensors/numbers/float16.js'));
const { JsonReader } = require(path.join(dist, 'tensors/json/json-reader.js'));
const { JsonWriter } = require(path.join(dist, 'tensors/json/json-writer.js'));
const { readTensorData } = require(path.join(dist, 'tensors/json/tensor-reader.js'));

const COUNTS = [4, 784, 27_648];
const TURNS = 60;
const ROUND_NS = 1e6;

/** The same numbers each time. */
let state = 42;
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

const READING = [
  ['FP32, 6 digits', 'FP32', () => (2 * random() - 1).toFixed(6)],
  ['FP32, 17 digits', 'FP32', () => String(4 * random() - 2)],
  ['FP32, exponents', 'FP32', () => String(random() * 1e-7)],
  ['FP64, 17 digits', 'FP64', () => String(4 * random() - 2)],
  ['FP16, 4 digits', 'FP16', () => random().toFixed(4)],
  ['INT64', 'INT64', () => String(Math.floor(random() * 30_000))],
  ['UINT8', 'UINT8', () => String(Math.floor(random() * 256))],
];

const PRINTING = [
  ['FP32, all digits', 'FP32', (count) => Float32Array.from({ length: count }, () => 20 * random() - 10)],
  [
    'FP32, 6 digits',
    'FP32',
    (count) => Float32Array.from({ length: count }, () => Number(random().toFixed(6))),
  ],
  ['FP32, softmax', 'FP32', (count) => Float32Array.from({ length: count }, () => Math.exp(-20 * random()))],
  ['FP64, all digits', 'FP64', (count) => Float64Array.from({ length: count }, random)],
  ['FP16', 'FP16', (count) => Uint16Array.from({ length: count }, () => 0x7bff * random())],
  [
    'INT64',
    'INT64',
    (count) => BigInt64Array.from({ length: count }, () => BigInt(Math.floor(1e6 * random()))),
  ],
  ['UINT8', 'UINT8', (count) => Uint8Array.from({ length: count }, () => 256 * random())],
];

function readingOf([label, datatype, textOf], count) {
  const document = Buffer.from(`{"x":[${Array.from({ length: count }, textOf).join(',')}]}`);
  const read = () => {
    const reader = new JsonReader(document);
    reader.enterObject();
    reader.nextKey();
    const { data } = readTensorData(reader, datatype, 'x', { expectedCount: count, maxCount: count });
    reader.nextKey();
    reader.expectEnd();
    return data;
  };
  const parse = () => Float32Array.from(JSON.parse(document.toString()).x);
  return { label, count, here: read, there: parse };
}

function printingOf([label, datatype, dataOf], count) {
  const data = dataOf(count);
  const list = Array.from(data, datatype === 'FP16' ? halfToNumber : Number);
  const print = () => {
    const writer = new JsonWriter();
    writer.raw('{"x":');
    writer.tensorFlat(data, datatype, count);
    writer.raw('}');
    return writer.finish();
  };
  const stringify = () => Buffer.from(JSON.stringify({ x: list }));
  return { label, count, here: print, there: stringify, sizes: [print().length, stringify().length] };
}

/** Keeps results from being optimised away. */
let sink;

/** Nanoseconds of the quickest call of each work, a round of each by turns. */
function quickest(works) {
  const rounds = works.map((work) => ({ work, calls: 1, best: Infinity }));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const round of rounds) {
      const startNs = process.hrtime.bigint();
      for (let i = 0; i < round.calls; i++) sink = round.work();
      const tookNs = Number(process.hrtime.bigint() - startNs) / round.calls;
      round.best = Math.min(round.best, tookNs);
      round.calls = Math.max(1, Math.ceil(ROUND_NS / tookNs));
    }
  }
  return rounds.map(({ best }) => best);
}

function table(title, theirs, cases) {
  const works = cases.flatMap(({ here, there }) => [here, there]);
  const times = quickest(works);
  console.log(
    `\n${title.padEnd(18)} ${'numbers'.padStart(8)} ${'here'.padStart(8)} ${theirs.padStart(15)}   ratio`,
  );
  cases.forEach(({ label, count, sizes }, i) => {
    const [here, there] = [times[2 * i] / count, times[2 * i + 1] / count];
    const bytes = sizes ? `   ${sizes.map((size) => (size / count).toFixed(1)).join(' / ')} bytes` : '';
    console.log(
      `${label.padEnd(18)} ${String(count).padStart(8)} ${here.toFixed(1).padStart(8)} ${there.toFixed(1).padStart(15)}   ${(here / there).toFixed(2)}${bytes}`,
    );
  });
}

const casesOf = (kinds, make) => kinds.flatMap((kind) => COUNTS.map((count) => make(kind, count)));
console.log('nanoseconds of a number');
table('reading', 'JSON.parse', casesOf(READING, readingOf));
table('printing', 'JSON.stringify', casesOf(PRINTING, printingOf));
if (sink === undefined) process.exitCode = 1;
