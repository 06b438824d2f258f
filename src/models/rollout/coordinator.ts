import { DomainError, reasonOf } from '../../errors/domain-error';
import type { LoadedVersion } from '../../process/ipc/loaded-version';
import type { Reply } from '../../process/ipc/messages';
import type { RpcChannel } from '../../process/ipc/rpc-channel';
import {
  ABORT,
  type Commit,
  CHANGE,
  COMMIT,
  DESIRED,
  type DesiredModels,
  JOIN,
  type Join,
  type Joined,
  type Leave,
  type LoadedVersions,
  type ModelChange,
  type Prepare,
  type Prepared,
  type PreparedVersion,
  QUARANTINE,
  type Quarantined,
  RETIRE,
  UNBATCH,
  type Unbatched,
  type Wish,
  WRONG_BATCHES,
} from './messages';
import { PreparePhase, type PreparePhaseOptions } from './prepare-phase';
import { SetAside, versionKey } from './set-aside';
import { LruResidency } from './lru-residency';
import { whatToDo } from '../what-to-do';
import { ChangeQueue } from './change-queue';
import { backoffMs } from '../../common/backoff';
import { Line } from '../../common/line';
import { FAULT_LINES, LoadLog } from '../loading/load-log';
import type { EventLog } from '../../telemetry/logging/log-line';

/** For a swap, which takes no work. */
const QUICK_MS = 5_000;
/** From 2 s on, what a worker lacks is tried again. */
const PATIENCE = 3;
/** Small versions whose content is remembered. */
const MAX_KNOWN = 10_000;

export interface CoordinatorOptions extends PreparePhaseOptions {
  /** Tells those as well that have been told to stop, which answer what is still on its way to them. */
  tellAll(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<void>[]>;
  readonly maxResident: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  /** Loads for requests that are under way at once. */
  readonly maxLoads: number;
  /** In milliseconds; left out: the process's own clock. */
  readonly now?: () => number;
  readonly log: EventLog;
}

/** Is a worker that starts the only one, needed beside others, or may those do without it for a while? */
export type Standing = 'alone' | 'needed' | 'spare';

/** A worker as the coordinator knows it. */
export interface Member {
  readonly id: number;
  /** From then on it is asked like the others. */
  admit(): void;
  readonly standing: Standing;
  /** It leaves what comes in to the others, until it can load what they serve. */
  waits(): void;
}

interface Staged extends Prepared {
  readonly model: string;
  readonly id: number;
}

/**
 * Which models the whole server has loaded, and the one place where that changes: in the primary, or in the
 * only process. A change has two phases, so that it happens on every worker or on none: each loads beside
 * what serves, and when all have, all swap. Changes of one model come one after the other.
 */
export class Coordinator {
  private generation = 0;
  private adopted = false;
  private lastId = 0;
  private readonly residents: LruResidency;
  /** Models that were to be loaded at the start. */
  private readonly kept = new Set<string>();
  /** Why some of them are not, by model. */
  private readonly failures = new Map<string, string>();
  private readonly aside: SetAside;
  /** Small versions that all workers had before: such a one comes back in one message. */
  private readonly known = new Map<string, LoadedVersion>();
  /** Workers that cannot load what the others serve, and when that is tried again. */
  private readonly waiting = new WeakMap<object, { tries: number; untilMs: number }>();
  private readonly turns = new ChangeQueue();
  private readonly line: Line;
  private readonly loads: LoadLog;
  private readonly faults: LoadLog;

  private readonly now: () => number;

  constructor(private readonly options: CoordinatorOptions) {
    this.now = options.now ?? (() => performance.now());
    this.aside = new SetAside(this.now);
    this.line = new Line(options.maxLoads);
    const { log } = options;
    this.loads = new LoadLog('model loaded', 'more models loaded', (event) => log.info(event));
    this.faults = new LoadLog(
      'model could not be loaded',
      'more models could not be loaded',
      (event) => log.error(event),
      FAULT_LINES,
    );
    const unloads = new LoadLog('model unloaded', 'more models unloaded', (event) => log.info(event));
    this.residents = new LruResidency(options, ({ model, version }) => {
      unloads.add({ model, version, why: 'to make room for others' });
      return this.retire(model, [version], false);
    });
  }

  /** Answers a worker's questions on its line. */
  serve(channel: Pick<RpcChannel, 'handle'>, member: Member): void {
    channel.handle<Wish, void>(CHANGE, ({ change, usage }) => {
      if (usage !== undefined) this.residents.heard(member.id, usage);
      return this.change(change, member.id);
    });
    channel.handle<undefined, DesiredModels | undefined>(DESIRED, () => this.desired());
    // Not one of the changes that wait for each other: meanwhile answers would be wrong.
    channel.handle<Unbatched, void>(WRONG_BATCHES, (unbatched) => this.unbatch(unbatched));
    channel.handle<Join, Joined>(JOIN, (join) => this.join(join, member));
  }

