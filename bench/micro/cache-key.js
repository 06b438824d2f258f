/**
 * What it costs to name a request, by algorithm, and what a hit in memory costs in all.
 * node bench/micro/cache-key.js [dist folder]
 *
 * Figures are CPU time of this process in microseconds; the least of several rounds.
 */
const { createHash, hash, randomBytes } = require('node:crypto');
const path = require('node:path');

const dist = path.resolve(process.argv[2] ?? path.join(__dirname, '../../dist'));
const { KeyMaker } = require(path.join(dist, 'cache/cache-key.js'));
const { PredictionCache } = require(path.join(dist, 'cache/prediction-cache.js'));

const ROUNDS = 7;
const WORKS = { tiny: [1, 4], mlp: [1, 784], cls: [1, 3, 48, 192] };
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512-256', 'blake2b512', 'blake2s256'];

async function cost(work, times) {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / times);
  }
  return `${least.toFixed(2)} us`;
}

function modelFor(shape) {
  return {
    name: 'm',
    version: '1',
    digest: 'a'.repeat(64),
    inputs: [{ name: 'x', datatype: 'FP32', shape }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 10] }],
    deterministic: true,
    config: { cache: { enabled: true, ttlSeconds: undefined, warmupFile: undefined } },
  };
}

async function main() {
  for (const [work, shape] of Object.entries(WORKS)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const times = count > 10_000 ? 1000 : 50_000;
    const bytes = randomBytes(count * 4);
    const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const inputs = [{ name: 'x', datatype: 'FP32', shape, data }];
    const line = (name, figure) => console.log(`${work.padEnd(5)} ${name.padEnd(28)} ${figure}`);
    line('nothing', await cost(() => undefined, times));
    for (const algorithm of ALGORITHMS) {
      line(`${algorithm}, once`, await cost(() => hash(algorithm, bytes, 'base64url'), times));
      const streamed = () => createHash(algorithm).update(bytes).digest('base64url');
      line(`${algorithm}, by an object`, await cost(streamed, times));
    }
    const keys = new KeyMaker(modelFor(shape), '1.30.0');
    line('the key', await cost(() => keys.keyOf(inputs), times));
    const settings = { enabled: true, ttlSeconds: 300, namespace: 'n', memoryBytes: 1e6, maxEntryBytes: 1e6 };
    const cache = new PredictionCache({ ...settings, maxFollowers: 10, runtime: '1.30.0' }, undefined);
    const model = modelFor(shape);
    const request = { inputs, rows: 1, priority: 5, deadlineMs: Infinity, cacheUse: 'use' };
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 10], data: new Float32Array(10) }];
    const run = () => Promise.resolve({ outputs, queueMs: 0, runMs: 0, batchRows: 1 });
    await cache.answer(model, request, run);
    line('a hit', await cost(() => cache.answer(model, request, run), times));
    const without = { ...request, cacheUse: 'none' };
    line('use_cache=false', await cost(() => cache.answer(model, without, run), times));
  }
}

void main();
