import { type BatchTotals, ModelTotals } from '../../telemetry/metrics/model-totals';
import { OUTCOMES } from '../../telemetry/metrics/outcome';
import { type Figures, type ModelFigures, OTHER_MODELS } from '../../telemetry/metrics/snapshot';
import type { V2BatchStatistics, V2ModelStatistics, V2StatisticDuration } from './statistics.dto';

/** The statistics of all model versions, or those of one model or version, in the order of their names. */
export function modelStatistics({ models }: Figures, model?: string, version?: string): V2ModelStatistics[] {
  return models
    .filter((figures) => figures.model !== '' && figures.model !== OTHER_MODELS)
    .filter((figures) => model === undefined || figures.model === model)
    .filter((figures) => version === undefined || figures.version === version)
    .map(statisticsOf)
    .sort((a, b) => compare(a.name, b.name) || a.version.localeCompare(b.version, 'en', { numeric: true }));
}

/** Those of a version of which nothing has been counted yet. */
export function noStatistics(model: string, version: string): V2ModelStatistics {
  return statisticsOf({
    model,
    version,
    cells: [],
    lastInferenceMs: 0,
    resident: 0,
    queuedRequests: 0,
    memoryBytes: 0,
  });
}

function statisticsOf(figures: ModelFigures): V2ModelStatistics {
  const totals = new ModelTotals(figures);
  const success = totals.total('success');
  const failures = OUTCOMES.filter((outcome) => outcome !== 'success').map((outcome) =>
    totals.total(outcome),
  );
  const queue = totals.stage('queue');
  const run = totals.stage('run');
  const batches = totals.batches;
  const [hit, shared, miss] = [totals.cache('HIT'), totals.cache('SHARED'), totals.cache('MISS')];
  // To the protocol an answer shared with an equal call is one from the cache: no inference was made for it.
  const cached = { count: hit.count + shared.count, ms: hit.ms + shared.ms };
  return {
    name: figures.model,
    version: figures.version,
    last_inference: figures.lastInferenceMs,
    inference_count: totals.rows,
    execution_count: sum(batches, ({ runs }) => runs),
    inference_stats: {
      success: duration(success.count, success.sumMs),
      fail: duration(
        sum(failures, ({ count }) => count),
        sum(failures, ({ sumMs }) => sumMs),
      ),
      queue: duration(queue.count + cached.count, queue.sumMs),
      compute_input: duration(
        run.count,
        sum(batches, ({ decodeMs }) => decodeMs),
      ),
      compute_infer: duration(run.count, run.sumMs),
      compute_output: duration(
        run.count,
        sum(batches, ({ encodeMs }) => encodeMs),
      ),
      cache_hit: duration(cached.count, cached.ms),
      cache_miss: duration(miss.count, miss.ms),
    },
    batch_stats: batches.map(batchStatistics),
  };
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