  /** What a worker that starts is to load; undefined while none has said what it found by its settings. */
  desired(): DesiredModels | undefined {
    if (!this.adopted) return undefined;
    return {
      generation: this.generation,
      loaded: this.residents.list(),
      kept: [...this.kept],
      failed: [...this.failures].map(([model, reason]) => ({ model, reason })),
      ...this.aside.desired,
    };
  }

  /**
   * Takes a worker in that is about to serve. What the first one loaded by its settings is what all are to have;
   * another one has to be up to date, and where it found other files than the others, all load anew. Where that fails, it
   * had better not serve while others do: they answer what it cannot.
   */
  async join(join: Join, member: Omit<Member, 'id'>): Promise<Joined> {
    const { generation, loaded, kept, unavailable, elsewhere } = join;
    if (this.adopted && generation !== this.generation) return false;
    // No change can come between this and the next question to all.
    member.admit();
    if (!this.adopted) {
      this.adopted = true;
      for (const model of kept) this.kept.add(model);
      for (const version of loaded) this.nowLoaded(version);
      for (const { model, reason } of unavailable) this.failed(model, reason);
      return true;
    }
    const waits = this.waiting.get(member) ?? { tries: 0, untilMs: -Infinity };
    if (this.now() >= waits.untilMs) {
      await this.makeAlike(loaded);
      waits.untilMs = this.now() + backoffMs(++waits.tries + PATIENCE);
      this.waiting.set(member, waits);
      // It had its part in what was changed, and says what it has now.
      if (generation !== this.generation) return false;
    }
    const lacking = this.lacking(loaded).filter(({ model }) => !elsewhere.includes(model));
    const { standing } = member;
    if (standing === 'spare' && lacking.length > 0) {
      member.waits();
      return lacking.map(({ model }) => model);
    }
    this.waiting.delete(member);
    // Nobody has it any more: what the folder has when it is asked for is as good as what there was.
    if (standing === 'alone') for (const one of lacking) this.letGo(one);
    return true;
  }

  /** The models of the start that the server has loaded, but not a worker that has these. */
  missing(loaded: readonly LoadedVersion[]): string[] {
    const there = new Set(loaded.map(({ model }) => model));
    return [...this.kept].filter((model) => this.isLoaded(model) && !there.has(model));
  }

  isLoaded(model: string): boolean {
    return this.residents.of(model).length > 0;
  }

  /**
   * @param asker the worker that asks for it, if it is one
   * @throws model_not_found, version_not_found, model_unavailable with the reason by worker
   */
  change(change: ModelChange, asker?: number): Promise<void> {
    return this.turns.take(change, () => this.carryOut(change, asker));
  }

  private async carryOut(change: ModelChange, asker: number | undefined): Promise<void> {
    switch (change.action) {
      case 'load':
        return this.load(change.model, asker);
      case 'renew':
        return this.aside.isUnloaded(change.model) ? undefined : this.load(change.model, asker);
      case 'unload':
        return this.unload(change.model);
      case 'ensure':
        return this.ensure(change.model, change.version, asker);
    }
  }

  private async load(model: string, asker: number | undefined): Promise<void> {
    const staged = await this.prepare({ model, replace: true }, asker);
    for (const { version } of this.residents.of(model)) this.residents.remove(model, version);
    const last = staged.versions.at(-1);
    for (const prepared of staged.versions) {
      this.nowLoaded(this.loadedVersion(model, prepared, prepared === last));
    }
    this.aside.release(model);
    const digests = Object.fromEntries(staged.versions.map(({ version, digest }) => [version, digest]));
    await this.commit(staged, { model, digests });
    this.options.log.info({
      msg: 'model swapped',
      model,
      versions: staged.versions.map(({ version }) => version),
    });
    await this.residents.shrink(model);
  }

  private async ensure(model: string, version: string, asker: number | undefined): Promise<void> {
    this.aside.requireUsable(model, version);
    const resident = this.residents.get(model, version);
    if (resident !== undefined) {
      // Whoever asks lacks what the others have: what kept it from loading may have passed.
      const { digest } = resident;
      const staged = await this.prepare({ model, versions: [{ version, digest }], replace: false }, asker);
      if (this.residents.get(model, version) === resident) return this.commit(staged);
      // It has made room meanwhile.
      await this.abort(staged.id);
    }
    const known = this.known.get(versionKey(model, version));
    if (known !== undefined && (await this.bringBack(known, asker))) return;
    await this.residents.reserve(model, version);
    try {
      await this.line.through(() => this.loadBeside(model, version, asker));
    } catch (error) {
      this.residents.remove(model, version);
      throw error;
    }
  }

