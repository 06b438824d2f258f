import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { Ipc } from '../../process/ipc/ipc.service';
import { FolderWatch } from './folder-watch';
import { Coordinator } from './coordinator';
import { ModelSources } from './model-sources';
import { ModelFolder } from '../repository/model-folder';

/** The coordinator of a server of one process; where there is a primary, the primary has it. */
@Injectable()
export class LocalCoordinator implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new EventLogger(LocalCoordinator.name);
  private readonly coordinator: Coordinator | undefined;
  private watch: FolderWatch | undefined;
  private sources: ModelSources | undefined;

  constructor(
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    ipc: Ipc,
  ) {
    if (ipc.hasPrimary) return;
    this.coordinator = new Coordinator({
      askAll: <Value>(topic: string, payload: unknown, timeoutMs: number, except?: ReadonlySet<number>) =>
        except?.size ? Promise.resolve([]) : ipc.askAll<Value>(topic, payload, timeoutMs),
      tellAll: (topic, payload, timeoutMs) => ipc.askAll(topic, payload, timeoutMs),
      maxResident: config.maxResident,
      maxMemoryBytes: config.maxMemoryBytes,
      maxLoads: config.maxLoads,
      loadTimeoutMs: config.loadTimeoutMs,
      log: this.logger,
    });
    this.sources = new ModelSources({
      sources: config.sources,
      dir: config.dir,
      maxBytes: config.sourcesMaxBytes,
      intervalMs: config.sourcesIntervalMs,
      changed: () => this.lookNow(),
      log: this.logger,
    });
    this.coordinator.serve(ipc, { id: 0, admit: () => undefined, standing: 'alone', waits: () => undefined });
  }

  /** Models are there before any is loaded. */
  async onModuleInit(): Promise<void> {
    await this.sources?.pull();
  }

  /** From now on changes in the model folder are seen. */
  watchFolder(): void {
    const { coordinator, config } = this;
    if (coordinator === undefined) return;
    this.watch = new FolderWatch({
      intervalMs: config.watchIntervalMs,
      folder: new ModelFolder(config.dir, config.only),
      isLoaded: (model) => coordinator.isLoaded(model),
      load: (model) => coordinator.change({ action: 'renew', model }),
      log: this.logger,
    });
    this.watch.start();
    this.sources?.start();
  }

  /** Takes what the folder has now, on somebody's word. */
  lookNow(): Promise<void> {
    return this.watch?.lookNow() ?? Promise.resolve();
  }

  onApplicationShutdown(): void {
    this.watch?.stop();
    this.sources?.stop();
  }
}
