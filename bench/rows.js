/**
 * Scoring a file: `nestor run` over 100,000 rows of iris against a plain script that does the same with ONNX Runtime alone, in
 * the same batches, in turns. node bench/rows.js [--rounds 5]
 */
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { performance } = require('node:perf_hooks');
const { parseArgs } = require('node:util');

const ROWS = 100_000;
const BATCH = 1024;
const ROOT = join(__dirname, '..');
const MODEL = join(ROOT, 'models/iris/1/model.onnx');

/** What somebody writes who has an afternoon: reads, runs, prints. */
async function plain(rows, out) {
  const { InferenceSession, Tensor } = require('onnxruntime-node');
  const { closeSync, openSync, writeSync } = require('node:fs');
  const session = await InferenceSession.create(MODEL, { intraOpNumThreads: 1 });
  const lines = readFileSync(rows, 'utf8').trimEnd().split('\n').slice(1);
  const file = openSync(out, 'w');
  for (let start = 0; start < lines.length; start += BATCH) {
    const batch = lines.slice(start, start + BATCH);
    const data = Float32Array.from(batch.flatMap((line) => line.split(',').map(Number)));
    const { label, probabilities } = await session.run({
      features: new Tensor('float32', data, [batch.length, 4]),
    });
    const printed = batch.map((_, i) =>
      JSON.stringify({
        label: Number(label.data[i]),
        probabilities: Array.from(probabilities.data.subarray(i * 3, i * 3 + 3)),
      }),
    );
    writeSync(file, `${printed.join('\n')}\n`);
  }
  closeSync(file);
}

function timedMs(args) {
  const start = performance.now();
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: ROOT });
  return performance.now() - start;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function compare(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'nestor-rows-'));
  const rows = join(folder, 'rows.csv');
  const few = join(folder, 'few.csv');
  const header = 'sepal_length,sepal_width,petal_length,petal_width';
  const row = (i) =>
    [4 + (i % 40) / 10, 2 + (i % 25) / 10, 1 + (i % 60) / 10, 0.1 + (i % 24) / 10].map((v) => v.toFixed(1));
  writeFileSync(rows, [header, ...Array.from({ length: ROWS }, (_, i) => row(i).join(','))].join('\n'));
  writeFileSync(few, `${header}\n${row(0).join(',')}\n`);
  const found = { plain: [], nestor: [], 'nestor, one row': [], 'nestor, by the declared table': [] };
  const cli = join(ROOT, 'dist/cli/main.js');
  for (let round = 0; round < rounds; round++) {
    const out = join(folder, `out-${round}`);
    found.plain.push(timedMs([join(__dirname, 'rows.js'), '--plain', rows, `${out}-plain`]));
    found.nestor.push(timedMs([cli, 'run', MODEL, rows, '--out', `${out}-nestor`]));
    found['nestor, one row'].push(timedMs([cli, 'run', MODEL, few, '--out', `${out}-few`]));
    found['nestor, by the declared table'].push(timedMs([cli, 'run', 'iris', rows, '--out', `${out}-table`]));
  }
  const lines = (name) =>
    readFileSync(join(folder, `out-0-${name}`), 'utf8')
      .trimEnd()
      .split('\n').length;
  if (lines('plain') !== ROWS || lines('nestor') !== ROWS) throw new Error('not every row was answered');
  rmSync(folder, { recursive: true });
  for (const [name, times] of Object.entries(found)) {
    const ms = median(times);
    console.log(
      `${name.padEnd(30)} ${ms.toFixed(0).padStart(6)} ms  ${(ms / median(found.plain)).toFixed(2)} x plain`,
    );
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, plain: { type: 'boolean', default: false } },
});
if (values.plain) void plain(...positionals);
else compare(Number(values.rounds));