  private async loadBeside(model: string, version: string, asker: number | undefined): Promise<void> {
    const wanted = { model, versions: [{ version }], replace: false };
    const staged = await this.prepare(wanted, asker, async ({ versions }) => {
      for (const { memoryBytes } of versions) await this.residents.claim(model, version, memoryBytes);
    });
    for (const prepared of staged.versions) this.nowBeside(model, prepared, staged.latest);
    await this.commit(staged);
  }

  /**
   * Has all workers load a small version again that they had before, in one message to each: that it loads and what it
   * is, is known, and each takes this very content or none. Nobody can see that one has it a moment before the other.
   * @returns false when it has to be looked at anew, as one of them could not
   */
  private async bringBack(known: LoadedVersion, asker: number | undefined): Promise<boolean> {
    const { model, version, digest } = known;
    const leave = await this.reserveKnown(known);
    const wanted: Prepare = {
      id: ++this.lastId,
      model,
      versions: [{ version, digest }],
      replace: false,
      atOnce: {
        byDefault: this.residents.byDefault(model),
        unbatched: this.aside.unbatchedOf(model),
        generation: ++this.generation,
        leave,
      },
    };
    const phase = new PreparePhase(wanted, asker, this.options);
    try {
      const { versions, latest } = await this.line.through(() => {
        // Who joins from here on has not those that leave.
        this.generation++;
        return phase.reachAll();
      });
      this.generation++;
      this.aside.loads(model);
      for (const [worker, usages] of phase.usages) this.residents.heard(worker, usages);
      for (const prepared of versions) this.nowBeside(model, prepared, latest);
      return true;
    } catch (error) {
      await this.takeBack(known, wanted.id);
      if (!phase.deadly) return false;
      this.leaveAlone(model, error);
      throw error;
    }
  }

  /** @returns small ones that make room for it, which the workers are to be told of along with it */
  private async reserveKnown(known: LoadedVersion): Promise<Leave[]> {
    const leave: Leave[] = [];
    try {
      await this.residents.reserveKnown(known, ({ model, version }) => {
        leave.push({ model, version, generation: this.generation });
      });
      return leave;
    } catch (error) {
      for (const { model, version } of leave) await this.retire(model, [version], false);
      throw error;
    }
  }

  private async takeBack({ model, version }: LoadedVersion, id: number): Promise<void> {
    this.known.delete(versionKey(model, version));
    this.residents.remove(model, version);
    await this.abort(id);
    // Whoever asked for it holds it until this change is through, which so cannot wait for that.
    void this.retire(model, [version], false);
  }

  private nowBeside(model: string, prepared: PreparedVersion, latest: string | undefined): void {
    // What requests that name none get stays the same as long as it is loaded, whatever the folder has by then.
    const isDefault = latest === prepared.version && this.residents.byDefault(model) === undefined;
    this.nowLoaded(this.loadedVersion(model, prepared, isDefault));
  }

  private async unload(model: string): Promise<void> {
    const versions = this.residents.of(model).map(({ version }) => version);
    this.aside.unload(model);
    for (const version of versions) this.residents.remove(model, version);
    await this.retire(model, versions, true);
    this.options.log.info({ msg: 'model unloaded', model, versions, why: 'a call' });
  }

  /** Sets a version aside on all workers, those that come later included, until a call loads the model. */
  async quarantine(quarantined: Quarantined): Promise<void> {
    if (!this.aside.quarantine(quarantined)) return;
    const { model, version } = quarantined;
    this.residents.remove(model, version);
    this.generation++;
    this.options.log.info({ msg: 'model set aside, workers died while they ran it', ...quarantined });
    await this.options.askAll(QUARANTINE, quarantined, QUICK_MS);
  }

  /** A call that loads the model has it tried again; as long as nobody makes one, no worker does. */
  private async unbatch(unbatched: Unbatched): Promise<void> {
    if (!this.aside.unbatch(unbatched)) return;
    this.generation++;
    this.options.log.info({ msg: 'batches of a model were wrong, it is not batched any more', ...unbatched });
    await this.options.askAll(UNBATCH, unbatched, QUICK_MS);
  }

  /** Where a worker found other files than the others have loaded, what is in the folder now is for all. */
  private async makeAlike(loaded: readonly LoadedVersion[]): Promise<void> {
    const changes: ModelChange[] = [
      ...this.adopt(loaded).map(({ model, version }) => ({
        action: 'ensure' as const,
        model,
        version,
      })),
      ...this.lacking(loaded).map(({ model }) => ({ action: 'renew' as const, model })),
    ];
    for (const change of changes) {
      const { model } = change;
      try {
        this.aside.requireHarmless(model);
        await this.change(change);
      } catch (error) {
        const reason = reasonOf(error);
        this.options.log.info({ msg: 'a new worker has not what the others have', model, reason });
        const isGone = error instanceof DomainError && error.code === 'model_not_found';
        // It might have had to make room any time.
        if (isGone && !this.kept.has(model)) this.letGo({ model, versions: this.residents.of(model) });
      }
    }
  }

