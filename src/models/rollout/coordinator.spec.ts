import { DomainError } from '../../errors/domain-error';
import { failedReply, type Reply } from '../../process/ipc/messages';
import { ABORT, COMMIT, type Joined, type Prepare, PREPARE, type Prepared, RETIRE, USAGE } from './messages';
import { Coordinator, type CoordinatorOptions, type Standing } from './coordinator';
import { KeptLog } from '../../telemetry/logging/testing/kept-log';

/** Two workers that keep what they are told, as real ones do, without models. */
class ClusterHarness {
  readonly asked: string[] = [];
  readonly timeoutsMs: Record<string, number> = {};
  readonly serving = [new Map<string, string>(), new Map<string, string>()];
  readonly staged = new Map<number, Prepare>();
  readonly prepares: [worker: number, prepare: Prepare][] = [];
  /** What a worker answers to `prepare` instead of doing it. */
  failing: (worker: number, prepare: Prepare) => Error | undefined = () => undefined;
  digests = ['a', 'a'];
  light = false;
  idle = true;
  /** A worker that does not answer when it is to swap. */
  stuck = -1;
  /** A worker that dies of what it is to load. */
  dying = -1;
  readonly log = new KeptLog();
  /** What those heard that leave, too. */
  readonly told: object[] = [];
  gate: Promise<void> = Promise.resolve();
  /** Until then requests hold what is to go. */
  held: Promise<void> = Promise.resolve();

  coordinator(limits: Partial<CoordinatorOptions> = {}) {
    const options: CoordinatorOptions = {
      maxResident: 5,
      maxMemoryBytes: 0,
      maxLoads: 16,
      loadTimeoutMs: 1000,
      ...limits,
      tellAll: (topic, payload, timeoutMs) => {
        this.told.push(payload as object);
        return options.askAll(topic, payload, timeoutMs);
      },
      askAll: <Value>(topic: string, payload: unknown, timeoutMs: number, except?: ReadonlySet<number>) => {
        this.timeoutsMs[topic] = timeoutMs;
        const asked = [...this.serving.keys()].filter((worker) => !except?.has(worker));
        return Promise.all(
          asked.map((worker) => this.answer(topic, payload, worker) as Promise<Reply<Value>>),
        );
      },
      log: this.log,
    };
    return new Coordinator(options);
  }

  private async answer(topic: string, payload: unknown, worker: number): Promise<Reply<unknown>> {
    if (worker === 0) this.asked.push(topic);
    const serving = this.serving[worker]!;
    const id = (payload as { id: number } | undefined)?.id ?? 0;
    switch (topic) {
      case PREPARE: {
        for (const { model } of (payload as Prepare).atOnce?.leave ?? []) serving.delete(model);
        await this.gate;
        if (worker === this.dying) return failedReply(worker, new Error('it is gone'), 'died');
        const fault = this.failing(worker, payload as Prepare);
        if (fault) return failedReply(worker, fault);
        const prepare = payload as Prepare;
        this.prepares.push([worker, prepare]);
        if (prepare.atOnce === undefined) this.staged.set(id, prepare);
        else serving.set(prepare.model, '1');
        const versions = prepare.versions ?? [{ version: '1' }];
        const digest = this.digests[worker] ?? 'a';
        const value: Prepared = {
          versions: versions.map(({ version }) => ({ version, digest, memoryBytes: 100, light: this.light })),
          latest: versions.at(-1)?.version,
        };
        return { worker, ok: true, value };
      }
      case COMMIT: {
        if (worker === this.stuck)
          return failedReply(worker, new DomainError('deadline_exceeded', 'no answer'));
        const { model, versions } = this.staged.get(id)!;
        serving.set(model, (versions ?? [{ version: '1' }]).map(({ version }) => version).join());
        break;
      }
      case RETIRE:
        await this.held;
        serving.delete((payload as { model: string }).model);
        break;
      case USAGE: {
        const usages = [...serving].map(([model, version], i) => ({
          model,
          version,
          idle: this.idle,
          unusedMs: 10 - i,
        }));
        return { worker, ok: true, value: usages };
      }
    }
    return { worker, ok: true, value: undefined };
  }
}

const kept = (model: string) => ({
  model,
  version: '1',
  digest: 'a',
  kept: true,
  byDefault: true,
  memoryBytes: 100,
  light: false,
});

const NEEDED = { admit: () => undefined, waits: () => undefined, standing: 'needed' as Standing };

/** Takes the first worker in, which has loaded these by its settings. */
const adopt = (coordinator: Coordinator, ...models: string[]): Promise<Joined> =>
  coordinator.join(
    { generation: 0, loaded: models.map(kept), kept: models, unavailable: [], elsewhere: [] },
    NEEDED,
  );

