import { Inject, Injectable, Logger } from '@nestjs/common';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { Ipc } from '../../process/ipc/ipc.service';
import { cut } from '../../common/cut';
import { withDeadline } from '../../common/with-deadline';
import {
  ABORT,
  type AtOnce,
  COMMIT,
  type Abort,
  type Commit,
  type Leave,
  PREPARE,
  type Prepare,
  type Prepared,
  QUARANTINE,
  type Quarantined,
  RETIRE,
  type Retire,
  UNBATCH,
  type Unbatched,
  USAGE,
  type VersionUsage,
  type WantedVersion,
  WRONG_BATCHES,
} from './messages';
import type { ModelConfig } from '../repository/model-config';
import { quarantinedVersion } from './model-errors';
import { VersionEntry } from '../loading/model-entry';
import { ModelLoader } from '../loading/model-loader';
import { ModelRegistry } from '../loading/model-registry';
import type { FoundModel } from '../repository/model-repository';
import type { LoadedModel } from '../loading/loaded-model';
import type { Proof } from '../loading/proof';
import { ServingVersions } from './serving-versions';
import { versionDigest } from '../repository/version-digest';
import { versionsToServe } from '../repository/version-policy';

/** For a word to all workers that needs no work. */
const TELL_ALL_MS = 10_000;

interface Staged {
  readonly model: string;
  readonly replace: boolean;
  readonly entries: readonly VersionEntry[];
  /** Do they serve already? Then the change is for workers that lack them. */
  readonly serving: boolean;
}

export interface OverdueLoad {
  readonly model: string;
  readonly version: string;
  readonly config: ModelConfig;
  /** When its time was over, by `performance.now()`. */
  readonly sinceMs: number;
}

