import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type ModelsConfig, modelsConfig } from '../config/config.slices';
import { DomainError, reasonOf } from '../errors/domain-error';
import { ModelEntry, VersionEntry } from './model-entry';
import { ModelLoader } from './model-loader';
import { type FoundModel, ModelRepository, type RepositoryFault } from './model-repository';
import { Residency } from './residency';
import type { ServedModel } from './served-model';

/** After a failed load, how long requests get its reason before the load is tried again. */
const RETRY_LOAD_AFTER_MS = 5_000;
const MAX_WARNED = 1000;

/** Which models there are, which of them are resident, and the way to one that serves. */
@Injectable()
export class ModelsService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ModelsService.name);
  private readonly models = new Map<string, ModelEntry>();
  private readonly residency: Residency;
  private readonly changeListeners: (() => void)[] = [];
  /** Faults that were logged, so that each look at the folder does not repeat them. */
  private readonly warned = new Set<string>();
  private stopped = false;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly repository: ModelRepository,
    private readonly loader: ModelLoader,
  ) {
    this.residency = new Residency(config.maxResident, () => this.versions());
  }

  async onModuleInit(): Promise<void> {
    await this.refresh();
    for (const name of this.config.required) {
      if (!this.models.has(name)) this.entryOf(name).reason = 'it is not in the model folder';
    }
    const names = this.config.required.length > 0 ? this.config.required : [...this.models.keys()];
    const required = names.map((name) => this.entryOf(name));
    for (const model of required) model.required = true;
    await Promise.all(required.map((model) => this.loadRequired(model)));
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled([...this.versions()].map((version) => version.loading));
    await Promise.all([...this.versions()].map((version) => this.unload(version)));
  }

  /** Everything on disk and everything that was asked for by name, in order of name. */
  async list(): Promise<readonly ModelEntry[]> {
    await this.refresh();
    return this.known();
  }

  /** The same as `list`, as of the last look at the disk. */
  known(): readonly ModelEntry[] {
    return [...this.models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws model_not_found */
  entry(name: string): ModelEntry {
    const model = this.models.get(name);
    if (model === undefined) throw new DomainError('model_not_found', `There is no model "${name}".`);
    return model;
  }

  /** What serves, for a line of log: `digits 1, iris 1`. */
  summary(): string[] {
    const ready = [...this.versions()].filter((version) => version.state === 'READY');
    return ready.map((version) => `${version.model} ${version.version}`);
  }

  /** The models that the server is not ready without. */
  required(): readonly ModelEntry[] {
    return [...this.models.values()].filter((model) => model.required);
  }

  /** Calls `listener` after each load and unload. */
  onChange(listener: () => void): void {
    this.changeListeners.push(listener);
  }

  /**
   * The version to run a request on, held until `release`. Resident ones come at once; another one that is
   * on disk is loaded first, and the caller waits for it until `deadlineMs` of `performance.now()`.
   * @throws model_not_found, version_not_found, model_unavailable, deadline_exceeded
   */
  acquire(name: string, version: string | undefined, deadlineMs: number): ServedModel | Promise<ServedModel> {
    const entry = this.models.get(name)?.version(version);
    if (entry?.served === undefined) return this.acquireAbsent(name, version, deadlineMs);
    return this.lease(entry, entry.served);
  }

  release(served: ServedModel): void {
    const entry = this.models.get(served.name)?.versions.get(served.version);
    if (entry === undefined) return;
    entry.leases--;
    if (entry.leases === 0) this.residency.changed();
  }

  private lease(entry: VersionEntry, served: ServedModel): ServedModel {
    entry.leases++;
    entry.lastUsedAtMs = performance.now();
    return served;
  }

  private async acquireAbsent(
    name: string,
    version: string | undefined,
    deadlineMs: number,
  ): Promise<ServedModel> {
    await this.refreshModel(name);
    // A version may be unloaded again between its load and this request's turn: then it is loaded again.
    for (;;) {
      const entry = this.find(name, version);
      if (entry.served !== undefined) return this.lease(entry, entry.served);
      await beforeDeadline(this.loadOnce(entry), deadlineMs, `model "${name}" to load`);
    }
  }

  /** @throws model_not_found, version_not_found, model_unavailable */
  private find(name: string, version: string | undefined): VersionEntry {
    const model = this.entry(name);
    const entry = model.version(version);
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

  private loadOnce(entry: VersionEntry): Promise<ServedModel> {
    if (entry.loading !== undefined) return entry.loading;
    if (this.stopped) return Promise.reject(new DomainError('draining', 'The server is shutting down.'));
    if (performance.now() - entry.failedAtMs < RETRY_LOAD_AFTER_MS) return Promise.reject(unavailable(entry));
    entry.loading = this.load(entry).finally(() => {
      entry.loading = undefined;
    });
    return entry.loading;
  }

  private async load(entry: VersionEntry): Promise<ServedModel> {
    if (entry.required) entry.state = 'LOADING';
    else await this.residency.makeRoom(entry, (victim) => this.unload(victim));
    entry.reason = '';
    try {
      entry.served = await this.loader.load(entry);
      entry.state = 'READY';
      entry.lastUsedAtMs = performance.now();
      return entry.served;
    } catch (error) {
      entry.state = 'UNAVAILABLE';
      entry.reason = reasonOf(error);
      entry.failedAtMs = performance.now();
      this.logger.error({
        msg: 'model could not be loaded',
        model: entry.model,
        version: entry.version,
        reason: entry.reason,
      });
      throw unavailable(entry);
    } finally {
      this.changed();
    }
  }

  private async unload(entry: VersionEntry): Promise<void> {
    const { served } = entry;
    if (served === undefined) return;
    // From here on new requests do not find it; those that hold it are let finish.
    entry.served = undefined;
    entry.state = 'UNLOADING';
    await this.loader.unload(served);
    entry.state = 'UNAVAILABLE';
    this.changed();
  }

  private async loadRequired(model: ModelEntry): Promise<void> {
    const entry = model.version(undefined);
    if (entry === undefined) {
      this.logger.error({ msg: 'model cannot be served', model: model.name, reason: model.reason });
      return;
    }
    entry.required = true;
    // The failure is logged and kept as the version's reason; the other models serve.
    await this.loadOnce(entry).catch(() => undefined);
  }

  private changed(): void {
    this.residency.changed();
    for (const listener of this.changeListeners) listener();
  }

  /** Looks at the model folder again: what is new is known from here on. */
  private async refresh(): Promise<void> {
    const { models, faults } = await this.repository.scan();
    for (const fault of faults) this.warnOnce(fault);
    for (const found of models) this.remember(found);
  }

  private async refreshModel(name: string): Promise<void> {
    const found = await this.repository.find(name);
    if (found !== undefined) this.remember(found);
  }

  private remember(found: FoundModel): void {
    // A folder with nothing of a model in it is not one.
    if (found.versions.length === 0 && !found.faults.some((fault) => fault.version !== undefined)) return;
    const model = this.entryOf(found.name);
    model.reason = found.faults
      .map(({ version, reason }) => (version ? `version ${version}: ` : '') + reason)
      .join('; ');
    const { config } = found;
    if ('fault' in config) return;
    for (const version of found.versions) {
      if (!model.versions.has(version.version)) {
        model.versions.set(version.version, new VersionEntry(found.name, version, config));
      }
    }
    model.defaultVersion ??= found.versions.at(-1)?.version;
  }

  private warnOnce(fault: RepositoryFault): void {
    const key = JSON.stringify(fault);
    if (this.warned.has(key)) return;
    if (this.warned.size >= MAX_WARNED) this.warned.clear();
    this.warned.add(key);
    this.logger.warn({ msg: 'part of the model folder is left out', ...fault });
  }

  private entryOf(name: string): ModelEntry {
    let model = this.models.get(name);
    if (model === undefined) {
      model = new ModelEntry(name);
      this.models.set(name, model);
    }
    return model;
  }

  private *versions(): Iterable<VersionEntry> {
    for (const model of this.models.values()) yield* model.versions.values();
  }
}

function unavailable(entry: VersionEntry): DomainError {
  return new DomainError(
    'model_unavailable',
    `Model "${entry.model}" version ${entry.version} cannot be served: ${entry.reason}`,
    { retryAfterSeconds: RETRY_LOAD_AFTER_MS / 1000 },
  );
}

/** What `promise` gives, or deadline_exceeded when `deadlineMs` of `performance.now()` comes first. */
async function beforeDeadline<T>(promise: Promise<T>, deadlineMs: number, waitingFor: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const fail = (): void =>
      reject(new DomainError('deadline_exceeded', `The deadline passed while waiting for ${waitingFor}.`));
    timer = setTimeout(fail, Math.min(deadlineMs - performance.now(), 2 ** 31 - 1));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
