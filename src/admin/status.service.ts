import { Inject, Injectable } from '@nestjs/common';
import { relative } from 'node:path';
import { type AppConfig, appConfig, type ModelsConfig, modelsConfig } from '../config/config.slices';
import { ServerReadiness } from '../health/server-readiness';
import type { ModelEntry } from '../models/loading/model-entry';
import type { ModelState } from '../models/loading/model-state';
import { ModelsHealthIndicator } from '../models/models.health';
import { ModelsService } from '../models/models.service';
import type { Activity, LastMinuteReport, ModelActivity } from '../telemetry/metrics/last-minute';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import type { TensorSpec } from '../tensors/tensor';
import type {
  StatusActivity,
  StatusModel,
  StatusModelActivity,
  StatusResponse,
  StatusServerActivity,
  StatusTensor,
} from './status.dto';

const STATES: Readonly<Record<ModelState, StatusModel['state']>> = {
  READY: 'ready',
  LOADING: 'loading',
  UNLOADING: 'unloading',
  UNAVAILABLE: 'unavailable',
};

/** Who looks at it. */
export interface Viewer {
  /** By a credential. */
  readonly isKnown: boolean;
  /** What the page may offer. */
  readonly may: readonly string[];
  readonly maySee: (model: string) => boolean;
}

/** The server at one moment, for the page and for whoever wants the same in one answer. */
@Injectable()
export class StatusService {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    @Inject(modelsConfig.KEY) private readonly config: ModelsConfig,
    private readonly models: ModelsService,
    private readonly health: ModelsHealthIndicator,
    private readonly readiness: ServerReadiness,
    private readonly metrics: MetricsService,
  ) {}

  async status({ isKnown, may, maySee }: Viewer): Promise<StatusResponse> {
    const [models, activity] = await Promise.all([this.models.list(), this.metrics.activity()]);
    const { ready, unavailable } = this.health.condition();
    const faults = unavailable
      .filter(({ model }) => maySee(model))
      .map(({ model, reason }) => ({ model, text: reason }));
    const { fault } = this.readiness;
    const reasons = fault === undefined ? faults : [{ text: fault }, ...faults];
    return {
      name: this.app.projectName,
      version: this.app.version,
      state:
        fault === 'shutting down'
          ? 'draining'
          : !ready
            ? 'starting'
            : reasons.length > 0
              ? 'degraded'
              : 'ready',
      reasons,
      uptime_seconds: Math.round(process.uptime()),
      requests_total: activity.requestsTotal,
      workers: activity.workers,
      auth: { required: isKnown, may: [...may] },
      links: { docs: 'docs', metrics: 'metrics' },
      model_dir: relative(process.cwd(), this.config.dir) || '.',
      last_minute: serverActivity(activity),
      models: models
        .filter(({ name }) => maySee(name))
        .map((model) => statusOf(model, activity.models[model.name])),
    };
  }
}

function statusOf(model: ModelEntry, activity: ModelActivity | undefined): StatusModel {
  const entry = model.version(undefined);
  const text = model.fault ?? entry?.reason ?? model.reason;
  return {
    name: model.name,
    description: entry?.config.description || null,
    state: stateOf(model),
    reason: text === '' ? null : { text, hint: model.unloaded ? 'Load it to serve it again.' : null },
    required: model.required,
    version: entry?.version ?? null,
    versions: [...model.versions.values()].map((version) => ({
      version: version.version,
      state: STATES[version.state],
      default: version === entry,
      size_bytes: version.found.sizeBytes,
    })),
    inputs: entry?.served?.inputs.map(tensorOf) ?? [],
    outputs: entry?.served?.outputs.map(tensorOf) ?? [],
    memory_bytes: model.loaded().reduce((sum, { served }) => sum + served.memoryBytes, 0),
    last_minute: activity === undefined ? null : modelActivity(activity),
  };
}

function stateOf(model: ModelEntry): StatusModel['state'] {
  const state = STATES[model.version(undefined)?.state ?? 'UNAVAILABLE'];
  return state === 'unavailable' && model.fault !== undefined && !model.unloaded ? 'failed' : state;
}

function tensorOf({ name, datatype, shape }: TensorSpec): StatusTensor {
  return { name, datatype, shape: [...shape] };
}

function serverActivity({ server }: LastMinuteReport): StatusServerActivity {
  const { requests, errors, p50Ms, p99Ms } = server.series;
  return {
    step_seconds: 1,
    ...activityOf(server),
    series: { requests: [...requests], errors: [...errors], p50_ms: [...p50Ms], p99_ms: [...p99Ms] },
  };
}

function modelActivity(activity: ModelActivity): StatusModelActivity {
  return { ...activityOf(activity), rows_per_run: activity.rowsPerRun, stages_ms: activity.stagesMs };
}

function activityOf({ requestsPerSecond, errorsPerSecond, p50Ms, p99Ms }: Activity): StatusActivity {
  return {
    requests_per_second: requestsPerSecond,
    errors_per_second: errorsPerSecond,
    p50_ms: p50Ms,
    p99_ms: p99Ms,
  };
}
