import { execFileSync, fork, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stampOf } from '../src/common/file-stamp';
import type { Order, Outcome, Wish } from '../src/runners/onnx/prepared/messages';
import { PreparedFolder } from '../src/runners/onnx/prepared/prepared-folder';
import { temporaryFolder } from './helpers/model-folder';
import { graphModel } from './helpers/graph-models';
import { mlpModel } from './helpers/onnx-models';
import { isSet } from './helpers/requirements-of-tests';
import { seededRandom } from './helpers/seeded-random';

// Minutes, and root for a disk that is full: on demand, by PREPARED_FAULTS=1.
const onDemand = isSet(process.env.PREPARED_FAULTS) ? describe : describe.skip;

const DIST = join(__dirname, '..', process.env.NESTOR_DIST ?? 'dist');
const ENTRY = join(DIST, 'runners/onnx/prepared/prepare.entry.js');
const RUNTIME = join(DIST, 'runners/onnx/runtime.js');
const KEY = 'a'.repeat(64);
const EMULATOR = '/usr/bin/qemu-x86_64';

const home = temporaryFolder('faults');

async function wishFor(model: Uint8Array): Promise<Wish> {
  const modelFile = join(home, 'model.onnx');
  if (!existsSync(modelFile) || statSync(modelFile).size !== model.length) writeFileSync(modelFile, model);
  return {
    label: 'm/1',
    contents: await stampOf([modelFile]),
    digest: 'd'.repeat(64),
    sizeBytes: model.length,
    session: {
      modelFile,
      intraOpThreads: 1,
      interOpThreads: 1,
      graphOptimization: 'all',
      executionProviders: ['cpu'],
    },
    example: undefined,
  };
}

/** Two convolutions, whose saved weights lie as this CPU wants them. */
function convolutions(): Uint8Array {
  const random = seededRandom(7);
  const weights = (shape: readonly number[]): [readonly number[], Float32Array] => [
    shape,
    Float32Array.from(
      { length: shape.reduce((product, size) => product * size, 1) },
      () => random(1000) / 1000 - 0.5,
    ),
  ];
  const pads = [1, 1, 1, 1];
  return graphModel({
    steps: [
      ['Conv', ['image', 'w1'], ['a'], { pads }],
      ['Relu', ['a'], ['b']],
      ['Conv', ['b', 'w2'], ['c'], { pads }],
      ['GlobalAveragePool', ['c'], ['d']],
      ['Flatten', ['d'], ['y']],
    ],
    inputs: { image: ['N', 3, 16, 16] },
    outputs: { y: ['N', 64] },
    floats: { w1: weights([32, 3, 3, 3]), w2: weights([64, 32, 3, 3]) },
  });
}

/** Prepares in a process of its own. @param killAfterMs undefined: it is let finish */
function prepare(dir: string, wish: Wish, killAfterMs?: number): Promise<Outcome | undefined> {
  const partial = join(dir, `${KEY}.${'0'.repeat(16)}.partial`);
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const order: Order = { wish, partial, folder: join(dir, KEY) };
  const child = fork(ENTRY, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    execArgv: [],
  });
  return new Promise((resolve) => {
    let outcome: Outcome | undefined;
    child.once('message', (message: Outcome) => (outcome = message));
    child.once('exit', () => resolve(outcome));
    child.send(order);
    if (killAfterMs !== undefined) void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
  });
}

/** What is published is whole; whatever else is there is not published. */
async function expectWholeOrNothing(dir: string): Promise<boolean> {
  const found = await new PreparedFolder(dir, 2 ** 40).find(KEY);
  if (found === undefined) expect(readdirSync(dir).filter((name) => name === KEY)).toEqual([]);
  return found !== undefined;
}

onDemand('a process that prepares a model', () => {
  const model = mlpModel([512, 2048, 2048, 64]);

  it('publishes all or nothing, whenever it is killed', async () => {
    const wish = await wishFor(model);
    const startMs = performance.now();
    expect(await prepare(join(home, 'whole'), wish)).toEqual({ done: true });
    const wholeMs = performance.now() - startMs;
    const published: boolean[] = [];
    for (let step = 0; step <= 40; step++) {
      const dir = join(home, `killed-${step}`);
      await prepare(dir, wish, (wholeMs * step) / 36);
      published.push(await expectWholeOrNothing(dir));
    }
    expect(published).toContain(false);
    expect(published).toContain(true);
  }, 300_000);

  it('publishes all or nothing, wherever the disk is full', async () => {
    const wish = await wishFor(model);
    const dir = join(home, 'disk');
    const published: boolean[] = [];
    const largest = Math.ceil((2.2 * model.length) / 2 ** 20);
    for (let megabytes = 1; megabytes <= largest; megabytes += 2) {
      mkdirSync(dir, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir]);
      try {
        const outcome = await prepare(dir, wish);
        const whole = await expectWholeOrNothing(dir);
        expect(outcome?.done).toBe(whole);
        published.push(whole);
      } finally {
        execFileSync('umount', [dir]);
      }
    }
    expect(published).toContain(false);
    expect(published.at(-1)).toBe(true);
  }, 300_000);
});

onDemand('a prepared model on another CPU', () => {
  it('is found to be wrong, and the model itself serves', async () => {
    expect(existsSync(EMULATOR)).toBe(true);
    const dir = join(home, 'cpu');
    const wish = await wishFor(convolutions());
    expect(await prepare(dir, wish)).toEqual({ done: true });
    // As if it had the same key, which has the CPU's features: the last of the proofs.
    const prepared = await new PreparedFolder(dir, 2 ** 40).find(KEY);
    const script = `
      const { openRuntime } = require(${JSON.stringify(RUNTIME)});
      const session = ${JSON.stringify(wish.session)}, prepared = ${JSON.stringify(prepared)};
      const opened = (options) => openRuntime(options).then(() => 'opened', (error) => error.message);
      opened({ ...session, prepared }).then(async (first) => console.log(JSON.stringify([first, await opened(session)])));
    `;
    const run = (command: string, args: string[]): unknown => {
      const { stdout, stderr } = spawnSync(command, [...args, '-e', script], { encoding: 'utf8' });
      return JSON.parse(stdout || JSON.stringify(stderr));
    };
    expect(run(process.execPath, [])).toEqual(['opened', 'opened']);
    const elsewhere = run(EMULATOR, ['-cpu', 'Haswell', process.execPath, '--jitless']);
    expect(elsewhere).toEqual([expect.not.stringMatching(/^opened$/), 'opened']);
  }, 300_000);
});
