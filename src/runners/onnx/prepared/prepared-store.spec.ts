import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  externalDataModel,
  identityModel,
  mlpModel,
  randomModel,
} from '../../../../test/helpers/onnx-models';
import { childrenOf } from '../../../../test/helpers/processes';
import { until } from '../../../../test/helpers/until';
import { readEnvironment } from '../../../config/settings';
import { stampOf } from '../../../common/file-stamp';
import { openRuntime } from '../runtime';
import type { Unprepared, Wish } from './messages';
import type { Prepared } from './prepared';
import { answerOf, runProbe } from './probe';
import { PreparedStore, type PreparedStoreOptions } from './prepared-store';
import { KeptLog } from '../../../telemetry/logging/testing/kept-log';

jest.mock('./prepare-file', () => jest.requireActual<object>('../../../../test/helpers/compiled-thread'));

const MLP = mlpModel([64, 256, 256, 8]);
const TRAITS = ['this machine'];

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'nestor-store-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function storeIn(dir: string | undefined, options: Partial<PreparedStoreOptions> = {}): PreparedStore {
  return new PreparedStore({
    dir,
    maxBytes: 2 ** 30,
    timeoutMs: 20_000,
    niceness: 0,
    env: readEnvironment(),
    traits: TRAITS,
    log: new KeptLog(),
    ...options,
  });
}

async function wishFor(
  model: Uint8Array,
  about: Partial<Wish> = {},
  dataFiles: string[] = [],
): Promise<Wish> {
  const modelFile = join(home, 'model.onnx');
  writeFileSync(modelFile, model);
  const files = [modelFile, ...dataFiles];
  return {
    label: 'm/1',
    contents: await stampOf(files),
    digest: 'd'.repeat(64),
    sizeBytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    session: {
      modelFile,
      intraOpThreads: 1,
      interOpThreads: 1,
      graphOptimization: 'all',
      executionProviders: ['cpu'],
    },
    example: undefined,
    ...about,
  };
}

/** Opens the prepared form as a session thread does, and says what it answers to its probe. */
async function answerIn(wish: Wish, prepared: Prepared | undefined): Promise<string> {
  const session = await openRuntime({ ...wish.session, prepared });
  const answer = answerOf(await runProbe(session, prepared?.proof.probe ?? { style: 'narrow', size: 1 }));
  await session.release();
  return answer;
}

const left = (dir: string): string[] => readdirSync(dir).filter((name) => !/^[0-9a-f]{64}$/.test(name));

