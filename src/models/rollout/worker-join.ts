import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { reasonOf } from '../../errors/domain-error';
import { sideBySide } from '../../common/side-by-side';
import { Ipc } from '../../process/ipc/ipc.service';
import {
  changeTimeoutMs,
  DESIRED,
  type DesiredModels,
  JOIN,
  type Join,
  type Joined,
  type LoadedVersions,
  type WantedVersion,
} from './messages';
import { Participant } from './participant';
import type { ModelEntry, VersionEntry } from '../loading/model-entry';
import { ModelRegistry } from '../loading/model-registry';

const ASK_MS = 10_000;
const PROGRESS_MS = 1000;
/** Before a worker that need not serve asks again. */
const WAIT_MS = 1000;

/** This worker's place among the others: it starts with what they have, and joins them. */
@Injectable()
export class WorkerJoin {
  private readonly logger = new EventLogger(WorkerJoin.name);
  private lastOwnId = 0;
  /** Of the desired models that this worker has; undefined while it has what its settings say. */
  private generation: number | undefined;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly registry: ModelRegistry,
    private readonly changes: Participant,
    private readonly ipc: Ipc,
  ) {}

  /** Loads what the other workers have; as the first one, the required models. */
  async start(): Promise<void> {
    await this.registry.refresh();
    for (const name of this.config.required) this.expect(name).required = true;
    const desired = await this.desired();
    if (desired !== undefined) {
      await this.follow(desired);
      return;
    }
    const names =
      this.config.required.length > 0 ? this.config.required : this.registry.known().map(({ name }) => name);
    for (const name of names) this.expect(name).kept = true;
    await this.loadAll(names);
  }

  /** Says once a second how far it is. */
  private async loadAll(names: readonly string[]): Promise<void> {
    let done = 0;
    const sayIt = (): void => this.logger.info({ msg: 'models are being loaded', done, of: names.length });
    const timer = setInterval(sayIt, PROGRESS_MS).unref();
    try {
      await sideBySide(names, this.config.maxLoads, async (name) => {
        await this.loadAtStart(name);
        done++;
      });
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * Takes part in the changes of the whole server from here on. Resolves when this worker may serve: as long as it cannot
   * load what others serve, it leaves that to them.
   */
  async join(): Promise<void> {
    let said = '';
    while (!this.ipc.toldToStop) {
      const known = this.registry.known();
      const join: Join = {
        generation: this.generation,
        loaded: this.registry.loaded(),
        kept: known.filter((model) => model.kept && !model.unloaded).map(({ name }) => name),
        unavailable: this.registry.unavailable(),
        elsewhere: known
          .filter((model) => model.version(undefined)?.config.elsewhere)
          .map(({ name }) => name),
      };
      const joined = await this.ipc.askPrimary<Joined>(JOIN, join, changeTimeoutMs(this.config));
      if (joined === true) return;
      if (joined === false) {
        // Models were changed while this worker was loading.
        const desired = await this.desired();
        if (desired !== undefined) await this.follow(desired);
        continue;
      }
      const models = joined.join(', ');
      if (models !== said) {
        const msg =
          'this worker waits: it cannot load what the others serve; put the files back, or load or unload the model';
        this.logger.error({ msg, models });
      }
      said = models;
      await sleep(WAIT_MS);
    }
  }

  private desired(): Promise<DesiredModels | undefined> {
    return this.ipc.askPrimary(DESIRED, undefined, ASK_MS);
  }

  private expect(name: string): ModelEntry {
    const model = this.registry.expect(name);
    if (model.versions.size === 0 && model.reason === '') model.reason = 'it is not in the model folder';
    return model;
  }

  /** A failure stays as the model's reason; the other models serve. */
  private async loadAtStart(model: string, versions?: readonly WantedVersion[]): Promise<void> {
    try {
      // The coordinator counts upwards.
      const id = --this.lastOwnId;
      const prepared = await this.changes.prepare({ id, model, versions, replace: versions === undefined });
      const byDefault =
        versions === undefined ? prepared.versions.at(-1)?.version : this.registry.expect(model).agreed;
      this.changes.commit({ id, generation: this.generation ?? 0, byDefault, unbatched: [] });
    } catch (error) {
      // What a worker lacks it says when it joins, again and again if need be.
      const msg = 'this worker has not what the others have';
      if (versions !== undefined) this.logger.debug({ msg, model, reason: reasonOf(error) });
    }
  }

  /** Brings this worker, which serves nobody yet, to what the others have: the very same of each version, or none. */
  private async follow(desired: DesiredModels): Promise<void> {
    for (const name of desired.kept) this.expect(name).kept = true;
    for (const { model, reason } of desired.failed) this.registry.expect(model).failed(reason);
    for (const name of desired.unloaded) this.registry.expect(name);
    for (const { model } of desired.loaded) this.registry.expect(model);
    for (const model of this.registry.known()) model.unloaded = desired.unloaded.includes(model.name);
    const wanted = new Map(desired.loaded.map(({ model, versions }) => [model, versions]));
    await sideBySide(this.registry.known(), this.config.maxLoads, (model) =>
      this.followModel(model, wanted.get(model.name) ?? []),
    );
    for (const quarantined of desired.quarantined) this.changes.quarantine(quarantined);
    for (const unbatched of desired.unbatched) this.changes.unbatch(unbatched);
    this.generation = desired.generation;
  }

  private async followModel(model: ModelEntry, wanted: LoadedVersions['versions']): Promise<void> {
    // What was to be loaded at the start and none of the others could load so far is offered to them.
    if (wanted.length === 0 && model.kept && !model.unloaded) return;
    const isWanted = ({ version, digest }: VersionEntry): boolean =>
      wanted.some((one) => one.version === version && one.digest === digest);
    const gone = model.loaded().filter((entry) => !isWanted(entry));
    const versions = gone.map(({ version }) => version);
    await this.changes.retire({ model: model.name, versions, byCall: false });
    model.agreed = wanted.find(({ byDefault }) => byDefault)?.version;
    const lacking = wanted.filter(({ version }) => model.versions.get(version)?.served === undefined);
    await Promise.all(lacking.map((version) => this.loadAtStart(model.name, [version])));
  }
}
