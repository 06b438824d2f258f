/**
 * What the scheduler costs a request, from submit to result, with a model that takes no time.
 * node bench/micro/queue.js [dist folder]
 *
 * Figures are CPU time of this process. At one in flight, each request pays for a turn of the event loop of its
 * own; the line "turn" says how much that is, without a scheduler.
 */
const path = require('node:path');

const dist = path.resolve(process.argv[2] ?? path.join(__dirname, '../../dist'));
const { systemClock } = require(path.join(dist, 'common/clock.js'));
const { Scheduler } = require(path.join(dist, 'scheduling/scheduler.js'));

const MAX_ROWS = 32;
const REQUESTS = 200_000;
const ROUNDS = 5;

/** Outputs of each size, made once: what a runner costs is not the question here. */
const outputsOf = Array.from({ length: MAX_ROWS + 1 }, (_, rows) =>
  Promise.resolve([{ name: 'y', datatype: 'FP32', shape: [rows, 10], data: new Float32Array(rows * 10) }]),
);

const runner = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 64] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 10] }],
  concurrency: 1,
  run: (batch) => outputsOf[batch.length],
  close: () => Promise.resolve(),
};

function schedulerWith(batchable) {
  const scheduler = new Scheduler({
    slots: 1,
    clock: systemClock,
    limits: { maxQueueRequests: 1024, maxQueueRequestsPerModel: 1024 },
  });
  return scheduler.register({
    key: 'bench/1',
    runner,
    batchable,
    maxBatchRows: MAX_ROWS,
    maxQueueDelayMs: 0,
    weight: 1,
  });
}

const data = new Float32Array(64);

/** Sends requests one after another until `count` are sent. */
async function sender(model, count, deadlineInMs) {
  for (let i = 0; i < count; i++) {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 64], data }];
    const deadlineMs = systemClock.now() + deadlineInMs;
    await model.submit({ inputs, rows: 1, priority: 0, deadlineMs, record: undefined });
  }
}

async function inFlight(model, width, deadlineInMs) {
  const count = Math.floor(REQUESTS / width);
  await Promise.all(Array.from({ length: width }, () => sender(model, count, deadlineInMs)));
}

async function turns() {
  for (let i = 0; i < REQUESTS; i++) await new Promise((resolve) => systemClock.setImmediate(resolve));
}

/** Requests refused at the door, by a queue that is full. */
async function refusals() {
  const scheduler = new Scheduler({
    slots: 1,
    clock: systemClock,
    limits: { maxQueueRequests: 0, maxQueueRequestsPerModel: 0 },
  });
  const model = scheduler.register({
    key: 'bench/1',
    runner,
    batchable: true,
    maxBatchRows: MAX_ROWS,
    maxQueueDelayMs: 0,
    weight: 1,
  });
  for (let i = 0; i < REQUESTS; i++) await sender(model, 1, Infinity).catch(() => undefined);
}

async function measure(name, work) {
  await work();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    rounds.push(((user + system) * 1000) / REQUESTS);
  }
  rounds.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(38)} ${Math.round(rounds[ROUNDS >> 1])
      .toString()
      .padStart(6)} ns`,
  );
}

async function main() {
  const batched = schedulerWith(true);
  const single = schedulerWith(false);
  await measure('turn (one setImmediate, awaited)', turns);
  await measure('1 in flight', () => inFlight(batched, 1, Infinity));
  await measure('1 in flight, with deadline', () => inFlight(batched, 1, 30_000));
  await measure('32 in flight', () => inFlight(batched, 32, Infinity));
  await measure('32 in flight, with deadline', () => inFlight(batched, 32, 30_000));
  await measure('32 in flight, not batched', () => inFlight(single, 32, 30_000));
  await measure('refused', refusals);
}

void main();
