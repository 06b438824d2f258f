import { Injectable } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { cut } from '../../common/cut';
import { nearest } from '../../common/nearest';
import { DomainError } from '../../errors/domain-error';
import type { LoadedVersion, UnavailableModel } from '../../process/ipc/loaded-version';
import { FAULT_LINES, LoadLog } from './load-log';
import { ModelEntry, VersionEntry } from './model-entry';
import { versionsToServe } from '../repository/version-policy';
import type { RepositoryFault } from '../repository/model-files';
import { type FoundModel, ModelRepository } from '../repository/model-repository';

const MAX_WARNED = 1000;
const NOT_THERE = 'it is not in the model folder';
const MAX_UNAVAILABLE = 100;
const MAX_REASON = 500;

/** What is known of the models: everything that was found in the model folder or asked for by name. */
@Injectable()
export class ModelRegistry {
  private readonly logger = new EventLogger(ModelRegistry.name);
  private readonly models = new Map<string, ModelEntry>();
  /** The same in order of name; undefined while that has to be found out anew. */
  private sorted: readonly ModelEntry[] | undefined;
  private readonly listeners: ((model: ModelEntry) => void)[] = [];
  private readonly wrongBatchesListeners: ((model: string) => void)[] = [];
  /** Faults that were logged, so that each look at the folder does not repeat them. */
  private readonly warned = new Set<string>();

  private readonly leftOut = new LoadLog(
    'part of the model folder is left out',
    'more parts of the model folder are left out',
    (event) => this.logger.warn(event),
    FAULT_LINES,
  );

  constructor(private readonly repository: ModelRepository) {}

  get(name: string): ModelEntry | undefined {
    return this.models.get(name);
  }

  /** @throws model_not_found */
  entry(name: string): ModelEntry {
    const model = this.models.get(name);
    if (model !== undefined) return model;
    const meant = nearest(name, [...this.models.keys()]);
    const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`;
    throw new DomainError('model_not_found', `There is no model "${cut(name)}".${hint}`);
  }

  /** All models in order of name, as of the last look at the disk. */
  known(): readonly ModelEntry[] {
    this.sorted ??= [...this.models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.sorted;
  }

  *versions(): Iterable<VersionEntry> {
    for (const model of this.models.values()) yield* model.versions.values();
  }

  /** What serves here. */
  loaded(): LoadedVersion[] {
    return this.known().flatMap((model) =>
      model.loaded().map(({ version, digest, served, load }) => ({
        model: model.name,
        version,
        digest,
        kept: model.kept,
        byDefault: version === model.defaultVersion,
        memoryBytes: served.memoryBytes,
        light: served.light,
        load,
      })),
    );
  }

  /** What ought to serve and does not, as far as it fits in a message. */
  unavailable(): UnavailableModel[] {
    const all = this.known().flatMap((model): UnavailableModel[] => {
      const { name, required, fault } = model;
      return fault === undefined ? [] : [{ model: name, required, reason: fault.slice(0, MAX_REASON) }];
    });
    return all.slice(0, MAX_UNAVAILABLE);
  }

  /** Looks at the whole model folder again: what is new is known from here on. */
  async refresh(): Promise<void> {
    const { models, faults } = await this.repository.scan();
    for (const fault of faults) this.warnOnce(fault);
    for (const found of models) this.remember(found);
    // Of a folder that could not be read nobody knows what is gone.
    if (faults.some(({ name }) => name === undefined)) return;
    const there = new Set(models.map(({ name }) => name));
    for (const name of [...this.models.keys()]) if (!there.has(name)) this.forget(name);
  }

  /** Looks at one model's files again. @returns undefined when there are none */
  async refreshModel(name: string): Promise<FoundModel | undefined> {
    const found = await this.repository.find(name);
    if (found !== undefined) this.remember(found);
    else this.forget(name);
    return found;
  }

  /** The same as of the last look, where what changed since will show when it is loaded; undefined where not. */
  asBefore(name: string): FoundModel | undefined {
    return this.repository.asBefore(name);
  }

  /** Is it known, in a state that will be held against the disk when it is loaded? */
  holds(name: string): boolean {
    return this.models.has(name) && this.repository.asBefore(name) !== undefined;
  }

  /** The entry of a model that ought to be there, be it or not. */
  expect(name: string): ModelEntry {
    let model = this.models.get(name);
    if (model === undefined) {
      model = new ModelEntry(name);
      this.models.set(name, model);
      this.sorted = undefined;
    }
    return model;
  }

  /** Calls `listener` with the model after each load and unload. */
  onChange(listener: (model: ModelEntry) => void): void {
    this.listeners.push(listener);
  }

  /** Calls `listener` when batches of a model were wrong, and no worker makes any more of them. */
  onWrongBatches(listener: (model: string) => void): void {
    this.wrongBatchesListeners.push(listener);
  }

  batchesWereWrong(model: string): void {
    for (const listener of this.wrongBatchesListeners) listener(model);
  }

  changed(model: string): void {
    for (const listener of this.listeners) listener(this.expect(model));
  }

  private remember(found: FoundModel): void {
    // A folder with nothing of a model in it is not one.
    if (found.versions.length === 0 && !found.faults.some((fault) => fault.version !== undefined)) {
      this.forget(found.name);
      return;
    }
    const model = this.expect(found.name);
    model.found = found;
    model.reason = found.faults
      .map(({ version, reason }) => (version ? `version ${version}: ` : '') + reason)
      .join('; ');
    const there = new Set(found.versions.map(({ version }) => version));
    for (const entry of model.versions.values()) {
      // What is gone from the disk is forgotten, unless it serves.
      if (!there.has(entry.version) && entry.state === 'UNAVAILABLE') model.versions.delete(entry.version);
    }
    const { config } = found;
    if ('fault' in config) return;
    for (const version of found.versions) {
      if (!model.versions.has(version.version)) {
        model.versions.set(version.version, new VersionEntry(found.name, version, config));
      }
    }
    const versions = found.versions.map(({ version }) => version);
    model.latest = versionsToServe(config.versions, versions).at(-1) ?? versions.at(-1);
  }

  /** Its files are gone: so is the model, unless some of it serves. One that is required stays, and says so. */
  private forget(name: string): void {
    const model = this.models.get(name);
    if (model === undefined) return;
    for (const entry of model.versions.values())
      if (entry.state === 'UNAVAILABLE' && entry.loading === undefined) model.versions.delete(entry.version);
    model.found = undefined;
    if (model.versions.size > 0) return;
    if (model.required) model.reason = NOT_THERE;
    else {
      this.models.delete(name);
      this.sorted = undefined;
    }
  }

  private warnOnce(fault: RepositoryFault): void {
    const key = JSON.stringify(fault);
    if (this.warned.has(key)) return;
    if (this.warned.size >= MAX_WARNED) this.warned.clear();
    this.warned.add(key);
    this.leftOut.add(fault);
  }
}
