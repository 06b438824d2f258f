import { PassingMap, PassingSet } from '../../common/passing';
import { EventLogger } from '../../telemetry/logging/event-logger';
import type { ModelsConfig } from '../../config/config.slices';
import { cut } from '../../common/cut';
import { withDeadline } from '../../common/with-deadline';
import { DomainError, reasonOf } from '../../errors/domain-error';
import type { LoadedModel } from '../loading/loaded-model';
import { VersionEntry } from '../loading/model-entry';
import type { ModelLoader } from '../loading/model-loader';
import type { ModelRegistry } from '../loading/model-registry';
import type { ModelConfig } from '../repository/model-config';
import type { FoundModel } from '../repository/model-repository';
import { versionsToServe } from '../repository/version-policy';
import type { Prepare, Prepared, WantedVersion } from './messages';

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

/** Versions that this worker loads beside what serves, until all workers have them or the change is called off. */
export class Staging {
  private readonly logger = new EventLogger(Staging.name);
  private readonly preparing = new PassingSet<number>();
  private readonly staged = new PassingMap<number, Staged>();
  /** Loads that nobody waits for any more, but for those of the start: a successor would only begin them again. */
  readonly overdue = new Set<OverdueLoad>();
  private stopped = false;

  constructor(
    private readonly config: Pick<ModelsConfig, 'loadTimeoutMs'>,
    private readonly registry: ModelRegistry,
    private readonly loader: ModelLoader,
  ) {}

  /** Loads all of them, or none. */
  async prepare(wanted: Prepare): Promise<Prepared> {
    this.preparing.add(wanted.id);
    try {
      return await this.stage(wanted);
    } finally {
      this.preparing.delete(wanted.id);
    }
  }

  /** What was prepared, which is the caller's from here on. */
  take(id: number): Staged | undefined {
    const staged = this.staged.get(id);
    this.staged.delete(id);
    return staged;
  }

  async abort(id: number): Promise<void> {
    this.preparing.delete(id);
    const staged = this.take(id);
    if (staged?.serving !== false) return;
    await Promise.all(staged.entries.map((entry) => this.discard(entry)));
  }

  /** At the end of the process. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.staged.keys()].map((id) => this.abort(id)));
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
    if (served !== undefined) await unloadWhenIdle(this.loader, served);
  }
}

/** Those that hold it are let finish. */
export async function unloadWhenIdle(loader: ModelLoader, served: LoadedModel): Promise<void> {
  await served.use.idle();
  await loader.unload(served);
}

type UsableModel = Omit<FoundModel, 'config'> & { readonly config: ModelConfig };

function unusable(found: Pick<FoundModel, 'name' | 'faults'>): DomainError {
  const reasons = found.faults.map(({ reason }) => reason).join('; ');
  return new DomainError('model_unavailable', `Model "${found.name}" cannot be served: ${reasons}`);
}
