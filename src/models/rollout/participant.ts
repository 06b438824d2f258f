import { PassingSet } from '../../common/passing';
import { Inject, Injectable } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { Ipc } from '../../process/ipc/ipc.service';
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
  WRONG_BATCHES,
} from './messages';
import { quarantinedVersion } from './set-aside';
import { VersionEntry, versionDigest } from '../loading/model-entry';
import { ModelLoader } from '../loading/model-loader';
import { ModelRegistry } from '../loading/model-registry';
import type { LoadedModel } from '../loading/loaded-model';
import type { Proof } from '../loading/proof';
import { ServingVersions } from './serving-versions';
import { type OverdueLoad, Staging, unloadWhenIdle } from './staging';

/** For a word to all workers that needs no work. */
const TELL_ALL_MS = 10_000;

/** This worker's part in the changes of the whole server, as the coordinator asks for it. */
@Injectable()
export class Participant {
  private readonly logger = new EventLogger(Participant.name);
  private readonly staging: Staging;
  private readonly serving = new ServingVersions();
  /** Versions that serve no more and finish what they hold. */
  private readonly leaving = new PassingSet<Promise<void>>();

  constructor(
    @Inject(modelsConfig.KEY) config: ModelsConfig,
    private readonly registry: ModelRegistry,
    private readonly loader: ModelLoader,
    private readonly ipc: Ipc,
  ) {
    this.staging = new Staging(config, registry, loader);
    ipc.handle<Prepare, Prepared>(PREPARE, (wanted) => this.prepare(wanted));
    ipc.handle<Commit, void>(COMMIT, (commit) => this.commit(commit));
    ipc.handle<Abort, void>(ABORT, ({ id }) => this.staging.abort(id));
    ipc.handle<Retire, void>(RETIRE, (retire) => this.retire(retire));
    ipc.handle<undefined, VersionUsage[]>(USAGE, () => this.serving.usage);
    ipc.handle<Quarantined, void>(QUARANTINE, (quarantined) => this.quarantine(quarantined));
    ipc.handle<Unbatched, void>(UNBATCH, (unbatched) => this.unbatch(unbatched));
    loader.onWrongBatches((served, reason) => void this.reportWrongBatches(served, reason));
  }

  /** Loads versions beside what serves: all of them, or none. */
  async prepare(wanted: Prepare): Promise<Prepared> {
    const { id, atOnce, proofs = [] } = wanted;
    for (const proof of proofs) this.loader.keep(proof as Proof);
    for (const one of atOnce?.leave ?? []) this.makeRoom(one);
    const prepared = await this.staging.prepare(wanted);
    return atOnce === undefined ? prepared : this.serveAtOnce(id, prepared, atOnce);
  }

  /** From one request to the next, what was prepared serves. */
  commit({ id, generation, byDefault, unbatched, replaced }: Commit): void {
    const staged = this.staging.take(id);
    if (staged === undefined) {
      if (replaced !== undefined && this.ipc.toldToStop) this.giveUpUnlessSame(replaced, byDefault);
      return;
    }
    this.registry.expect(staged.model).agreed = byDefault;
    for (const entry of staged.entries) entry.generation = generation;
    if (!staged.serving) this.serve(staged.entries, staged.replace);
    for (const one of unbatched) this.unbatch(one);
  }

  /** The others may have something else of that model by now, and this process, which stops, will not. */
  private giveUpUnlessSame(
    { model, digests }: NonNullable<Commit['replaced']>,
    byDefault: string | undefined,
  ): void {
    const own = this.registry.get(model);
    const loaded = own?.loaded() ?? [];
    const isSame =
      loaded.length === Object.keys(digests).length &&
      loaded.every(({ version, digest }) => digests[version] === digest);
    if (isSame && own?.defaultVersion === byDefault) return;
    for (const entry of loaded) {
      entry.refusal = new DomainError(
        'draining',
        `Model "${model}" was loaded anew while this process stops; another one has it.`,
        { retryAfterSeconds: 1 },
      );
      void this.leave(entry);
    }
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

  /** Loads that nobody waits for any more. */
  get overdue(): ReadonlySet<OverdueLoad> {
    return this.staging.overdue;
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
    entry.refusal = refusal;
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
    await this.staging.stop();
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

  /** New requests do not find it from here on; those that hold it are let finish. */
  private leave(entry: VersionEntry): Promise<void> {
    const { served } = entry;
    if (served === undefined) return Promise.resolve();
    entry.served = undefined;
    this.serving.delete(entry);
    entry.state = 'UNLOADING';
    this.registry.changed(entry.model);
    const left = unloadWhenIdle(this.loader, served).then(() => {
      if (entry.state === 'UNLOADING') entry.state = 'UNAVAILABLE';
      this.registry.changed(entry.model);
    });
    this.leaving.add(left);
    return left.finally(() => this.leaving.delete(left));
  }
}
