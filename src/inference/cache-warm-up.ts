import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import { setTimeout as sleep } from 'node:timers/promises';
import { findWarmUpFile, requestLines } from '../cache/warm-up-file';
import {
  type CacheConfig,
  cacheConfig,
  type HttpConfig,
  httpConfig,
  type InferenceConfig,
  inferenceConfig,
  type ModelsConfig,
  modelsConfig,
} from '../config/config.slices';
import { reasonOf } from '../errors/domain-error';
import type { VersionEntry } from '../models/loading/model-entry';
import { ModelsService } from '../models/models.service';
import type { LoadedModel } from '../models/loading/loaded-model';
import { PRIORITY_LEVELS } from '../scheduling/scheduled-request';
import { isJsonObject, type JsonObject } from '../config/yaml/json-value';
import { readNamedInputs } from '../tensors/json/named-inputs';
import type { InferenceCall, InferenceRequest } from './inference-call';
import { InferenceService } from './inference.service';

/** Requests of one file; a cache holds no more of use than that. */
const MAX_REQUESTS = 10_000;
const PROGRESS_MS = 5000;
/** Requests whose failure is told one by one. */
const MAX_TOLD = 3;

/** How far a warm-up has come. */
interface Progress {
  requests: number;
  failed: number;
}

/** Fills the cache with the answers to the requests that models name, whenever such a model has been loaded. */
@Injectable()
export class CacheWarmUp implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new EventLogger(CacheWarmUp.name);
  private readonly begun = new WeakSet<LoadedModel>();
  private stopped = false;

  constructor(
    @Inject(cacheConfig.KEY) private readonly config: CacheConfig,
    @Inject(modelsConfig.KEY) private readonly modelsConfig: ModelsConfig,
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    @Inject(inferenceConfig.KEY) private readonly inferenceConfig: InferenceConfig,
    private readonly models: ModelsService,
    private readonly inference: InferenceService,
  ) {}

  /** The models are loaded by now; readiness waits for this, but no longer than for a model. */
  async onModuleInit(): Promise<void> {
    if (!this.config.enabled || this.config.warmup !== 'before-ready') return;
    const tooLong = sleep(this.modelsConfig.loadTimeoutMs, undefined, { ref: false });
    await Promise.race([Promise.all(this.warmAll()), tooLong]);
  }

  onApplicationBootstrap(): void {
    if (!this.config.enabled || this.config.warmup === 'off') return;
    this.models.onChange((model) => void this.warmAll([model]));
    void this.warmAll();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  /** Begins with every loaded version that has a file and was not begun with. */
  private warmAll(models = this.models.known()): Promise<void>[] {
    const versions = models.flatMap((model) => model.loaded());
    return versions.flatMap((entry) => {
      const { served } = entry;
      const path = served?.config.cache.warmupFile;
      if (served === undefined || path === undefined || this.begun.has(served)) return [];
      this.begun.add(served);
      return [this.warm(entry, served, path)];
    });
  }

  /** Never rejects: without it the model serves as well. */
  private async warm(entry: VersionEntry, served: LoadedModel, path: string): Promise<void> {
    const about = { model: served.name, version: served.version };
    const startMs = performance.now();
    const progress: Progress = { requests: 0, failed: 0 };
    const ms = (): number => Math.round(performance.now() - startMs);
    const timer = setInterval(() => {
      this.logger.info({ msg: 'cache warm-up goes on', ...about, ...progress, ms: ms() });
    }, PROGRESS_MS).unref();
    this.logger.info({ msg: 'cache warm-up begins', ...about, file: path });
    try {
      const file = await findWarmUpFile(this.modelsConfig.dir, entry.found.configFolder, path);
      const whole = await this.runFile(file, entry, served, progress);
      const msg = whole ? 'cache warm-up is done' : 'cache warm-up ended early';
      this.logger.info({ msg, ...about, ...progress, ms: ms() });
    } catch (error) {
      this.logger.warn({ msg: 'cache warm-up failed', ...about, ...progress, reason: reasonOf(error) });
    } finally {
      clearInterval(timer);
    }
  }

  /** @returns false when it was not run to its end */
  private async runFile(
    file: string,
    entry: VersionEntry,
    served: LoadedModel,
    progress: Progress,
  ): Promise<boolean> {
    for await (const { number, body } of requestLines(file, this.http.bodyLimitBytes)) {
      const superfluous = this.stopped || entry.served !== served || progress.requests >= MAX_REQUESTS;
      if (superfluous) return false;
      progress.requests++;
      try {
        await this.run(served, body);
      } catch (error) {
        progress.failed++;
        if (progress.failed > MAX_TOLD) continue;
        const about = { model: served.name, version: served.version, line: number };
        this.logger.warn({ msg: 'a cache warm-up request failed', ...about, reason: reasonOf(error) });
      }
    }
    return true;
  }

  private async run({ name, version, config }: LoadedModel, body: Buffer): Promise<void> {
    const timeoutMs = config.deadlineMs ?? this.inferenceConfig.deadlineMs;
    await this.inference.infer(new WarmUpCall(name, version, body, timeoutMs));
  }
}

/** One request, behind everybody else's, whose answer is for the cache alone. */
class WarmUpCall implements InferenceCall<void> {
  readonly protocol = undefined;
  readonly cacheUse = 'use';
  readonly startedAt = performance.now();
  readonly deadlineMs: number;

  constructor(
    readonly model: string,
    readonly version: string,
    private readonly body: Buffer,
    timeoutMs: number,
  ) {
    this.deadlineMs = this.startedAt + timeoutMs;
  }

  async decode({ inputs, processing }: LoadedModel): Promise<InferenceRequest> {
    const values = processing?.takesRaw ? objectIn(this.body) : undefined;
    const raw = values && (await processing?.sample(values));
    if (raw !== undefined) return { inputs: [], raw, priority: PRIORITY_LEVELS };
    return { inputs: readNamedInputs(this.body, inputs), priority: PRIORITY_LEVELS };
  }

  mayBeUrgent(): boolean {
    return false;
  }

  accepted(): void {
    // Nobody is told.
  }

  release(): void {
    // The collector has it.
  }

  encode(): void {
    // The cache has it.
  }
}

/** The values of a line that is an object; undefined for any other, of which the reader of tensors says what is wrong. */
function objectIn(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isJsonObject(value as JsonObject) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
