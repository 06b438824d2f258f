import { cacheSettings } from '../cache/cache-settings';
import { PredictionCache } from '../cache/prediction-cache';
import type {
  AppConfig,
  CacheConfig,
  HttpConfig,
  InferenceConfig,
  ModelsConfig,
} from '../config/config.slices';
import { FrontDoor } from '../http/front-door';
import { TurnPacer } from '../http/turn-pacer';
import { BodyBudget } from '../inference/body-budget';
import type { CodecThread } from '../inference/codec-thread';
import { InferenceEndpoint } from '../inference/inference-endpoint';
import { InferenceService } from '../inference/inference.service';
import { nativeRoute } from '../inference/native.route';
import { AccessLog } from '../logging/access-log';
import { Recorder } from '../metrics/recorder';
import { parseModelConfig } from '../models/model-config';
import { VersionEntry } from '../models/model-entry';
import { ModelRegistry } from '../models/model-registry';
import { ModelRepository } from '../models/model-repository';
import { ModelUse } from '../models/model-use';
import { ModelsService } from '../models/models.service';
import { type ServedModel, servedModel } from '../models/served-model';
import { V2_PREFIX, v2ErrorBody } from '../open-inference/v2.protocol';
import { v2Route } from '../open-inference/v2.route';
import { systemClock } from '../scheduling/clock';
import { Scheduler } from '../scheduling/scheduler';
import { SessionRunner } from '../sessions/session-runner';
import { StandInThread } from './stand-in-thread';

/** The only model there. */
export const MODEL = 'rehearsal';
const VERSION = '1';

/** What the real instances go by, and so do these. */
export interface StageSettings {
  readonly app: AppConfig;
  readonly http: HttpConfig;
  readonly models: ModelsConfig;
  readonly inference: InferenceConfig;
  readonly cache: CacheConfig;
}

/**
 * The request's way once more, of the same classes, put together in the same way: what V8 compiles for one fits the
 * other. Its instances are its own, so that nothing here is logged, counted, kept or queued beside real requests.
 */
export class Stage {
  private constructor(
    readonly frontDoor: FrontDoor,
    /** What was counted here. */
    readonly recorder: Recorder,
    private readonly accessLog: AccessLog,
    private readonly scheduler: Scheduler,
    private readonly served: ServedModel,
  ) {}

  static async open(settings: StageSettings, codecThread: CodecThread): Promise<Stage> {
    const { app, http, inference, cache } = settings;
    const recorder = new Recorder();
    const accessLog = new AccessLog({ write: () => undefined }, { pid: process.pid });
    const scheduler = new Scheduler({ slots: 1, clock: systemClock, limits: inference });
    const served = await serve(scheduler, recorder);
    const endpoint = new InferenceEndpoint(
      http,
      inference,
      modelsOf(settings.models, served),
      new InferenceService(new PredictionCache(cacheSettings(cache, inference), undefined)),
      recorder,
      codecThread,
      new BodyBudget(http),
      new TurnPacer(),
    );
    const frontDoor = new FrontDoor(http, accessLog, recorder);
    frontDoor.addRoute(nativeRoute(app.apiPrefix, endpoint));
    frontDoor.addErrorBody(V2_PREFIX, v2ErrorBody);
    frontDoor.addRoute(v2Route(endpoint));
    return new Stage(frontDoor, recorder, accessLog, scheduler, served);
  }

  /** Requests that wait for a run. */
  get queuedRequests(): number {
    return this.scheduler.queuedRequests;
  }

  /** Resolves when nothing waits, runs or is timed any more. */
  async close(): Promise<void> {
    const { queue, runner } = this.served;
    await queue.drain();
    await this.scheduler.drain();
    queue.remove();
    await runner.close();
    this.accessLog.flush();
  }
}

async function serve(scheduler: Scheduler, recorder: Recorder): Promise<ServedModel> {
  const config = parseModelConfig(undefined, MODEL);
  // The runner looks at the size of the file, which may be any here; the thread that it is given opens none.
  const runner = await SessionRunner.open(
    {
      modelFile: __filename,
      instances: 1,
      intraOpThreads: 1,
      interOpThreads: config.interOpThreads,
      graphOptimization: config.graphOptimization,
      executionProviders: config.executionProviders,
    },
    { niceness: 0, timeoutMs: 0 },
    () => Promise.resolve(new StandInThread()),
  );
  const queue = scheduler.register({
    key: `${MODEL}/${VERSION}`,
    runner,
    batchable: true,
    maxBatchRows: config.maxBatchRows,
    maxQueueDelayMs: config.maxQueueDelayMs,
    weight: config.weight,
    takesSlot: true,
  });
  const served = servedModel({
    name: MODEL,
    version: VERSION,
    config,
    inputs: runner.inputs,
    outputs: runner.outputs,
    runner,
    queue,
    batching: { enabled: true, reason: undefined },
    sample: undefined,
    use: new ModelUse(),
    memoryBytes: 0,
    digest: '',
    deterministic: true,
    recorder: recorder.model(MODEL, VERSION),
  });
  queue.observer = served.recorder;
  return served;
}

/** A service that knows this model alone. It is never asked to change anything: what it would need for that is not there. */
function modelsOf(config: ModelsConfig, served: ServedModel): ModelsService {
  const registry = new ModelRegistry(new ModelRepository(config.dir));
  const model = registry.expect(served.name);
  const found = { version: served.version, configFolder: '', file: undefined, sizeBytes: 0 };
  const entry = new VersionEntry(served.name, found, served.config);
  entry.served = served;
  entry.state = 'READY';
  model.versions.set(served.version, entry);
  model.latest = served.version;
  const none = undefined as never;
  return new ModelsService(config, registry, none, none, none);
}
