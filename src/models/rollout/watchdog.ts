import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { type InferenceConfig, inferenceConfig } from '../../config/config.slices';
import { Ipc } from '../../process/ipc/ipc.service';
import { Processing } from '../../processing/processing.service';
import { ModelRegistry } from '../loading/model-registry';
import { Participant } from './participant';

const LOOK_MS = 1000;

/**
 * Looks for runs beyond their hard limit, for pictures and texts that take as long, and for loads that still go on so
 * long after their time. None of them can be cancelled, so the whole process is replaced: it finishes what else it holds, and is killed when its time to stop
 * is over.
 */
@Injectable()
export class Watchdog implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new EventLogger(Watchdog.name);
  private timer: NodeJS.Timeout | undefined;
  private reported = false;

  constructor(
    @Inject(inferenceConfig.KEY) private readonly config: InferenceConfig,
    private readonly registry: ModelRegistry,
    private readonly changes: Participant,
    private readonly processing: Processing,
    private readonly ipc: Ipc,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const nowMs = performance.now();
    for (const { model, version, config, sinceMs } of this.changes.overdue) {
      const limitMs = config.runTimeoutMs ?? this.config.runTimeoutMs;
      if (nowMs - sinceMs > limitMs)
        this.report(`a load of model "${model}" version ${version} goes on ${limitMs} ms after its time`);
    }
    for (const { model, version, served } of this.registry.versions()) {
      // What runs on another server holds no thread, and has a time-out of its own.
      if (served === undefined || !served.queue.takesSlot) continue;
      const limitMs = served.config.runTimeoutMs ?? this.config.runTimeoutMs;
      if (served.queue.runs.some(({ startMs }) => nowMs - startMs > limitMs))
        this.report(`a run of model "${model}" version ${version} takes longer than ${limitMs} ms`);
    }
    const { runTimeoutMs } = this.config;
    if (nowMs - this.processing.busySinceMs > runTimeoutMs)
      this.report(`what a request brought has been processed for longer than ${runTimeoutMs} ms`);
  }

  /** Again with each look, as a successor may fail; in the log once. */
  private report(reason: string): void {
    if (!this.reported) this.logger.error({ msg: 'this process wants to be replaced', reason });
    this.reported = true;
    this.ipc.wantReplacement(reason);
  }
}
