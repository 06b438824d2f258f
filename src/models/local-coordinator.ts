import cluster from 'node:cluster';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { type ModelsConfig, modelsConfig } from '../config/config.slices';
import type { LoadedVersion } from '../link/loaded-version';
import { Link } from '../link/link.service';
import { ModelCoordinator } from './model-coordinator';

/** The coordinator of a server of one process; where there is a primary, the primary has it. */
@Injectable()
export class LocalCoordinator {
  private readonly logger = new Logger(LocalCoordinator.name);
  private readonly coordinator: ModelCoordinator | undefined;

  constructor(@Inject(modelsConfig.KEY) config: ModelsConfig, link: Link) {
    if (cluster.isWorker) return;
    this.coordinator = new ModelCoordinator({
      askAll: (topic, payload, timeoutMs) => link.askAll(topic, payload, timeoutMs),
      maxResident: config.maxResident,
      maxMemoryBytes: config.maxMemoryBytes,
      loadTimeoutMs: config.loadTimeoutMs,
      log: (fields, msg) => this.logger.log({ msg, ...fields }),
    });
    this.coordinator.serve(link);
  }

  adopt(loaded: readonly LoadedVersion[]): void {
    this.coordinator?.adopt(loaded);
  }
}
