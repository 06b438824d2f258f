import { type Figures, Reading, type Subject } from '../../telemetry/metrics/figures';
import { type HistogramPlace, MODELS, type Place } from '../../telemetry/metrics/layout';
import { BATCH_SIZES, FAMILIES, STATISTICS } from '../../telemetry/metrics/metric-families';
import { FAILURES } from '../../errors/domain-error';
import type { V2BatchStatistics, V2ModelStatistics, V2StatisticDuration } from './statistics.dto';

/** The models of which something has been counted, in the order of their names. */
export function countedModels(figures: Figures): { readonly name: string }[] {
  const names = new Set(named(figures).map(({ labels: [name = ''] }) => name));
  return [...names].sort(compare).map((name) => ({ name }));
}

/** The statistics of all versions of these models, or of one version, in the order of their names. */
export function modelStatistics(
  figures: Figures,
  models: readonly { readonly name: string }[] = countedModels(figures),
  version?: string,
): V2ModelStatistics[] {
  const wanted = new Set(models.map(({ name }) => name));
  return named(figures)
    .filter(({ labels: [name = ''] }) => wanted.has(name))
    .filter(({ labels: [, of] }) => version === undefined || of === version)
    .map(statisticsOf)
    .sort((a, b) => compare(a.name, b.name) || a.version.localeCompare(b.version, 'en', { numeric: true }));
}

function named({ models }: Figures): readonly Subject[] {
  return models.filter(({ labels: [name] }) => name !== '' && name !== MODELS.rest[0]);
}

/** Those of a version of which nothing has been counted yet. */
export function noStatistics(model: string, version: string): V2ModelStatistics {
  return statisticsOf({ labels: [model, version], cells: [] });
}

function statisticsOf(subject: Subject): V2ModelStatistics {
  const reading = new Reading(MODELS, subject);
  const at = (place: Place<'models'>): number => reading.at(place);
  const spent = (place: HistogramPlace<'models'>): { count: number; ms: number } => {
    const { count, sum } = reading.observed(place);
    return { count, ms: sum };
  };
  const { requestDuration, cacheRequests, executions, rows } = FAMILIES;
  const batches = batchesIn(reading);
  const [success, queue, run] = [
    spent(requestDuration.at.success),
    spent(FAMILIES.queueDuration.at),
    spent(FAMILIES.runDuration.at),
  ];
  const failures = FAILURES.map((outcome) => spent(requestDuration.at[outcome]));
  // To the protocol an answer shared with an equal call is one from the cache: no inference was made for it.
  const cached = {
    count: at(cacheRequests.at.hit) + at(cacheRequests.at.shared),
    ms: at(STATISTICS.cacheMs.HIT) + at(STATISTICS.cacheMs.SHARED),
  };
  const [name = '', version = ''] = subject.labels;
  return {
    name,
    version,
    last_inference: at(STATISTICS.lastInferenceMs),
    inference_count: at(rows.at),
    execution_count: at(executions.at.success),
    inference_stats: {
      success: duration(success.count, success.ms),
      fail: duration(
        sum(failures, ({ count }) => count),
        sum(failures, ({ ms }) => ms),
      ),
      queue: duration(queue.count + cached.count, queue.ms),
      compute_input: duration(
        run.count,
        sum(batches, ({ decodeMs }) => decodeMs),
      ),
      compute_infer: duration(run.count, run.ms),
      compute_output: duration(
        run.count,
        sum(batches, ({ encodeMs }) => encodeMs),
      ),
      cache_hit: duration(cached.count, cached.ms),
      cache_miss: duration(at(cacheRequests.at.miss), at(STATISTICS.cacheMs.MISS)),
    },
    batch_stats: batches.map(batchStatistics),
  };
}

/** The runs of one batch size. */
interface BatchTotals {
  readonly rows: number;
  readonly runs: number;
  readonly runMs: number;
  /** Of the requests in those runs, as is `encodeMs`. */
  readonly decodeMs: number;
  readonly encodeMs: number;
}

/** By size, the smallest first; sizes that did not occur are left out. */
function batchesIn(reading: Reading<'models'>): BatchTotals[] {
  const all = BATCH_SIZES.map((rows, i) => ({
    rows,
    runs: reading.at(STATISTICS.batches[i]!),
    runMs: reading.at(STATISTICS.batchRunMs[i]!),
    decodeMs: reading.at(STATISTICS.batchDecodeMs[i]!),
    encodeMs: reading.at(STATISTICS.batchEncodeMs[i]!),
  }));
  return all.filter(({ runs }) => runs > 0);
}

function batchStatistics({ rows, runs, runMs, decodeMs, encodeMs }: BatchTotals): V2BatchStatistics {
  return {
    batch_size: rows,
    compute_input: duration(runs, decodeMs),
    compute_infer: duration(runs, runMs),
    compute_output: duration(runs, encodeMs),
  };
}

function duration(count: number, ms: number): V2StatisticDuration {
  return { count, ns: Math.round(ms * 1e6) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
