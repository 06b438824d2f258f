import { Logger } from '@nestjs/common';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelsConfig } from '../../config/config.slices';
import type { Ipc } from '../../process/ipc/ipc.service';
import { ABORT, COMMIT, PREPARE, type Prepared, USAGE } from './messages';
import { Participant } from './participant';
import type { ModelLoader } from '../loading/model-loader';
import { ModelRegistry } from '../loading/model-registry';
import { ModelRepository } from '../repository/model-repository';
import { KINDS } from '../../../test/helpers/runner-kinds';
import { Lease, type LoadedModel } from '../loading/loaded-model';

const IRIS = join(__dirname, '..', '..', '..', 'models', 'iris', '1', 'model.onnx');

describe("a worker's part in a change", () => {
  let dir: string;
  let registry: ModelRegistry;
  let changes: Participant;
  let ask: <Value>(topic: string, payload: object) => Promise<Value>;
  let unloaded: string[];
  let gate: Promise<void>;
  let open: () => void;
  let failing: boolean;
  let link: Ipc;
  const load = { id: 1, model: 'iris', replace: true, unbatched: [] };
  const serving = (): string | undefined => registry.entry('iris').version(undefined)?.served?.digest;
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nestor-changes-'));
    mkdirSync(join(dir, 'iris', '1'), { recursive: true });
    cpSync(IRIS, join(dir, 'iris', '1', 'model.onnx'));
    unloaded = [];
    failing = false;
    gate = Promise.resolve();
    let loads = 0;
    const loader: Pick<ModelLoader, 'load' | 'unload' | 'onWrongBatches' | 'proofOf' | 'keep'> = {
      load: async ({ version }) => {
        const digest = `load ${++loads}`;
        await gate;
        if (failing) throw new Error('other content');
        return { version, digest, memoryBytes: 10, light: true, use: new Lease() } as LoadedModel;
      },
      onWrongBatches: () => undefined,
      proofOf: () => undefined,
      keep: () => undefined,
      unload: ({ digest }) => Promise.resolve(void unloaded.push(digest)),
    };
    const handlers = new Map<string, (payload: object) => unknown>();
    link = {
      toldToStop: false,
      handle: (topic: string, handler: (payload: object) => unknown) => handlers.set(topic, handler),
    } as unknown as Ipc;
    registry = new ModelRegistry(new ModelRepository(dir, KINDS));
    const config = { loadTimeoutMs: 1000 } as ModelsConfig;
    changes = new Participant(config, registry, loader as ModelLoader, link);
    ask = async <Value>(topic: string, payload: object) => (await handlers.get(topic)?.(payload)) as Value;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('loads beside what serves, and swaps when it is told to', async () => {
    await ask(PREPARE, load);
    await ask(COMMIT, load);
    const { versions } = await ask<Prepared>(PREPARE, { ...load, id: 2 });
    expect(versions).toEqual([
      { version: '1', digest: expect.any(String) as string, memoryBytes: 10, light: true },
    ]);
    expect(serving()).toBe('load 1');
    await ask(COMMIT, { id: 2, unbatched: [] });
    expect(serving()).toBe('load 2');
    await new Promise(setImmediate);
    expect(unloaded).toEqual(['load 1']);
  });

  it('waits with the unload for requests that hold the old version', async () => {
    await ask(PREPARE, load);
    await ask(COMMIT, load);
    const held = registry.entry('iris').version(undefined)?.served;
    held?.use.take();
    await ask(PREPARE, { ...load, id: 2 });
    await ask(COMMIT, { id: 2, unbatched: [] });
    await new Promise(setImmediate);
    expect(unloaded).toEqual([]);
    held?.use.release();
    await new Promise(setImmediate);
    expect(unloaded).toEqual(['load 1']);
  });

  it('serves a model no longer that was loaded anew without it, on its way out', async () => {
    await ask(PREPARE, load);
    await ask(COMMIT, load);
    const replaced = { model: 'iris', digests: { 1: 'another' } };
    await ask(COMMIT, { id: 2, byDefault: '1', unbatched: [], replaced });
    expect(serving()).toBe('load 1');
    link.toldToStop = true;
    await ask(COMMIT, { id: 3, byDefault: '1', unbatched: [] });
    const digests = { 1: registry.entry('iris').version('1')?.digest };
    await ask(COMMIT, { id: 4, byDefault: '1', unbatched: [], replaced: { model: 'iris', digests } });
    expect(serving()).toBe('load 1');
    await ask(COMMIT, { id: 5, byDefault: '1', unbatched: [], replaced });
    expect(serving()).toBeUndefined();
    const entry = registry.entry('iris').version(undefined);
    expect([entry?.refusal?.code, entry?.isQuarantined]).toEqual(['draining', false]);
    await new Promise(setImmediate);
    expect(unloaded).toEqual(['load 1']);
  });

  it('throws away what it prepared when that is called off', async () => {
    await ask(PREPARE, load);
    await ask(ABORT, { id: 1 });
    await ask(COMMIT, { id: 1, unbatched: [] });
    expect(unloaded).toEqual(['load 1']);
    expect(serving()).toBeUndefined();
  });

  it('throws away what is loaded too late, when the change was called off', async () => {
    gate = new Promise((resolve) => (open = resolve));
    const late = ask(PREPARE, load);
    const refused = expect(late).rejects.toThrow('called off');
    await ask(ABORT, { id: 1 });
    open();
    await refused;
    expect(unloaded).toEqual(['load 1']);
    await ask(COMMIT, { id: 1, unbatched: [] });
    expect(serving()).toBeUndefined();
  });

  it('holds a load to its time, and throws away what comes of it later', async () => {
    gate = new Promise((resolve) => (open = resolve));
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const late = ask(PREPARE, load);
    const refused = expect(late).rejects.toThrow('waiting for it to load');
    while (jest.getTimerCount() === 0) await new Promise(setImmediate);
    jest.advanceTimersByTime(1000);
    jest.useRealTimers();
    await refused;
    expect([...changes.overdue]).toMatchObject([{ model: 'iris', version: '1' }]);
    open();
    await new Promise(setImmediate);
    expect(unloaded).toEqual(['load 1']);
    expect(changes.overdue.size).toBe(0);
  });

  describe('that takes one message', () => {
    const atOnce = { byDefault: undefined, unbatched: [], generation: 1, leave: [] };
    const bring = { id: 1, model: 'iris', versions: [{ version: '1' }], replace: false, atOnce };

    it('serves as soon as it is loaded, and says how it is used', async () => {
      const { latest, usage } = await ask<Prepared>(PREPARE, bring);
      expect(serving()).toBe('load 1');
      expect(registry.entry('iris').agreed).toBe('1');
      expect(latest).toBe('1');
      expect(usage).toMatchObject([{ model: 'iris', version: '1', idle: true }]);
    });

    it('lets go what is to make room', async () => {
      await ask(PREPARE, bring);
      mkdirSync(join(dir, 'other', '1'), { recursive: true });
      cpSync(IRIS, join(dir, 'other', '1', 'model.onnx'));
      const leave = [{ model: 'iris', version: '1', generation: 1 }];
      const { usage } = await ask<Prepared>(PREPARE, {
        ...bring,
        id: 2,
        model: 'other',
        atOnce: { ...atOnce, leave },
      });
      expect(serving()).toBeUndefined();
      expect(usage).toMatchObject([{ model: 'other' }]);
      expect(unloaded).toEqual(['load 1']);
    });

    it('leaves alone what has come back, or was wanted again, after it was to make room', async () => {
      const late = { ...atOnce, leave: [{ model: 'iris', version: '1', generation: 2 }] };
      const makeRoom = async (id: number): Promise<void> => {
        await expect(ask(PREPARE, { ...bring, id, model: 'other', atOnce: late })).rejects.toThrow(/other/);
      };
      await ask(PREPARE, { ...bring, id: 5, atOnce: { ...atOnce, generation: 3 } });
      await makeRoom(4);
      expect(serving()).toBe('load 1');
      await ask(PREPARE, { ...bring, id: 6, atOnce: { ...atOnce, generation: 2 } });
      await ask(PREPARE, { ...bring, id: 7, atOnce: { ...atOnce, generation: 3 } });
      await makeRoom(8);
      expect(serving()).toBe('load 1');
      await ask(PREPARE, { ...bring, id: 9, atOnce: { ...atOnce, generation: 2 } });
      await makeRoom(10);
      expect(serving()).toBeUndefined();
    });

    it('keeps what serves where a change that others need is called off', async () => {
      await ask(PREPARE, bring);
      await ask(PREPARE, { id: 2, model: 'iris', versions: [{ version: '1' }], replace: false });
      await ask(ABORT, { id: 2 });
      expect([serving(), unloaded]).toEqual(['load 1', []]);
    });

    it('is held for whoever waits for it until their turn has come', async () => {
      await registry.refresh();
      let answered = (): void => undefined;
      registry.entry('iris').versions.get('1')!.loading = new Promise((resolve) => (answered = resolve));
      expect((await ask<Prepared>(PREPARE, bring)).usage).toMatchObject([{ idle: false }]);
      answered();
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      expect(await ask(USAGE, {})).toMatchObject([{ idle: true }]);
    });

    it('serves nothing where the content is not the one that is wanted', async () => {
      const versions = [{ version: '1', digest: 'another one' }];
      failing = true;
      await expect(ask(PREPARE, { ...bring, versions })).rejects.toMatchObject({
        code: 'model_unavailable',
        message: /other content/,
      });
      expect(serving()).toBeUndefined();
    });
  });
});
