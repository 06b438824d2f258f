import { DomainError } from '../errors/domain-error';
import { failedReply, type Reply } from '../link/messages';
import { ABORT, COMMIT, type Commit, type Prepare, PREPARE, RETIRE, USAGE } from './change-messages';
import { ModelCoordinator } from './model-coordinator';

/** Two workers that keep what they are told, as real ones do, without models. */
class Crew {
  readonly asked: string[] = [];
  readonly serving = [new Map<string, string>(), new Map<string, string>()];
  readonly staged = new Map<number, Prepare>();
  readonly committed: Commit[] = [];
  /** What a worker answers to `prepare` instead of doing it. */
  failing: (worker: number) => Error | undefined = () => undefined;
  digests = ['a', 'a'];
  idle = true;
  gate: Promise<void> = Promise.resolve();

  coordinator(limits: { maxResident?: number; maxMemoryBytes?: number; loadTimeoutMs?: number } = {}) {
    return new ModelCoordinator({
      maxResident: 5,
      maxMemoryBytes: 0,
      loadTimeoutMs: 1000,
      ...limits,
      askAll: <Value>(topic: string, payload: unknown) =>
        Promise.all(
          this.serving.map((_, worker) => this.answer(topic, payload, worker) as Promise<Reply<Value>>),
        ),
      log: () => undefined,
    });
  }

  private async answer(topic: string, payload: unknown, worker: number): Promise<Reply<unknown>> {
    if (worker === 0) this.asked.push(topic);
    const serving = this.serving[worker]!;
    const id = (payload as { id: number } | undefined)?.id ?? 0;
    switch (topic) {
      case PREPARE: {
        await this.gate;
        const fault = this.failing(worker);
        if (fault) return failedReply(worker, fault);
        const prepare = payload as Prepare;
        this.staged.set(id, prepare);
        const versions = prepare.versions ?? ['1'];
        const digest = this.digests[worker]!;
        const value = { versions: versions.map((version) => ({ version, digest, memoryBytes: 100 })) };
        return { worker, ok: true, value };
      }
      case COMMIT: {
        if (worker === 0) this.committed.push(payload as Commit);
        const { model, versions } = this.staged.get(id)!;
        serving.set(model, (versions ?? ['1']).join());
        break;
      }
      case RETIRE:
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

const required = (model: string) => ({ model, version: '1', required: true, memoryBytes: 100 });

describe('ModelCoordinator', () => {
  it('has every worker prepare before any commits', async () => {
    const crew = new Crew();
    await crew.coordinator().change({ action: 'load', model: 'm' });
    expect(crew.asked).toEqual([PREPARE, COMMIT]);
    expect(crew.serving.map((serving) => serving.get('m'))).toEqual(['1', '1']);
  });

  it('says in the second phase all that a worker needs that was not there in the first', async () => {
    const crew = new Crew();
    await crew.coordinator().change({ action: 'load', model: 'm' });
    expect(crew.committed).toEqual([{ id: 1, model: 'm', versions: ['1'], replace: true }]);
  });

  it('changes nothing anywhere when one worker fails, and says which and why', async () => {
    const crew = new Crew();
    crew.failing = (worker) => (worker === 1 ? new DomainError('model_unavailable', 'no memory') : undefined);
    const change = crew.coordinator().change({ action: 'load', model: 'm' });
    await expect(change).rejects.toMatchObject({
      code: 'model_unavailable',
      details: ['worker 1: no memory'],
    });
    expect(crew.asked).toEqual([PREPARE, ABORT]);
    expect(crew.serving.map(({ size }) => size)).toEqual([0, 0]);
  });

  it('refuses to let workers serve different contents', async () => {
    const crew = new Crew();
    crew.digests = ['a', 'b'];
    await expect(crew.coordinator().change({ action: 'load', model: 'm' })).rejects.toThrow(/changed while/);
    expect(crew.asked).toEqual([PREPARE, ABORT]);
  });

  it('tells a worker that starts later what the others have', async () => {
    const crew = new Crew();
    const coordinator = crew.coordinator();
    expect(coordinator.desired()).toBeUndefined();
    coordinator.adopt([required('a'), required('b')]);
    await coordinator.change({ action: 'ensure', model: 'c', version: '7' });
    await coordinator.change({ action: 'unload', model: 'a' });
    expect(coordinator.desired()).toEqual({
      generation: 2,
      loaded: [
        { model: 'b', versions: ['1'] },
        { model: 'c', versions: ['7'] },
      ],
      unloaded: ['a'],
    });
  });

  it('makes changes of one model wait for each other', async () => {
    const crew = new Crew();
    let open = (): void => undefined;
    crew.gate = new Promise((resolve) => (open = resolve));
    const coordinator = crew.coordinator();
    const changes = [
      coordinator.change({ action: 'load', model: 'm' }),
      coordinator.change({ action: 'unload', model: 'm' }),
    ];
    await Promise.resolve();
    open();
    await Promise.all(changes);
    expect(crew.asked).toEqual([PREPARE, COMMIT, RETIRE]);
    expect(crew.serving[0]!.has('m')).toBe(false);
  });

  it('does not load again on request what a call unloaded', async () => {
    const crew = new Crew();
    const coordinator = crew.coordinator();
    await coordinator.change({ action: 'unload', model: 'm' });
    const wanted = coordinator.change({ action: 'ensure', model: 'm', version: '1' });
    await expect(wanted).rejects.toThrow(/unloaded/);
    await coordinator.change({ action: 'load', model: 'm' });
    await coordinator.change({ action: 'ensure', model: 'm', version: '1' });
    expect(crew.serving[1]!.get('m')).toBe('1');
  });

  it('lets the least recently used version make room, and never a required one', async () => {
    const crew = new Crew();
    const coordinator = crew.coordinator({ maxResident: 2 });
    coordinator.adopt([required('r')]);
    crew.serving.forEach((serving) => serving.set('r', '1'));
    await coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    await coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    expect([...crew.serving[0]!.keys()]).toEqual(['r', 'b']);
  });

  it('refuses for want of room when nothing is idle', async () => {
    const crew = new Crew();
    const coordinator = crew.coordinator({ maxResident: 1, loadTimeoutMs: 1 });
    await coordinator.change({ action: 'ensure', model: 'a', version: '1' });
    crew.idle = false;
    const refused = coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    await expect(refused).rejects.toMatchObject({
      code: 'model_unavailable',
      message: /MAX_RESIDENT_MODELS/,
    });
    crew.idle = true;
    await coordinator.change({ action: 'ensure', model: 'b', version: '1' });
    expect([...crew.serving[0]!.keys()]).toEqual(['b']);
  });

  it('keeps the resident models within their memory', async () => {
    const crew = new Crew();
    const coordinator = crew.coordinator({ maxMemoryBytes: 250 });
    for (const model of ['a', 'b', 'c']) await coordinator.change({ action: 'ensure', model, version: '1' });
    expect([...crew.serving[0]!.keys()].sort()).toEqual(['b', 'c']);
  });
});