/** This worker's part in the changes of the whole server, as the coordinator asks for it. */
@Injectable()
export class Participant {
  private readonly logger = new Logger(Participant.name);
  private readonly preparing = new Set<number>();
  private readonly staged = new Map<number, Staged>();
  private readonly serving = new ServingVersions();
  /** Versions that serve no more and finish what they hold. */
  private readonly leaving = new Set<Promise<void>>();
  /** Loads that nobody waits for any more, but for those of the start: a successor would only begin them again. */
  readonly overdue = new Set<OverdueLoad>();
  private stopped = false;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly registry: ModelRegistry,
    private readonly loader: ModelLoader,
    private readonly ipc: Ipc,
  ) {
    ipc.handle<Prepare, Prepared>(PREPARE, (wanted) => this.prepare(wanted));
    ipc.handle<Commit, void>(COMMIT, (commit) => this.commit(commit));
    ipc.handle<Abort, void>(ABORT, ({ id }) => this.abort(id));
    ipc.handle<Retire, void>(RETIRE, (retire) => this.retire(retire));
    ipc.handle<undefined, VersionUsage[]>(USAGE, () => this.serving.usage);
    ipc.handle<Quarantined, void>(QUARANTINE, (quarantined) => this.quarantine(quarantined));
    ipc.handle<Unbatched, void>(UNBATCH, (unbatched) => this.unbatch(unbatched));
    loader.onWrongBatches((served, reason) => void this.reportWrongBatches(served, reason));
  }

  /** Loads versions beside what serves: all of them, or none. */
  async prepare(wanted: Prepare): Promise<Prepared> {
    const { id, atOnce, proofs = [] } = wanted;
    this.preparing.add(id);
    for (const proof of proofs) this.loader.keep(proof as Proof);
    for (const one of atOnce?.leave ?? []) this.makeRoom(one);
    try {
      const prepared = await this.stage(wanted);
      return atOnce === undefined ? prepared : this.serveAtOnce(id, prepared, atOnce);
    } finally {
      this.preparing.delete(wanted.id);
    }
  }

  /** From one request to the next, what was prepared serves. */
  commit({ id, generation, byDefault, unbatched }: Commit): void {
    const staged = this.staged.get(id);
    if (staged === undefined) return;
    this.staged.delete(id);
    this.registry.expect(staged.model).agreed = byDefault;
    for (const entry of staged.entries) entry.generation = generation;
    if (!staged.serving) this.serve(staged.entries, staged.replace);
    for (const one of unbatched) this.unbatch(one);
  }

  private makeRoom({ model, version, generation }: Leave): void {
    const entry = this.registry.get(model)?.versions.get(version);
    if (entry !== undefined && entry.generation <= generation)
      void this.retire({ model, versions: [version], byCall: false });
  }

  private serveAtOnce(
    id: number,
    prepared: Prepared,
    { byDefault, unbatched, generation }: AtOnce,
  ): Prepared {
    const { versions, latest } = prepared;
    const isLatest = versions.some(({ version }) => version === latest);
    this.commit({ id, generation, byDefault: byDefault ?? (isLatest ? latest : undefined), unbatched });
    return { versions, latest, usage: this.usage };
  }

  /** How the versions are used that may make room; undefined where they are many. */
  get usage(): VersionUsage[] | undefined {
    return this.serving.usageOfFew((model) => this.registry.get(model)?.kept !== true);
  }

  /** Takes no more requests for a version: what waits for it is refused, so that no worker runs it any more. */
  quarantine({ model, version, reason }: Quarantined): void {
    const entry = this.registry.get(model)?.versions.get(version);
    if (entry === undefined) return;
    const refusal = quarantinedVersion(model, version, reason);
    entry.quarantine = refusal;
    entry.served?.queue.remove(refusal);
    entry.served?.recorder.quarantined();
    void this.leave(entry);
    entry.reason = refusal.message;
    this.registry.changed(entry.model);
  }

  /** Has each request of a version run alone from here on, if it is of that content. */
  unbatch({ model, version, digest, reason }: Unbatched): void {
    const entry = this.registry.get(model)?.versions.get(version);
    if (entry?.served === undefined || entry.digest !== digest) return;
    entry.served.queue.stopBatching();
    entry.served.batching.enabled = false;
    entry.served.batching.reason = reason;
  }

  async abort(id: number): Promise<void> {
    this.preparing.delete(id);
    const staged = this.staged.get(id);
    this.staged.delete(id);
    if (staged?.serving !== false) return;
    await Promise.all(staged.entries.map((entry) => this.discard(entry)));
  }

  /** Lets loaded versions serve, in place of the model's others or beside them. */
  private serve(entries: readonly VersionEntry[], replace: boolean): void {
    const [first] = entries;
    if (first === undefined) return;
    const model = this.registry.expect(first.model);
    const before = model.loaded();
    for (const entry of entries) {
      this.serving.add(entry, model.versions.get(entry.version)?.loading);
      model.versions.set(entry.version, entry);
      entry.state = 'READY';
    }
    const gone = before.filter((old) => replace || entries.some(({ version }) => version === old.version));
    for (const old of gone) void this.leave(old);
    model.unloaded = false;
    this.registry.changed(model.name);
  }

  async retire({ model: name, versions, byCall }: Retire): Promise<void> {
    const model = this.registry.expect(name);
    if (byCall) model.unloaded = true;
    if (model.agreed !== undefined && versions.includes(model.agreed)) model.agreed = undefined;
    await Promise.all(
      versions.flatMap((version) => {
        const entry = model.versions.get(version);
        return entry === undefined ? [] : [this.leave(entry)];
      }),
    );
  }

  /** At the end of the process: everything goes, when it is idle. */
  async retireAll(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.staged.keys()].map((id) => this.abort(id)));
    for (const entry of this.registry.versions()) void this.leave(entry);
    await Promise.all(this.leaving);
  }

  private async reportWrongBatches(
    { name, version, digest, config }: LoadedModel,
    fault: string,
  ): Promise<void> {
    const reason = `its batches were wrong: ${fault}`;
    const unbatched: Unbatched = { model: name, version, digest: versionDigest(digest, config), reason };
    this.logger.error({
      msg: 'batches of a model were wrong, it is not batched any more',
      model: name,
      version,
      reason,
    });
    this.unbatch(unbatched);
    try {
      await this.ipc.askPrimary(WRONG_BATCHES, unbatched, TELL_ALL_MS);
    } catch (error) {
      this.logger.error({
        msg: 'other workers may not know that',
        model: name,
        version,
        reason: reasonOf(error),
      });
    }
    this.registry.batchesWereWrong(name);
  }

  private async stage({ id, model, versions, replace, atOnce }: Prepare): Promise<Prepared> {
    const serving = replace ? undefined : this.servingOf(model, versions);
    if (serving !== undefined) {
      this.staged.set(id, { model, replace, entries: serving, serving: true });
      return this.preparedOf(model, serving);
    }
    const isFirst = id < 0 && versions === undefined;
    const found = this.foundBefore(model, atOnce !== undefined, isFirst) ?? (await this.find(model));
    const there = found.versions.map(({ version }) => version);
    const byPolicy = (): WantedVersion[] =>
      versionsToServe(found.config.versions, there).map((version) => ({ version }));
    const wanted = new Map((versions ?? byPolicy()).map(({ version, digest }) => [version, digest]));
    if (wanted.size === 0) throw unusable(found);
    const entries = found.versions
      .filter(({ version }) => wanted.has(version))
      .map((version) => new VersionEntry(model, version, found.config, wanted.get(version.version)));
    if (entries.length < wanted.size) {
      const names = [...wanted.keys()].join(', ');
      throw new DomainError('version_not_found', `Model "${model}" has no version ${names}.`);
    }
    const loads = await Promise.allSettled(entries.map((entry) => this.loadAside(entry, id < 0)));
    const failed = loads.find((load) => load.status === 'rejected');
    const stillWanted = this.preparing.has(id) && !this.stopped;
    if (failed !== undefined || !stillWanted) {
      await Promise.all(entries.map((entry) => this.discard(entry)));
      throw failed?.reason ?? new DomainError('draining', 'The change was called off.');
    }
    this.staged.set(id, { model, replace, entries, serving: false });
    return this.preparedOf(model, entries);
  }

  private preparedOf(model: string, entries: readonly VersionEntry[]): Prepared {
    const versions = entries.map(({ version, digest, served, load }) => ({
      version,
      digest,
      memoryBytes: served?.memoryBytes ?? 0,
      light: served?.light ?? false,
      load,
    }));
    const proofs = entries.flatMap((entry) => this.loader.proofOf(entry) ?? []);
    return { versions, latest: this.registry.get(model)?.latest, proofs };
  }

  /** The model on disk, with a configuration that can be used. */
  private async find(name: string): Promise<UsableModel> {
    const found = await this.registry.refreshModel(name);
    if (found === undefined) throw new DomainError('model_not_found', `There is no model "${cut(name)}".`);
    if ('fault' in found.config) throw unusable(found);
    return { ...found, config: found.config };
  }

  /** What is held against the disk when it is loaded, and at the start what has just been found. */
  private foundBefore(name: string, atOnce: boolean, isFirst: boolean): UsableModel | undefined {
    const found = atOnce
      ? this.registry.asBefore(name)
      : isFirst
        ? this.registry.get(name)?.found
        : undefined;
    return found === undefined || 'fault' in found.config ? undefined : { ...found, config: found.config };
  }

  /** These versions, where all of them serve. */
  private servingOf(
    model: string,
    versions: readonly WantedVersion[] | undefined,
  ): VersionEntry[] | undefined {
    const here = this.registry.get(model)?.versions;
    const serving = versions?.flatMap(({ version }) => here?.get(version) ?? []);
    const all = serving?.length === versions?.length && serving?.every(({ served }) => served !== undefined);
    return all ? serving : undefined;
  }

  private async loadAside(entry: VersionEntry, atStart: boolean): Promise<void> {
    const known = this.registry.get(entry.model)?.versions.get(entry.version);
    if (known !== undefined && known.served === undefined) known.state = 'LOADING';
    try {
      entry.served = await this.loadInTime(entry, atStart);
    } catch (error) {
      const reason = reasonOf(error);
      // A version that serves goes on as it is; one that does not says why.
      if (known?.served === undefined) known?.failed(reason);
      // Once for each worker; the coordinator says it once for the server.
      const { model, version } = entry;
      this.logger.debug({ msg: 'model could not be loaded here', model, version, reason });
      throw new DomainError(
        'model_unavailable',
        `Model "${entry.model}" version ${entry.version} cannot be served: ${reason}`,
        { cause: error },
      );
    }
  }

  /** A load cannot be cancelled: when its time is over it goes on, and what comes of it is thrown away. */
  private async loadInTime(entry: VersionEntry, atStart: boolean): Promise<LoadedModel> {
    const loading = this.loader.load(entry);
    const deadlineMs = performance.now() + this.config.loadTimeoutMs;
    try {
      return await withDeadline(loading, deadlineMs, 'it to load and warm up');
    } catch (error) {
      const { model, version, config } = entry;
      const overdue: OverdueLoad = { model, version, config, sinceMs: performance.now() };
      if (!atStart) this.overdue.add(overdue);
      void loading
        .then((served) => this.loader.unload(served))
        // Why it failed after all does not matter any more.
        .catch(() => undefined)
        .finally(() => this.overdue.delete(overdue));
      throw error;
    }
  }

  private async discard(entry: VersionEntry): Promise<void> {
    const { served } = entry;
    entry.served = undefined;
    const known = this.registry.get(entry.model)?.versions.get(entry.version);
    if (known?.state === 'LOADING') known.state = 'UNAVAILABLE';
    if (served !== undefined) await this.unload(served);
  }

  /** New requests do not find it from here on; those that hold it are let finish. */
  private leave(entry: VersionEntry): Promise<void> {
    const { served } = entry;
    if (served === undefined) return Promise.resolve();
    entry.served = undefined;
    this.serving.delete(entry);
    entry.state = 'UNLOADING';
    this.registry.changed(entry.model);
    const left = this.unload(served).then(() => {
      if (entry.state === 'UNLOADING') entry.state = 'UNAVAILABLE';
      this.registry.changed(entry.model);
    });
    this.leaving.add(left);
    return left.finally(() => this.leaving.delete(left));
  }

  private async unload(served: LoadedModel): Promise<void> {
    await served.use.idle();
    await this.loader.unload(served);
  }
}

type UsableModel = Omit<FoundModel, 'config'> & { readonly config: ModelConfig };

function unusable(found: Pick<FoundModel, 'name' | 'faults'>): DomainError {
  const reasons = found.faults.map(({ reason }) => reason).join('; ');
  return new DomainError('model_unavailable', `Model "${found.name}" cannot be served: ${reasons}`);
}