describe('ModelCoordinator', () => {
  it('has every worker prepare before any commits', async () => {
    const harness = new ClusterHarness();
    await harness.coordinator().change({ action: 'load', model: 'm' });
    expect(harness.asked).toEqual([PREPARE, COMMIT]);
    expect(harness.serving.map((serving) => serving.get('m'))).toEqual(['1', '1']);
  });

  it('changes nothing anywhere when one worker fails, and says which and why', async () => {
    const harness = new ClusterHarness();
    harness.failing = (worker) =>
      worker === 1 ? new DomainError('model_unavailable', 'no memory') : undefined;
    const change = harness.coordinator().change({ action: 'load', model: 'm' });
    await expect(change).rejects.toMatchObject({
      code: 'model_unavailable',
      details: ['worker 1: no memory'],
    });
    expect(harness.asked).toEqual([PREPARE, ABORT]);
    expect(harness.serving.map(({ size }) => size)).toEqual([0, 0]);
  });

  it('holds every phase to its time', async () => {
    const harness = new ClusterHarness();
    harness.failing = (worker) =>
      worker === 1 ? new DomainError('deadline_exceeded', 'no answer') : undefined;
    const coordinator = harness.coordinator({ loadTimeoutMs: 7000 });
    await expect(coordinator.change({ action: 'load', model: 'm' })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    harness.failing = () => undefined;
    await coordinator.change({ action: 'load', model: 'm' });
    await coordinator.change({ action: 'unload', model: 'm' });
    expect(harness.timeoutsMs).toEqual({ [PREPARE]: 12_000, [ABORT]: 7000, [COMMIT]: 5000, [RETIRE]: 7000 });
  });

  it('has changed even where a worker does not swap in time, and logs which', async () => {
    const harness = new ClusterHarness();
    harness.stuck = 1;
    const coordinator = harness.coordinator();
    await coordinator.change({ action: 'load', model: 'm' });
    expect(coordinator.isLoaded('m')).toBe(true);
    expect(harness.log.events).toContainEqual({
      msg: 'a worker has not swapped yet',
      model: 'm',
      worker: 1,
      reason: 'no answer',
    });
  });

  it('refuses to let workers serve different contents', async () => {
    const harness = new ClusterHarness();
    harness.digests = ['a', 'b'];
    await expect(harness.coordinator().change({ action: 'load', model: 'm' })).rejects.toThrow(
      /changed while/,
    );
    expect(harness.asked).toEqual([PREPARE, ABORT]);
  });

  it('tells a worker that starts later what the others have', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    expect(coordinator.desired()).toBeUndefined();
    expect(await adopt(coordinator, 'a', 'b')).toBe(true);
    await coordinator.change({ action: 'ensure', model: 'c', version: '7' });
    await coordinator.change({ action: 'unload', model: 'a' });
    expect(coordinator.desired()).toEqual({
      generation: 2,
      loaded: [
        { model: 'b', versions: [{ version: '1', digest: 'a', byDefault: true }] },
        { model: 'c', versions: [{ version: '7', digest: 'a', byDefault: true }] },
      ],
      kept: ['a', 'b'],
      failed: [],
      unloaded: ['a'],
      unbatched: [],
      quarantined: [],
    });
  });

  it('lets nobody in who has not what the others have by now', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await adopt(coordinator, 'a');
    await coordinator.change({ action: 'load', model: 'a' });
    const admit = jest.fn();
    expect(
      await coordinator.join(
        { generation: 0, loaded: [], kept: [], unavailable: [], elsewhere: [] },
        { ...NEEDED, admit },
      ),
    ).toBe(false);
    expect(admit).not.toHaveBeenCalled();
    expect(
      await coordinator.join(
        { generation: 1, loaded: [kept('a')], kept: [], unavailable: [], elsewhere: [] },
        { ...NEEDED, admit },
      ),
    ).toBe(true);
    expect(admit).toHaveBeenCalledTimes(1);
  });

  it('has a worker that joins during a change prepare before any commits', async () => {
    const harness = new ClusterHarness();
    let open = (): void => undefined;
    harness.gate = new Promise((resolve) => (open = resolve));
    const coordinator = harness.coordinator();
    await adopt(coordinator, 'a');
    const change = coordinator.change({ action: 'load', model: 'm' });
    const joined = coordinator.join(
      { generation: 0, loaded: [kept('a')], kept: [], unavailable: [], elsewhere: [] },
      {
        ...NEEDED,
        admit: () => void harness.serving.push(new Map()),
      },
    );
    open();
    await Promise.all([change, joined]);
    expect(harness.serving.map((serving) => serving.get('m'))).toEqual(['1', '1', '1']);
  });

  it('has all load anew where a worker that joins found other files', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await adopt(coordinator, 'a', 'b');
    const other = { ...kept('a'), digest: 'other' };
    await coordinator.join(
      { generation: 0, loaded: [other, kept('b')], kept: [], unavailable: [], elsewhere: [] },
      NEEDED,
    );
    expect(harness.asked).toEqual([PREPARE, COMMIT]);
    expect(coordinator.missing([kept('b')])).toEqual(['a']);
  });

  it('brings a version to a worker that lacks what the others have', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await adopt(coordinator, 'a');
    await coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    expect(harness.asked).toEqual([PREPARE, COMMIT]);
    expect(coordinator.desired()?.loaded).toEqual([
      { model: 'a', versions: [{ version: '1', digest: 'a', byDefault: true }] },
    ]);
  });

  it('makes one of changes that wait and want the same', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    let open = (): void => undefined;
    harness.gate = new Promise((resolve) => (open = resolve));
    const load = () => coordinator.change({ action: 'load', model: 'm' });
    const underWay = load();
    await new Promise(setImmediate);
    const waiting = [load(), load(), load()];
    open();
    await Promise.all([underWay, ...waiting]);
    expect(harness.asked).toEqual([PREPARE, COMMIT, PREPARE, COMMIT]);
  });

  it('makes changes of one model wait for each other', async () => {
    const harness = new ClusterHarness();
    let open = (): void => undefined;
    harness.gate = new Promise((resolve) => (open = resolve));
    const coordinator = harness.coordinator();
    const changes = [
      coordinator.change({ action: 'load', model: 'm' }),
      coordinator.change({ action: 'unload', model: 'm' }),
    ];
    await Promise.resolve();
    open();
    await Promise.all(changes);
    expect(harness.asked).toEqual([PREPARE, COMMIT, RETIRE]);
    expect(harness.serving[0]!.has('m')).toBe(false);
  });

  it('does not load anew what a call unloads meanwhile', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await adopt(coordinator, 'm');
    await Promise.all([
      coordinator.change({ action: 'unload', model: 'm' }),
      // As for a changed folder, or for a worker that found other files.
      coordinator.change({ action: 'renew', model: 'm' }),
    ]);
    expect(harness.asked).toEqual([RETIRE]);
    expect(coordinator.isLoaded('m')).toBe(false);
  });

  it('does not load again on request what a call unloaded', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await coordinator.change({ action: 'unload', model: 'm' });
    const wanted = coordinator.change({ action: 'ensure', model: 'm', version: '1' });
    await expect(wanted).rejects.toThrow(/unloaded/);
    await coordinator.change({ action: 'load', model: 'm' });
    await coordinator.change({ action: 'ensure', model: 'm', version: '1' });
    expect(harness.serving[1]!.get('m')).toBe('1');
  });

  it('lets the least recently used version make room, and never a required one', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator({ maxResident: 2 });
    await adopt(coordinator, 'r');
    harness.serving.forEach((serving) => serving.set('r', '1'));
    await coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    await coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    expect([...harness.serving[0]!.keys()]).toEqual(['r', 'b']);
  });

  describe('of a small version that all had before', () => {
    const ensure = (model: string) => ({ action: 'ensure' as const, model, version: '1' });

    /** Has `a` and then `b` loaded where there is room for one. */
    async function full(harness: ClusterHarness): Promise<Coordinator> {
      harness.light = true;
      const coordinator = harness.coordinator({ maxResident: 1 });
      await coordinator.change(ensure('a'));
      await coordinator.change(ensure('b'));
      harness.asked.length = 0;
      harness.prepares.length = 0;
      return coordinator;
    }

    it('takes one message to each worker, which says what makes room, too', async () => {
      const harness = new ClusterHarness();
      const coordinator = await full(harness);
      await coordinator.change(ensure('a'));
      expect(harness.asked).toEqual([USAGE, PREPARE]);
      const [, { versions, atOnce }] = harness.prepares[0]!;
      expect(versions).toEqual([{ version: '1', digest: 'a' }]);
      expect(atOnce).toMatchObject({ leave: [{ model: 'b', version: '1' }] });
      expect(harness.serving.map((serving) => [...serving.keys()])).toEqual([['a'], ['a']]);
      expect(coordinator.desired()).toBeUndefined();
      expect([coordinator.isLoaded('a'), coordinator.isLoaded('b')]).toEqual([true, false]);
    });

    it('is not what came to the others while it made room for another', async () => {
      const harness = new ClusterHarness();
      const coordinator = await full(harness);
      let open = (): void => undefined;
      harness.gate = new Promise((resolve) => (open = resolve));
      // One that a worker lacks is prepared for it, and chosen to go meanwhile.
      const again = coordinator.change(ensure('b'));
      await new Promise((resolve) => setImmediate(resolve));
      const other = coordinator.change(ensure('a'));
      await new Promise((resolve) => setImmediate(resolve));
      open();
      await Promise.all([again, other]);
      const there = harness.serving.map((serving) => [...serving.keys()]);
      expect(there).toEqual([['b'], ['b']]);
      expect([coordinator.isLoaded('a'), coordinator.isLoaded('b')]).toEqual([false, true]);
    });

    it('takes two phases again where a worker cannot have the same', async () => {
      const harness = new ClusterHarness();
      const coordinator = await full(harness);
      harness.failing = (worker, { versions }) =>
        worker === 1 && versions?.[0]?.digest === 'a'
          ? new DomainError('model_unavailable', 'other files')
          : undefined;
      harness.digests = ['c', 'c'];
      await coordinator.change(ensure('a'));
      expect(harness.asked).toEqual([USAGE, PREPARE, ABORT, RETIRE, PREPARE, COMMIT]);
      expect(harness.serving.map((serving) => [...serving.keys()])).toEqual([['a'], ['a']]);
    });

    it('is not waited for by those who wait for it, where a worker cannot have the same', async () => {
      const harness = new ClusterHarness();
      const coordinator = await full(harness);
      harness.failing = (worker, { versions }) =>
        worker === 1 && versions?.[0]?.digest === 'a' ? new Error('no descriptors') : undefined;
      harness.digests = ['c', 'c'];
      harness.held = coordinator.change(ensure('a'), 0);
      await harness.held;
      expect(coordinator.isLoaded('a')).toBe(true);
    });

    it('leaves it alone when a worker dies of it after all', async () => {
      const harness = new ClusterHarness();
      const coordinator = await full(harness);
      harness.dying = 1;
      await expect(coordinator.change(ensure('a'))).rejects.toMatchObject({
        code: 'model_unavailable',
        message: /it died while it loaded/,
      });
      expect(harness.serving[0]!.has('a')).toBe(false);
      harness.dying = -1;
      await expect(coordinator.change(ensure('a'))).rejects.toMatchObject({ message: /left alone/ });
    });

    it('is tried again a while after one death, and after two in a row by a call alone', async () => {
      const harness = new ClusterHarness();
      let nowMs = 0;
      const coordinator = harness.coordinator({ now: () => nowMs });
      const dies = async (): Promise<void> => {
        harness.dying = 1;
        await expect(coordinator.change(ensure('a'))).rejects.toThrow('it died while it loaded');
        harness.dying = -1;
      };
      const isLeftAlone = () => expect(coordinator.change(ensure('a'))).rejects.toThrow('left alone');
      await dies();
      nowMs += 59_000;
      await isLeftAlone();
      nowMs += 1000;
      await dies();
      nowMs += 3_600_000;
      await isLeftAlone();
      await coordinator.change({ action: 'load', model: 'a' });
      // What loads has nothing against it any more.
      await dies();
      nowMs += 60_000;
      await coordinator.change(ensure('a'));
      await dies();
      nowMs += 60_000;
      await coordinator.change(ensure('a'));
      expect(harness.serving[0]!.has('a')).toBe(true);
    });

    it('is no more than so many loads at once', async () => {
      const harness = new ClusterHarness();
      harness.light = true;
      const coordinator = harness.coordinator({ maxResident: 10, maxLoads: 2 });
      let open = (): void => undefined;
      harness.gate = new Promise((resolve) => (open = resolve));
      const changes = ['a', 'b', 'c', 'd'].map((model) => coordinator.change(ensure(model)));
      await new Promise((resolve) => setImmediate(resolve));
      expect(harness.asked).toEqual([PREPARE, PREPARE]);
      open();
      await Promise.all(changes);
      expect(harness.serving[0]!.size).toBe(4);
    });
  });

  it('tells those that leave what was replaced, and not what came beside it', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator();
    await coordinator.change({ action: 'load', model: 'a' });
    await coordinator.change({ action: 'ensure', model: 'a', version: '2' });
    expect(harness.told).toMatchObject([{ replaced: { model: 'a' } }, { replaced: undefined }]);
  });

  it('refuses for want of room when nothing is idle', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator({ maxResident: 1, loadTimeoutMs: 1 });
    await coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    harness.idle = false;
    const refused = coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    await expect(refused).rejects.toMatchObject({
      code: 'model_unavailable',
      message: /MAX_RESIDENT_MODELS/,
    });
    harness.idle = true;
    await coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    expect([...harness.serving[0]!.keys()]).toEqual(['b']);
  });

  it('keeps the resident models within their memory', async () => {
    const harness = new ClusterHarness();
    const coordinator = harness.coordinator({ maxMemoryBytes: 250 });
    for (const model of ['a', 'b', 'c']) await coordinator.change({ action: 'ensure', model, version: '1' });
    expect([...harness.serving[0]!.keys()].sort()).toEqual(['b', 'c']);
  });
});
