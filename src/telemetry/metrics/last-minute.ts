import { type Figures, type Observed, Reading, type Subject } from './figures';
import { MODELS } from './layout';
import { FAMILIES } from './metric-families';
import { OUTCOMES, PROTOCOLS } from './outcome';

/** What a model, or all of them together, did within the last minute. */
export interface Activity {
  readonly requestsPerSecond: number;
  /** Calls that failed through no fault of their client. */
  readonly errorsPerSecond: number;
  /** Of whole calls that succeeded; null: there was none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface ModelActivity extends Activity {
  /** Requests that wait for a run now. */
  readonly queued: number;
  readonly rowsPerRun: number | null;
  /** Means, of calls that succeeded by a run. */
  readonly stagesMs: Readonly<Record<'queue' | 'decode' | 'run' | 'encode', number>> | null;
}

/** One value a second, the oldest first; null: nothing is known of that second, or nothing succeeded in it. */
export interface ServerActivity extends Activity {
  readonly series: Readonly<Record<'requests' | 'errors' | 'p50Ms' | 'p99Ms', readonly (number | null)[]>>;
}

export interface LastMinuteReport {
  readonly server: ServerActivity;
  /** By name, all versions together; only models that were called. */
  readonly models: Readonly<Record<string, ModelActivity>>;
  /** Calls since the start. */
  readonly requestsTotal: number;
}

/** The same with who did it. */
export interface ActivityReport extends LastMinuteReport {
  readonly workers: { readonly ready: number; readonly configured: number; readonly restarts: number };
}

const SECONDS = 60;
const SECOND_MS = 1000;
/** Nobody looks any more: nothing is kept. */
const UNWATCHED_MS = 90_000;
const NO_FAULT = new Set(['success', 'client_error', 'cancelled']);

/** Keeps the figures of the last 60 seconds while somebody looks at them, and tells what changed between them. */
export class LastMinute {
  /** The newest last, each with all models together. */
  private readonly seconds: { readonly figures: Figures; readonly total: Totals }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private watchedAtMs = 0;

  constructor(private readonly read: () => Figures) {}

  /** What is known; the first time that is nothing. Keeps on looking for a while. */
  report(): LastMinuteReport {
    this.watchedAtMs = performance.now();
    if (this.timer === undefined) {
      this.look();
      this.timer = setInterval(() => this.look(), SECOND_MS).unref();
    }
    const requestsTotal = requestsOf(this.seconds.at(-1)!.total);
    return { server: this.server(), models: this.models(), requestsTotal };
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.seconds.length = 0;
  }

  /** One more second has passed. */
  look(): void {
    if (performance.now() - this.watchedAtMs > UNWATCHED_MS) return this.stop();
    const figures = this.read();
    this.seconds.push({ figures, total: new Reading(MODELS, ...figures.models) });
    if (this.seconds.length > SECONDS + 1) this.seconds.shift();
  }

  private server(): ServerActivity {
    const totals = this.seconds.map(({ total }) => total);
    const steps = totals.slice(1).map((total, i) => activityBetween(totals[i]!, total, 1));
    const unknown = Array.from({ length: SECONDS - steps.length }, () => null);
    const series = (of: (step: Activity) => number | null): (number | null)[] => [
      ...unknown,
      ...steps.map(of),
    ];
    return {
      ...activityBetween(totals[0]!, totals.at(-1)!, steps.length),
      series: {
        requests: series(({ requestsPerSecond }) => requestsPerSecond),
        errors: series(({ errorsPerSecond }) => errorsPerSecond),
        p50Ms: series(({ p50Ms }) => p50Ms),
        p99Ms: series(({ p99Ms }) => p99Ms),
      },
    };
  }

  private models(): Record<string, ModelActivity> {
    const first = byName(this.seconds[0]!.figures);
    const activities = [...byName(this.seconds.at(-1)!.figures)].flatMap(([name, subjects]) => {
      const before = new Reading(MODELS, ...(first.get(name) ?? []));
      const after = new Reading(MODELS, ...subjects);
      if (requestsOf(after) === 0) return [];
      return [[name, modelActivity(before, after, this.seconds.length - 1)] as const];
    });
    return Object.fromEntries(activities);
  }
}

type Totals = Reading<'models'>;

function byName({ models }: Figures): Map<string, Subject[]> {
  const named = new Map<string, Subject[]>();
  for (const subject of models) {
    const [name = ''] = subject.labels;
    if (name === '') continue;
    named.set(name, [...(named.get(name) ?? []), subject]);
  }
  return named;
}

function requestsOf(totals: Totals, counts: (outcome: string) => boolean = () => true): number {
  let sum = 0;
  for (const protocol of PROTOCOLS) {
    for (const outcome of OUTCOMES) {
      if (counts(outcome)) sum += totals.at(FAMILIES.requests.at[protocol][outcome]);
    }
  }
  return sum;
}

function activityBetween(before: Totals, after: Totals, seconds: number): Activity {
  const perSecond = (of: (totals: Totals) => number): number =>
    seconds === 0 ? 0 : (of(after) - of(before)) / seconds;
  const place = FAMILIES.requestDuration.at.success;
  const durations = difference(before.observed(place), after.observed(place));
  return {
    requestsPerSecond: perSecond((totals) => requestsOf(totals)),
    errorsPerSecond: perSecond((totals) => requestsOf(totals, (outcome) => !NO_FAULT.has(outcome))),
    p50Ms: quantile(durations, place.bounds, 0.5),
    p99Ms: quantile(durations, place.bounds, 0.99),
  };
}

function modelActivity(before: Totals, after: Totals, seconds: number): ModelActivity {
  const mean = (family: { at: Parameters<Totals['observed']>[0] }): number | null => {
    const { count, sum } = difference(before.observed(family.at), after.observed(family.at));
    return count === 0 ? null : sum / count;
  };
  const [queue, decode, run, encode] = [
    mean(FAMILIES.queueDuration),
    mean(FAMILIES.decodeDuration),
    mean(FAMILIES.runDuration),
    mean(FAMILIES.encodeDuration),
  ];
  const hasStages = queue !== null && decode !== null && run !== null && encode !== null;
  return {
    ...activityBetween(before, after, seconds),
    queued: after.at(FAMILIES.queueRequests.at),
    rowsPerRun: mean(FAMILIES.batchRows),
    stagesMs: hasStages ? { queue, decode, run, encode } : null,
  };
}

function difference(before: Observed, after: Observed): Observed {
  return {
    buckets: after.buckets.map((count, i) => count - before.buckets[i]!),
    count: after.count - before.count,
    sum: after.sum - before.sum,
  };
}

/** As Prometheus estimates it: evenly spread within a bucket, and at most the highest bound. */
function quantile({ buckets, count }: Observed, bounds: readonly number[], share: number): number | null {
  if (count === 0) return null;
  let rank = share * count;
  for (let i = 0; i < bounds.length; i++) {
    const inBucket = buckets[i]!;
    if (rank <= inBucket) {
      const from = i === 0 ? 0 : bounds[i - 1]!;
      return from + (bounds[i]! - from) * (rank / inBucket);
    }
    rank -= inBucket;
  }
  return bounds.at(-1)!;
}
