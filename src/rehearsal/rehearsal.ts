import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import {
  type AppConfig,
  appConfig,
  type CacheConfig,
  cacheConfig,
  type ClusterConfig,
  clusterConfig,
  type HttpConfig,
  httpConfig,
  type InferenceConfig,
  inferenceConfig,
  type ModelsConfig,
  modelsConfig,
} from '../config/config.slices';
import { reasonOf } from '../errors/domain-error';
import { FrontDoor } from '../http/front-door';
import { CodecThread } from '../inference/codec-thread';
import { RunThrough } from './run-through';
import type { StageSettings } from './stage';

/**
 * The first thousands of requests of a process are interpreted and compiled, and cost several times what later ones
 * do. So a worker that has nothing else to do sends itself requests, through the same functions, until they are
 * compiled.
 */
@Injectable()
export class Rehearsal implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Rehearsal.name);
  private readonly ending = new AbortController();
  private readonly settings: StageSettings;

  constructor(
    @Inject(appConfig.KEY) app: AppConfig,
    @Inject(httpConfig.KEY) http: HttpConfig,
    @Inject(modelsConfig.KEY) models: ModelsConfig,
    @Inject(inferenceConfig.KEY) inference: InferenceConfig,
    @Inject(cacheConfig.KEY) cache: CacheConfig,
    @Inject(clusterConfig.KEY) private readonly cluster: ClusterConfig,
    private readonly frontDoor: FrontDoor,
    private readonly codecThread: CodecThread,
  ) {
    this.settings = { app, http, models, inference, cache };
  }

  /** Goes on by itself, in the times in which nobody else asks for anything. Never throws. */
  begin(): void {
    if (this.cluster.rehearsal && !this.ending.signal.aborted) void this.run();
  }

  beforeApplicationShutdown(): void {
    this.ending.abort();
  }

  private async run(): Promise<void> {
    const startMs = performance.now();
    try {
      const { settings, codecThread, frontDoor } = this;
      const runThrough = new RunThrough(settings, codecThread, frontDoor, this.ending.signal);
      await runThrough.go();
      const ms = Math.round(performance.now() - startMs);
      this.logger.debug({ msg: 'rehearsal is over', ...runThrough.tally, ms });
    } catch (error) {
      this.logger.debug({ msg: 'rehearsal ended early', reason: reasonOf(error) });
    }
  }
}