describe('PreparedStore', () => {
  it('makes a prepared form once, whoever asks meanwhile, which answers the same to the bit', async () => {
    const dir = join(home, 'prepared');
    const store = storeIn(dir);
    const wish = await wishFor(MLP);
    const [one, two] = (await Promise.all([store.prepare(wish, 1), store.prepare(wish, 2)])) as [
      Prepared,
      Prepared,
    ];
    expect(one).toEqual(two);
    expect([store.made, store.failed]).toEqual([1, 0]);
    expect(one.sharedBytes).toBeGreaterThan(256 * 256 * 4);
    expect(one.ownBytes).toBeLessThan(wish.sizeBytes / 4);
    expect(await answerIn(wish, one)).toBe(one.proof.answer);
    expect(await answerIn(wish, undefined)).toBe(one.proof.answer);
    expect(readdirSync(dir)).toEqual([one.key]);
    expect(await storeIn(dir).prepare(wish, 1)).toMatchObject({ key: one.key });
  });

  it("prepares users' own external data, too", async () => {
    const { model, dataFiles } = externalDataModel([64, 256, 256, 8]);
    writeFileSync(join(home, 'weights.bin'), dataFiles['weights.bin']!);
    const wish = await wishFor(model, {}, [join(home, 'weights.bin')]);
    const prepared = (await storeIn(join(home, 'prepared')).prepare(wish, 1)) as Prepared;
    rmSync(join(home, 'weights.bin'));
    expect(await answerIn(wish, prepared)).toBe(prepared.proof.answer);
  });

  it('lets two servers prepare at the same time', async () => {
    const dir = join(home, 'prepared');
    const wish = await wishFor(MLP);
    const [one, two] = await Promise.all([storeIn(dir).prepare(wish, 1), storeIn(dir).prepare(wish, 1)]);
    expect(one).toEqual(two);
    expect(one).toHaveProperty('key');
    expect(left(dir)).toEqual([]);
  });

  it('makes again what is damaged', async () => {
    const dir = join(home, 'prepared');
    const wish = await wishFor(MLP);
    const { key } = (await storeIn(dir).prepare(wish, 1)) as Prepared;
    const data = join(dir, key, 'model.onnx.data');
    const bytes = readFileSync(data);
    bytes[1000]! ^= 1;
    rmSync(data);
    writeFileSync(data, bytes);
    const store = storeIn(dir);
    const again = (await store.prepare(wish, 1)) as Prepared;
    expect(store.made).toBe(1);
    expect(await answerIn(wish, again)).toBe(again.proof.answer);
  });

  it('has another form for another machine', async () => {
    const dir = join(home, 'prepared');
    const wish = await wishFor(MLP);
    const here = (await storeIn(dir).prepare(wish, 1)) as Prepared;
    const there = (await storeIn(dir, { traits: ['another machine'] }).prepare(wish, 1)) as Prepared;
    expect(there.key).not.toBe(here.key);
  });

  it('publishes nothing of a model that was replaced while it was prepared', async () => {
    const wish = await wishFor(MLP);
    const { modelFile } = wish.session;
    copyFileSync(modelFile, join(home, 'copy'));
    writeFileSync(modelFile, mlpModel([64, 256, 256, 9]));
    const store = storeIn(join(home, 'prepared'));
    expect(await store.prepare(wish, 1)).toEqual({ reason: 'its files changed while it was prepared' });
    expect(readdirSync(join(home, 'prepared'))).toEqual([]);
  });

  const unfit: [string, Uint8Array, string][] = [
    ['has nothing to share', identityModel('FP32'), 'it has no weights that are worth sharing'],
    ['answers otherwise each time', randomModel(), 'its answers are not the same each time'],
    ['is none', Buffer.from('no model'), 'Protobuf parsing failed'],
  ];
  it.each(unfit)('says why a model is not prepared that %s, and remembers', async (_, model, reason) => {
    const store = storeIn(join(home, 'prepared'));
    const wish = await wishFor(model);
    const refusal = { reason: expect.stringContaining(reason) as string };
    expect(await store.prepare(wish, 1)).toEqual(refusal);
    expect(await store.prepare(wish, 1)).toEqual(refusal);
    expect(store.failed).toBe(1);
    expect(readdirSync(join(home, 'prepared'))).toEqual([]);
  });

  it.each([
    ['PREPARED_DIR is empty', {}, undefined],
    ['this system does not say what its CPU can do', { traits: undefined }, 'prepared'],
  ])('prepares nothing where %s', async (reason, options, dir) => {
    const store = storeIn(dir && join(home, dir), options);
    if ('traits' in options) Object.assign(store, { traits: undefined });
    expect(await store.prepare(await wishFor(MLP), 1)).toEqual({ reason });
  });

  it('prepares nothing where its folder cannot be, and tells nobody where that is', async () => {
    writeFileSync(join(home, 'file'), '');
    const reason = 'PREPARED_DIR cannot be used: there is nothing';
    expect(await storeIn(join(home, 'file', 'prepared')).prepare(await wishFor(MLP), 1)).toEqual({ reason });
  });

  it('leaves nothing of a process that is killed while it prepares, and tries again with others', async () => {
    const dir = join(home, 'prepared');
    const store = storeIn(dir);
    const wish = await wishFor(mlpModel([64, 2048, 2048, 8]));
    const prepare = (letter: string, time: number): Promise<Prepared | Unprepared> =>
      store.prepare({ ...wish, digest: letter.repeat(60) + String(time) }, 1);
    for (let time = 1000; ; time++) {
      const both = Promise.all([prepare('d', time), prepare('e', time)]);
      await until('it has begun', () => childrenOf(process.pid).length > 0);
      spawnSync('kill', ['-KILL', String(childrenOf(process.pid)[0])]);
      const [killed, next] = await both;
      // This process may have been held up for so long that the other one had done its work.
      if ('key' in killed) continue;
      expect(killed).toEqual({ reason: 'the process that prepared it ended with SIGKILL' });
      expect(next).toHaveProperty('key');
      break;
    }
    expect(left(dir)).toEqual([]);
  });

  it('gives up on one that takes too long, and leaves nothing', async () => {
    const store = storeIn(join(home, 'prepared'), { timeoutMs: 1 });
    expect(await store.prepare(await wishFor(MLP), 1)).toEqual({ reason: 'it was not prepared within 1 ms' });
    expect(readdirSync(join(home, 'prepared'))).toEqual([]);
  });

  it('makes anew what a worker doubts once, and not for ever', async () => {
    const store = storeIn(join(home, 'prepared'));
    const handlers = new Map<string, (payload: never) => unknown>();
    store.serve({ handle: (topic, handler) => void handlers.set(topic, handler) }, 1);
    const wish = await wishFor(MLP);
    const ask = (): unknown => handlers.get('onnx.prepare')?.(wish as never);
    const { key } = (await ask()) as Prepared;
    const doubt = { key, label: 'm/1', reason: 'wrong' } as never;
    await handlers.get('onnx.doubt')?.(doubt);
    expect(readdirSync(join(home, 'prepared'))).toEqual([]);
    expect(await ask()).toMatchObject({ key });
    await handlers.get('onnx.doubt')?.(doubt);
    expect(await ask()).toEqual({ reason: 'its prepared form was wrong before' });
    expect([store.made, store.doubted]).toEqual([2, 2]);
  });

  it('keeps what a worker uses, until that gives it back or is gone', async () => {
    const dir = join(home, 'prepared');
    const wish = await wishFor(MLP);
    const store = storeIn(dir, { maxBytes: 3 * wish.sizeBytes });
    const { key } = (await store.prepare(wish, 1)) as Prepared;
    const other = { ...wish, digest: 'e'.repeat(64) };
    expect(await store.prepare(other, 2)).toEqual({
      reason: 'there is no room for its prepared form (PREPARED_MAX_BYTES)',
    });
    store.gone(1);
    expect(await store.prepare({ ...wish, digest: 'f'.repeat(64) }, 2)).toHaveProperty('key');
    expect(readdirSync(dir)).not.toContain(key);
  });
});
