import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../helpers/processes';
import { DEADLY, DEADLY_INPUT, EMPTY_INPUTS } from './deadly-inputs';
import type { Stage } from './stage';

export interface Disturbance {
  readonly name: string;
  /** Does it end workers, or keep new ones from starting? Two such at once could leave nobody to serve. */
  readonly deadly?: boolean;
  /** Does it touch the changing model? */
  readonly model?: boolean;
  /** Others of this family are much like it: the short form takes one of them. */
  readonly family?: string;
  /** Without this, it cannot be done. */
  readonly needs?: 'redis' | 'prlimit';
  /** Does it, and takes back what would not heal by itself. */
  run(stage: Stage): Promise<void>;
}

/** How long a state lasts that has to last for a while. */
const WHILE_MS = 1000;
/** Shorter than what a heart may miss. */
const PAUSE_MS = 500;
/** How long a worker may go on without memory before it counts as spared. */
const OUT_OF_MEMORY_MS = 4000;

/** A worker may die of something else at the same time, and then there is more to look through. */
const MOST_DEATHS = 5;

const SIGNALS = ['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const;

/** What happens to the files of the model that serves. */
const DAMAGES: readonly { name: string; statuses: number[]; do: (stage: Stage) => () => void }[] = [
  { name: 'corrupted on disk', statuses: [503], do: ({ model }) => model.corrupt() },
  { name: 'removed', statuses: [404, 503], do: ({ model }) => model.remove() },
  {
    name: 'swapped for an incompatible one',
    statuses: [503],
    do: ({ model }) => model.swapForIncompatible(),
  },
];

export const DISTURBANCES: readonly Disturbance[] = [
  { name: 'nothing', run: () => sleep(WHILE_MS) },
  ...SIGNALS.map((signal) => ({
    name: `worker killed by ${signal}`,
    family: 'signals',
    deadly: true,
    run: (stage: Stage) => stage.kill(signal),
  })),
  { name: 'worker out of memory', deadly: true, needs: 'prlimit', run: runOutOfMemory },
  { name: 'worker out of descriptors', needs: 'prlimit', run: runOutOfDescriptors },
  { name: 'worker stopped for good', deadly: true, run: stopForGood },
  { name: 'worker stopped for a moment', run: stopForAMoment },
  { name: 'worker asked to leave by SIGTERM', deadly: true, run: askToLeave },
  { name: 'model reloaded', model: true, run: (stage) => stage.deploy() },
  ...DAMAGES.map(({ name, statuses, do: damage }) => ({
    name: `model ${name}, then a load call`,
    family: 'damages before a load call',
    model: true,
    async run(stage: Stage): Promise<void> {
      const mend = damage(stage);
      try {
        await stage.loadInVain(statuses);
      } finally {
        mend();
      }
      stage.strike();
    },
  })),
  ...DAMAGES.map(({ name, do: damage }) => ({
    name: `model ${name}, then a worker killed`,
    family: 'damages before a death',
    model: true,
    deadly: true,
    async run(stage: Stage): Promise<void> {
      const mend = damage(stage);
      try {
        await stage.kill('SIGKILL');
        // Long enough for a new worker to find what it cannot load.
        await sleep(3 * WHILE_MS);
      } finally {
        mend();
      }
      stage.strike();
    },
  })),
  {
    name: 'worker killed during a reload',
    model: true,
    deadly: true,
    async run(stage) {
      stage.model.deployNext();
      const loading = stage.tryLoad();
      await stage.kill('SIGKILL');
      // It may have been asked of the very worker that died; another call succeeds.
      const error = (await loading) && (await stage.tryLoad());
      if (error !== undefined) throw new Error(`A version cannot be loaded after a worker died: ${error}`);
    },
  },
  { name: 'Redis killed', needs: 'redis', run: killRedis },
  { name: 'disk of the logs full', needs: 'prlimit', run: fillDisk },
  { name: 'inputs without elements, which end the process in many kernels', run: sendNothing },
  { name: 'an input that kills the worker that runs it', deadly: true, run: sendDeadlyInput },
  { name: 'workers replaced by SIGHUP', deadly: true, run: (stage) => hangUp(stage, [stage.primary]) },
  {
    name: 'SIGHUP to every process',
    deadly: true,
    run: (stage) => hangUp(stage, [stage.primary, ...stage.server.workers()]),
  },
];

async function runOutOfMemory(stage: Stage): Promise<void> {
  const victim = stage.victim();
  const status = readFileSync(`/proc/${victim}/status`, 'utf8');
  const usedBytes = Number(/^VmData:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  stage.deaths.expect(victim, stage.server.workers());
  const giveBack = await stage.limit(victim, 'data', usedBytes / 2);
  try {
    await stage.deaths.gone(victim, OUT_OF_MEMORY_MS);
  } catch {
    stage.deaths.spared(victim);
    await giveBack();
  }
  stage.strike();
}

async function runOutOfDescriptors(stage: Stage): Promise<void> {
  const victim = stage.victim();
  // Below what it has open: what it closes in the meantime gives it no new one.
  const giveBack = await stage.limit(victim, 'nofile', 3);
  await sleep(2 * WHILE_MS);
  if (isAlive(victim)) await giveBack();
  stage.strike();
}

async function stopForGood(stage: Stage): Promise<void> {
  const victim = stage.victim();
  process.kill(victim, 'SIGSTOP');
  stage.deaths.expect(victim, stage.server.workers());
  await stage.deaths.gone(victim);
}

async function stopForAMoment(stage: Stage): Promise<void> {
  const victim = stage.victim();
  process.kill(victim, 'SIGSTOP');
  await sleep(PAUSE_MS);
  // Another disturbance may have killed it.
  if (isAlive(victim)) process.kill(victim, 'SIGCONT');
  stage.strike();
}

async function askToLeave(stage: Stage): Promise<void> {
  const before = stage.victim();
  process.kill(before, 'SIGTERM');
  await stage.server.until('the worker is gone', () => !isAlive(before));
}

async function killRedis({ redis }: Stage): Promise<void> {
  await redis?.kill();
  await sleep(WHILE_MS);
  await redis?.begin();
}

/** The runs that these would end in are never begun: an answer, and no worker dies. */
async function sendNothing(stage: Stage): Promise<void> {
  const said = stage.server.output.length;
  for (let i = 0; i < 8; i++) {
    for (const { path, body, statuses } of EMPTY_INPUTS) {
      const { status, error } = await stage.askPatiently(path, JSON.stringify(body));
      if (!statuses.includes(status))
        throw new Error(`${path} without elements was answered with ${status}: ${error}`);
    }
  }
  const killed = stage.killedByNativeCode(said);
  if (killed.length > 0) throw new Error(`Inputs without elements ended workers: ${killed.join(', ')}.`);
}

/** No check can foresee it: after the second death the model is set aside, until a call loads it. */
async function sendDeadlyInput(stage: Stage): Promise<void> {
  const { path } = DEADLY_INPUT;
  const harmless = JSON.stringify(DEADLY_INPUT.harmless);
  const deadly = JSON.stringify(DEADLY_INPUT.deadly);
  const refused = async (): Promise<boolean> =>
    (await stage.ask(path, harmless)).code === 'model_quarantined';
  for (let deaths = 0; !(await refused()); deaths++) {
    if (deaths === MOST_DEATHS) throw new Error(`The model still runs after ${deaths} deaths.`);
    if (!(await stage.killByRequest(path, deadly))) break;
    await stage.fullStrength();
  }
  stage.strike();
  const { status } = await stage.ask(path, deadly);
  if (status !== 503) throw new Error(`What kills was answered with ${status} by a model that is set aside.`);
  const lifted = await stage.askPatiently(`/v2/repository/models/${DEADLY}/load`, '');
  const again = await stage.askPatiently(path, harmless);
  if (lifted.status !== 200 || again.status !== 200)
    throw new Error(
      `A load call was answered with ${lifted.status}, and a call after it with ${again.status}: ${again.error}`,
    );
}

async function fillDisk(stage: Stage): Promise<void> {
  const empty = await stage.limit(stage.primary, 'fsize', 0);
  await sleep(WHILE_MS);
  await empty();
  stage.strike();
}

async function hangUp(stage: Stage, pids: readonly number[]): Promise<void> {
  const before = stage.server.workers();
  for (const pid of pids) process.kill(pid, 'SIGHUP');
  await stage.allNew(before);
}
