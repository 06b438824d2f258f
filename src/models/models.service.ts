import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type ModelsConfig, modelsConfig } from '../config/config.slices';
import type { LoadedVersion } from '../link/loaded-version';
import { DomainError } from '../errors/domain-error';
import { Link } from '../link/link.service';
import { beforeDeadline } from './before-deadline';
import {
  CHANGE,
  DESIRED,
  type DesiredModels,
  JOIN,
  type Join,
  type LoadedModel,
  type ModelChange,
} from './change-messages';
import { ModelChanges } from './model-changes';
import { unloadedByCall } from './model-coordinator';
import type { ModelEntry, VersionEntry } from './model-entry';
import { ModelRegistry } from './model-registry';
import type { ServedModel } from './served-model';

/** After a failed load, how long requests get its reason before the load is tried again. */
const RETRY_LOAD_AFTER_MS = 5_000;
const ASK_MS = 10_000;

/** Which models there are, and the way to one that serves. */
@Injectable()
export class ModelsService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ModelsService.name);
  private lastOwnId = 0;
  /** Of the desired models that this worker has. */
  private generation = 0;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly registry: ModelRegistry,
    private readonly changes: ModelChanges,
    private readonly link: Link,
  ) {}

  /** Loads what the other workers have; as the first one, the required models. */
  async onModuleInit(): Promise<void> {
    await this.registry.refresh();
    const desired = await this.desired();
    if (desired !== undefined) {
      await this.follow(desired);
      return;
    }
    const names =
      this.config.required.length > 0 ? this.config.required : this.registry.known().map(({ name }) => name);
    for (const name of names) this.expect(name);
    await Promise.all(names.map((name) => this.loadAtStart(name)));
  }

  /** Takes part in the changes of the whole server from here on: to be called before requests are taken. */
  async join(): Promise<void> {
    for (;;) {
      const join: Join = {
        generation: this.generation,
        loaded: this.loaded(),
        required: this.required().map(({ name }) => name),
      };
      if (await this.link.askPrimary<boolean>(JOIN, join, this.changeTimeoutMs)) return;
      // Models were changed while this worker was loading.
      const desired = await this.desired();
      if (desired !== undefined) await this.follow(desired);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.changes.retireAll();
  }

  /** Everything on disk and everything that was asked for by name, in order of name. */
  async list(): Promise<readonly ModelEntry[]> {
    await this.registry.refresh();
    return this.registry.known();
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
    return this.known().flatMap((model) =>
      model.loaded().map(({ version, served }) => ({
        model: model.name,
        version,
        digest: served?.digest ?? '',
        required: model.required,
        memoryBytes: served?.memoryBytes ?? 0,
      })),
    );
  }

  /** The models that the server is not ready without. */
  required(): readonly ModelEntry[] {
    return this.known().filter((model) => model.required && !model.unloaded);
  }

  /** Tries the required models of other servers again that could not be loaded: what kept them may have passed. */
  retryRemotes(): void {
    for (const model of this.required()) {
      const entry = model.version(undefined);
      if (entry?.config.remote === undefined || entry.state !== 'UNAVAILABLE') continue;
      // The entry has the reason.
      this.ensure(entry).catch(() => undefined);
    }
  }

  /** Calls `listener` after each load and unload. */
  onChange(listener: () => void): void {
    this.registry.onChange(listener);
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
  acquire(name: string, version: string | undefined, deadlineMs: number): ServedModel | Promise<ServedModel> {
    const served = this.registry.get(name)?.version(version)?.served;
    if (served === undefined) return this.acquireAbsent(name, version, deadlineMs);
    served.use.take();
    return served;
  }

  release(served: ServedModel): void {
    served.use.release();
  }

  private async acquireAbsent(
    name: string,
    version: string | undefined,
    deadlineMs: number,
  ): Promise<ServedModel> {
    await this.registry.refreshModel(name);
    // A version may be unloaded again between its load and this request's turn: then it is loaded again.
    for (;;) {
      const entry = this.find(name, version);
      if (entry.served !== undefined) {
        entry.served.use.take();
        return entry.served;
      }
      await beforeDeadline(this.ensure(entry), deadlineMs, `model "${name}" to load`);
    }
  }

  /** @throws model_not_found, version_not_found, model_unavailable */
  private find(name: string, version: string | undefined): VersionEntry {
    const model = this.registry.entry(name);
    const entry = model.version(version);
    if (entry?.served !== undefined) return entry;
    if (model.unloaded) throw unloadedByCall(name);
    if (entry !== undefined) return entry;
    if (version !== undefined && model.versions.size > 0) {
      const there = [...model.versions.keys()].join(', ');
      throw new DomainError(
        'version_not_found',
        `Model "${name}" has no version "${version}"; it has ${there}.`,
      );
    }
    throw new DomainError('model_unavailable', `Model "${name}" cannot be served: ${model.reason}.`);
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
    return this.link.askPrimary(CHANGE, change, this.changeTimeoutMs);
  }

  /** Others' changes of the same model come first, and each may take its whole time. */
  private get changeTimeoutMs(): number {
    return 4 * this.config.loadTimeoutMs;
  }

  private desired(): Promise<DesiredModels | undefined> {
    return this.link.askPrimary(DESIRED, undefined, ASK_MS);
  }

  private expect(name: string): void {
    const model = this.registry.expect(name);
    model.required = true;
    if (model.versions.size === 0 && model.reason === '') model.reason = 'it is not in the model folder';
  }

  /** A failure is logged and kept as the reason; the other models serve. */
  private async loadAtStart(name: string, versions?: readonly string[]): Promise<void> {
    try {
      // The coordinator counts upwards.
      const id = --this.lastOwnId;
      await this.changes.prepare({ id, model: name, versions, replace: true });
      this.changes.commit(id);
    } catch {
      const { reason } = this.registry.expect(name);
      if (reason !== '') this.logger.error({ msg: 'model cannot be served', model: name, reason });
    }
  }

  /** Brings this worker to what the others have. */
  private async follow(desired: DesiredModels): Promise<void> {
    const wanted = new Map(desired.loaded.map(({ model, versions }) => [model, versions]));
    for (const name of desired.required) this.expect(name);
    for (const name of desired.unloaded) this.registry.expect(name).unloaded = true;
    const loads = [...wanted].filter(([model, versions]) => !this.has(model, versions));
    await Promise.all(
      loads.map(([model, versions]) =>
        this.loadAtStart(
          model,
          versions.map(({ version }) => version),
        ),
      ),
    );
    for (const model of this.known()) {
      const versions = model.loaded().map(({ version }) => version);
      if (!wanted.has(model.name)) await this.changes.retire({ model: model.name, versions, byCall: false });
    }
    this.generation = desired.generation;
  }

  /** Are these the versions that serve here, with the same content? */
  private has(model: string, versions: LoadedModel['versions']): boolean {
    const loaded = this.registry.expect(model).loaded();
    return (
      loaded.length === versions.length &&
      versions.every(({ version, digest }) =>
        loaded.some((entry) => entry.version === version && entry.served?.digest === digest),
      )
    );
  }
}

function unavailable(entry: VersionEntry): DomainError {
  return new DomainError(
    'model_unavailable',
    `Model "${entry.model}" version ${entry.version} cannot be served: ${entry.reason}`,
    { retryAfterSeconds: RETRY_LOAD_AFTER_MS / 1000 },
  );
}