  /** Of what is loaded that which is not among these. */
  private lacking(loaded: readonly LoadedVersion[]): LoadedVersions[] {
    const there = new Set(loaded.map(contentOf));
    return this.residents.list().flatMap(({ model, versions }) => {
      const lacks = versions.filter((version) => !there.has(contentOf({ model, ...version })));
      return lacks.length === 0 ? [] : [{ model, versions: lacks }];
    });
  }

  /** Nobody is to have these any more, until a request or a call has them loaded. */
  private letGo({ model, versions }: LoadedVersions): void {
    for (const { version } of versions) this.residents.remove(model, version);
    const names = versions.map(({ version }) => version);
    const why = 'its files are gone, or others';
    this.failed(model, why);
    this.options.log.info({ msg: 'model unloaded', model, versions: names, why });
    // What is under way with it is finished meanwhile.
    void this.retire(model, names, false);
  }

  /** Models of the start that only this worker could load: from now on they are for all. */
  private adopt(loaded: readonly LoadedVersion[]): LoadedVersion[] {
    const found = loaded.filter(
      ({ model }) => this.kept.has(model) && !this.aside.isUnloaded(model) && !this.isLoaded(model),
    );
    for (const version of found) this.nowLoaded(version);
    if (found.length > 0) this.generation++;
    return found;
  }

  private loadedVersion(model: string, prepared: PreparedVersion, byDefault: boolean): LoadedVersion {
    return { ...prepared, model, byDefault, kept: this.kept.has(model) };
  }

  /**
   * First phase, on all workers or, where one fails, on none; those that join meanwhile are among them.
   * @param makeRoom for what was loaded
   */
  private async prepare(
    wanted: Omit<Prepare, 'id'>,
    asker: number | undefined,
    makeRoom?: (prepared: Prepared) => Promise<void>,
  ): Promise<Staged> {
    const { model } = wanted;
    const id = ++this.lastId;
    const phase = new PreparePhase({ ...wanted, id }, asker, this.options);
    try {
      const prepared = await phase.reachAll();
      if (makeRoom !== undefined) {
        await makeRoom(prepared);
        // That may have taken a while, in which others joined.
        await phase.reachAll();
      }
      this.aside.loads(model);
      return { id, model, ...prepared };
    } catch (error) {
      if (phase.deadly) this.leaveAlone(model, error);
      else if (error instanceof DomainError && error.code === 'model_unavailable')
        this.failed(model, error.message);
      await this.abort(id);
      throw error;
    }
  }

  private nowLoaded(loaded: LoadedVersion): void {
    this.residents.add(loaded);
    this.failures.delete(loaded.model);
    const { model, version, load } = loaded;
    if (loaded.light) {
      if (this.known.size >= MAX_KNOWN) this.known.clear();
      this.known.set(versionKey(model, version), loaded);
    }
    this.loads.add({ model, version, ...load });
  }

  private failed(model: string, reason: string): void {
    if (this.kept.has(model) && !this.isLoaded(model)) this.failures.set(model, reason);
    this.faults.add({ model, reason, hint: whatToDo(reason) });
  }

  private leaveAlone(model: string, error: unknown): void {
    this.aside.leaveAlone(model);
    this.options.log.info({
      msg: 'model left alone, a worker died while it loaded it',
      model,
      reason: reasonOf(error),
    });
  }

  private async commit({ id, model }: Staged, replaced?: Commit['replaced']): Promise<void> {
    this.generation++;
    const commit: Commit = {
      id,
      generation: this.generation,
      byDefault: this.residents.byDefault(model),
      unbatched: this.aside.unbatchedOf(model),
      replaced,
    };
    const replies = await this.options.tellAll(COMMIT, commit, QUICK_MS);
    // It cannot be taken back on the others. One that stands still swaps when it turns again, or is replaced by one
    // that loads what is desired now.
    for (const reply of replies) {
      if (!reply.ok && reply.gone === undefined)
        this.options.log.info({
          msg: 'a worker has not swapped yet',
          model,
          worker: reply.place ?? reply.worker,
          reason: reply.reason,
        });
    }
  }

  private async abort(id: number): Promise<void> {
    await this.options.askAll(ABORT, { id }, this.options.loadTimeoutMs);
  }

  private async retire(model: string, versions: readonly string[], byCall: boolean): Promise<void> {
    this.generation++;
    await this.options.askAll(RETIRE, { model, versions, byCall }, this.options.loadTimeoutMs);
  }
}

function contentOf({ model, version, digest }: Pick<LoadedVersion, 'model' | 'version' | 'digest'>): string {
  return JSON.stringify([model, version, digest]);
}
