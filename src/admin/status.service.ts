import { Inject, Injectable } from '@nestjs/common';
import { relative } from 'node:path';
import { type AppConfig, appConfig, type ModelsConfig, modelsConfig } from '../config/config.slices';
import { ServerReadiness } from '../health/server-readiness';
import type { ModelEntry, ModelState } from '../models/loading/model-entry';
import { ModelsHealthIndicator } from '../models/models.health';
import { ModelsService } from '../models/models.service';
import { explain } from '../models/what-to-do';
import { inWords } from '../processing/in-words';
import { pageOf } from '../protocols/http-call/model-page';
import type { Activity, LastMinuteReport, ModelActivity } from '../telemetry/metrics/last-minute';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import type {
  StatusActivity,
  StatusModel,
  StatusModelActivity,
  StatusReason,
  StatusResponse,
  StatusServerActivity,
} from './status.dto';

const STATES: Readonly<Record<ModelState, StatusModel['state']>> = {
  READY: 'ready',
  LOADING: 'loading',
  UNLOADING: 'unloading',
  UNAVAILABLE: 'unavailable',
};

const DIGITS = 4;

/** Who looks at it. */
export interface Viewer {
  /** By a credential. */
  readonly isKnown: boolean;
  /** What the page may offer. */
  readonly may: readonly string[];
  /** May it read the metrics? */
  readonly seesMetrics: boolean;
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

  /**
   * @param url of the call, whose query may ask for a page of the models
   * @throws invalid_request
   */
  async status(
    { isKnown, may, seesMetrics, maySee }: Viewer,
    url: string | undefined,
  ): Promise<StatusResponse> {
    const [models, activity] = await Promise.all([this.models.list(), this.metrics.activity()]);
    const { ready, unavailable } = this.health.condition();
    const faults = unavailable
      .filter(({ model }) => maySee(model))
      .map(({ model, reason }) => ({ model, text: explain(reason).text }));
    const { fault } = this.readiness;
    const own = fault ?? (models.length === 0 ? 'there is no model in the model folder' : undefined);
    const reasons = own === undefined ? faults : [{ text: own }, ...faults];
    const page = pageOf(
      models.filter(({ name }) => maySee(name)),
      url,
    );
    const loads = models.some((model) => model.version(undefined)?.state === 'LOADING');
    return {
      name: this.app.projectName,
      version: this.app.version,
      state: this.readiness.isStopping
        ? 'draining'
        : ready
          ? reasons.length > 0
            ? 'degraded'
            : 'ready'
          : loads
            ? 'starting'
            : 'degraded',
      reasons,
      uptime_seconds: Math.round(process.uptime()),
      requests_total: activity.requestsTotal,
      workers: activity.workers,
      auth: { required: isKnown, may: [...may] },
      links: { docs: 'docs', metrics: seesMetrics ? 'metrics' : null },
      model_dir: relative(process.cwd(), this.config.dir) || '.',
      last_minute: serverActivity(activity),
      models: page.models.map((model) => statusOf(model, activity.models[model.name])),
      next_cursor: page.next,
    };
  }
}

function statusOf(model: ModelEntry, activity: ModelActivity | undefined): StatusModel {
  const entry = model.version(undefined);
  const text = model.fault ?? entry?.reason ?? model.reason;
  const { served } = entry ?? {};
  const words = served && inWords({ ...served, pipeline: served.processing?.pipeline });
  return {
    name: model.name,
    description: entry?.config.description || null,
    state: stateOf(model),
    reason: reasonOf(model, text),
    required: model.required,
    version: entry?.version ?? null,
    versions: [...model.versions.values()].map((version) => ({
      version: version.version,
      state: version.isQuarantined ? 'quarantined' : STATES[version.state],
      default: version === entry,
      size_bytes: version.found.sizeBytes,
    })),
    takes: words?.takes ?? null,
    gives: words?.gives ?? null,
    queue: activity?.queued ?? 0,
    memory_bytes: model.loaded().reduce((sum, { served }) => sum + served.memoryBytes, 0),
    last_minute: activity === undefined ? null : modelActivity(activity),
  };
}

function stateOf(model: ModelEntry): StatusModel['state'] {
  const entry = model.version(undefined);
  const state = STATES[entry?.state ?? 'UNAVAILABLE'];
  if (state !== 'unavailable' && state !== 'ready') return state;
  if (entry?.isQuarantined === true) return 'quarantined';
  // One that runs elsewhere is there, and does not answer.
  return model.fault !== undefined && !model.unloaded ? 'failed' : state;
}

function reasonOf(model: ModelEntry, said: string): StatusReason | null {
  const entry = model.version(undefined);
  if (entry?.state === 'LOADING') {
    const seconds = Math.round((performance.now() - entry.sinceMs) / 1000);
    return { text: `for ${seconds} s`, hint: null, detail: null };
  }
  if (said === '' && !model.unloaded) return null;
  const { text, hint = null, detail = null } = explain(said || 'it was unloaded by a call');
  return { text, hint, detail };
}

function serverActivity({ server }: LastMinuteReport): StatusServerActivity {
  const { requests, errors, p50Ms, p99Ms } = server.series;
  return {
    step_seconds: 1,
    ...activityOf(server),
    series: {
      requests: requests.map(rounded),
      errors: errors.map(rounded),
      p50_ms: p50Ms.map(rounded),
      p99_ms: p99Ms.map(rounded),
    },
  };
}

function modelActivity(activity: ModelActivity): StatusModelActivity {
  const { rowsPerRun, stagesMs } = activity;
  return {
    ...activityOf(activity),
    rows_per_run: rounded(rowsPerRun),
    stages_ms: stagesMs && {
      queue: rounded(stagesMs.queue),
      decode: rounded(stagesMs.decode),
      run: rounded(stagesMs.run),
      encode: rounded(stagesMs.encode),
    },
  };
}

function activityOf({ requestsPerSecond, errorsPerSecond, p50Ms, p99Ms }: Activity): StatusActivity {
  return {
    requests_per_second: rounded(requestsPerSecond),
    errors_per_second: rounded(errorsPerSecond),
    p50_ms: rounded(p50Ms),
    p99_ms: rounded(p99Ms),
  };
}

/** Nobody reads more digits, and a hundred models have thousands of them. */
function rounded<Value extends number | null>(value: Value): Value {
  return (value === null ? null : Number(value.toPrecision(DIGITS))) as Value;
}
