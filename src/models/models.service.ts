import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type ModelsConfig, modelsConfig } from '../config/config.slices';
import type { LoadedVersion, UnavailableModel } from '../process/ipc/loaded-version';
import { DomainError } from '../errors/domain-error';
import { Ipc } from '../process/ipc/ipc.service';
import { Coalesced } from '../common/coalesced';
import { cut } from '../common/cut';
import { withDeadline } from '../common/with-deadline';
import { CHANGE, changeTimeoutMs, type ModelChange, type Wish } from './rollout/messages';
import { WorkerJoin } from './rollout/worker-join';
import { Participant } from './rollout/participant';
import type { ModelEntry, VersionEntry } from './loading/model-entry';
import { ModelRegistry } from './loading/model-registry';
import { unloadedByCall } from './rollout/set-aside';
import type { LoadedModel } from './loading/loaded-model';

/** A look at the model folder that takes longer is not made for each list of models. */
const LONG_LOOK_MS = 100;
/** After a failed load, how long requests get its reason before the load is tried again. */
const RETRY_LOAD_AFTER_MS = 5_000;

/** Which models there are, and the way to one that serves. */
@Injectable()
export class ModelsService implements OnModuleInit, OnApplicationShutdown {
  private readonly looks = new Coalesced(() => this.look());
  /** Of `performance.now()`. */
  private lookAgainMs = 0;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly registry: ModelRegistry,
    private readonly changes: Participant,
    private readonly membership: WorkerJoin,
    private readonly ipc: Ipc,
  ) {}

  /** Loads what the other workers have; as the first one, the required models. */
  onModuleInit(): Promise<void> {
    return this.membership.start();
  }

  /** Takes part in the changes of the whole server from here on: to be called before requests are taken. */
  join(): Promise<void> {
    return this.membership.join();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.changes.retireAll();
  }

  /**
   * Everything on disk and everything that was asked for by name, in order of name. A folder of thousands, which takes a
   * while to look at, is looked at for a tenth of the time at most; what is asked for by name is always found.
   */
  async list(): Promise<readonly ModelEntry[]> {
    if (performance.now() >= this.lookAgainMs) await this.looks.run();
    return this.registry.known();
  }

  private async look(): Promise<void> {
    const startMs = performance.now();
    await this.registry.refresh();
    const nowMs = performance.now();
    if (nowMs - startMs > LONG_LOOK_MS) this.lookAgainMs = nowMs + 9 * (nowMs - startMs);
  }

  /** The same as `list`, as of the last look at the disk. */
  known(): readonly ModelEntry[] {
    return this.registry.known();
  }

  /** @throws model_not_found */
  entry(name: string): ModelEntry {
    return this.registry.entry(name);
  }

  /** What serves here. */
  loaded(): LoadedVersion[] {
    return this.registry.loaded();
  }

  /** What ought to serve and does not, with the reasons. */
  unavailable(): UnavailableModel[] {
    return this.registry.unavailable();
  }

  /** Tries the models of other servers again that could not be loaded at the start: what kept them may have passed. */
  retryRemotes(): void {
    for (const model of this.known()) {
      if (!model.kept || model.unloaded) continue;
      const entry = model.version(undefined);
      if (entry?.config.elsewhere !== true || entry.state !== 'UNAVAILABLE') continue;
      // The entry has the reason.
      this.ensure(entry).catch(() => undefined);
    }
  }

  /** Calls `listener` with the model after each load and unload. */
  onChange(listener: (model: ModelEntry) => void): void {
    this.registry.onChange(listener);
  }

  /** Calls `listener` when batches of a model were wrong, and no worker makes any more of them. */
  onWrongBatches(listener: (model: string) => void): void {
    this.registry.onWrongBatches(listener);
  }

  /**
   * Loads what the folder has now, on every worker, in place of what serves; nobody is without an answer
   * meanwhile.
   * @throws model_not_found; model_unavailable with the workers' reasons, and then all stays as it was
   */
  load(model: string): Promise<void> {
    return this.change({ action: 'load', model });
  }

  /** Takes a model out of service on every worker, until a call loads it again. @throws model_not_found */
  async unload(model: string): Promise<void> {
    await this.registry.refreshModel(model);
    this.registry.entry(model);
    await this.change({ action: 'unload', model });
  }

  /**
   * The version to run a request on, held until `release`. Resident ones come at once; another one that is
   * on disk is loaded first, and the caller waits for it until `deadlineMs` of `performance.now()`.
   * @throws model_not_found, version_not_found, model_unavailable, deadline_exceeded
   */
  acquire(name: string, version: string | undefined, deadlineMs: number): LoadedModel | Promise<LoadedModel> {
    const served = this.registry.get(name)?.version(version)?.served;
    if (served === undefined) return this.acquireAbsent(name, version, deadlineMs);
    served.use.take();
    return served;
  }

  /** A version that serves, held until `release`; another one is loaded meanwhile, and nobody waits for it. */
  acquireServing(name: string, version: string): LoadedModel | undefined {
    const entry = this.registry.get(name)?.version(version);
    if (entry?.served !== undefined) {
      entry.served.use.take();
      return entry.served;
    }
    // Why it cannot be, the entry says.
    if (entry !== undefined && entry.refusal === undefined) this.ensure(entry).catch(() => undefined);
    return undefined;
  }

  /**
   * Is there such a version, be it that it has to be loaded first? Undefined: it serves.
   * @throws as `acquire` does, but for what a load makes of it
   */
  requireKnown(name: string, version: string | undefined, deadlineMs: number): Promise<void> | undefined {
    if (this.registry.get(name)?.version(version)?.served !== undefined) return undefined;
    if (!this.holds(name, version))
      return this.lookFor(name, deadlineMs).then(() => void this.find(name, version));
    this.find(name, version);
    return undefined;
  }

  release(served: LoadedModel): void {
    served.use.release();
  }

  private async acquireAbsent(
    name: string,
    version: string | undefined,
    deadlineMs: number,
  ): Promise<LoadedModel> {
    if (!this.holds(name, version)) await this.lookFor(name, deadlineMs);
    // A version may be unloaded again between its load and this request's turn: then it is loaded again.
    for (;;) {
      const entry = this.find(name, version);
      if (entry.served !== undefined) {
        entry.served.use.take();
        return entry.served;
      }
      await withDeadline(this.ensure(entry), deadlineMs, `model "${name}" to load`);
    }
  }

  /** Whoever loads what is known looks whether it is that still; a version that is not may have come since. */
  private holds(name: string, version: string | undefined): boolean {
    const isThere = version === undefined || this.registry.get(name)?.version(version) !== undefined;
    return isThere && this.registry.holds(name);
  }

  /** Looks at a model's files, which may lie on a disk that does not answer. */
  private lookFor(name: string, deadlineMs: number): Promise<unknown> {
    return withDeadline(this.registry.refreshModel(name), deadlineMs, 'the model folder');
  }

  /** @throws model_not_found, version_not_found, model_unavailable */
  private find(name: string, version: string | undefined): VersionEntry {
    const model = this.registry.entry(name);
    const entry = model.version(version);
    if (entry?.served !== undefined) return entry;
    if (entry?.refusal !== undefined) throw entry.refusal;
    if (model.unloaded) throw unloadedByCall(name);
    if (entry !== undefined) return entry;
    if (version !== undefined && model.versions.size > 0) {
      const there = [...model.versions.keys()].join(', ');
      throw new DomainError(
        'version_not_found',
        `Model "${name}" has no version "${cut(version)}"; it has ${there}.`,
      );
    }
    const reason = model.reason || `its version ${model.defaultVersion ?? ''} is not in the model folder`;
    throw new DomainError('model_unavailable', `Model "${name}" cannot be served: ${reason}.`);
  }

  /** Has the whole server load a version that a request wants. */
  private ensure(entry: VersionEntry): Promise<void> {
    if (entry.loading !== undefined) return entry.loading;
    if (performance.now() - entry.failedAtMs < RETRY_LOAD_AFTER_MS) return Promise.reject(unavailable(entry));
    const { model, version } = entry;
    entry.loading = this.change({ action: 'ensure', model, version }).finally(() => {
      entry.loading = undefined;
    });
    return entry.loading;
  }

  private change(change: ModelChange): Promise<void> {
    const wish: Wish = { change, usage: change.action === 'ensure' ? this.changes.usage : undefined };
    return this.ipc.askPrimary(CHANGE, wish, changeTimeoutMs(this.config));
  }
}

function unavailable(entry: VersionEntry): DomainError {
  return new DomainError(
    'model_unavailable',
    `Model "${entry.model}" version ${entry.version} cannot be served: ${entry.reason}`,
    { retryAfterSeconds: RETRY_LOAD_AFTER_MS / 1000 },
  );
}
