import { CACHE_TIERS } from './cache-figures';
import { cacheSamples } from './cache-samples';
import { durationSamples, histogramSamples, seconds } from './histogram-samples';
import { FAMILIES, type MetricFamily } from './metric-families';
import { CACHE_OUTCOMES, OUTCOMES, PROTOCOLS } from './outcome';
import { type BatchTotals, ModelTotals, type Stage } from './model-totals';
import { remoteSamples } from './remote-samples';
import type { FamilySamples, Labels, Sample } from './sample';
import { type ServerSnapshot, WORKER_STATES } from './server-snapshot';
import { RESPONSE_CLASSES } from './snapshot';

/** The versions of what is running. */
export interface BuildInfo {
  readonly version: string;
  readonly node: string;
  readonly onnxruntime: string;
}

const BATCH_ROWS_BOUNDS = Array.from({ length: 11 }, (_, i) => 2 ** i);

/** Every family with its samples, one after the other: with many models each of them takes a while. */
export function* samplesOf(server: ServerSnapshot, build: BuildInfo): Iterable<FamilySamples> {
  const models = server.figures.models.map((model) => new ModelTotals(model));
  yield* callSamples(models);
  yield* runSamples(models);
  yield* cacheSamples(server.figures.cache);
  yield* remoteSamples(server.figures.remotes);
  yield* serverSamples(server, models, build);
}

function* callSamples(models: readonly ModelTotals[]): Iterable<FamilySamples> {
  const known = models.filter((model) => model.of.model !== '');
  const stage = (family: MetricFamily, name: Stage): FamilySamples => [
    family,
    known.flatMap((model) => durationSamples(family.name, labelsOf(model), model.stage(name))),
  ];
  yield [
    FAMILIES.requests,
    models.flatMap((model) =>
      PROTOCOLS.flatMap((protocol) =>
        OUTCOMES.map((outcome) => ({
          labels: { ...labelsOf(model), protocol, outcome },
          value: model.requests(protocol, outcome),
        })),
      ),
    ),
  ];
  yield [
    FAMILIES.requestDuration,
    models.flatMap((model) =>
      OUTCOMES.flatMap((outcome) => {
        const durations = model.total(outcome);
        if (durations.count === 0) return [];
        return durationSamples(FAMILIES.requestDuration.name, { ...labelsOf(model), outcome }, durations);
      }),
    ),
  ];
  yield stage(FAMILIES.decodeDuration, 'decode');
  yield stage(FAMILIES.queueDuration, 'queue');
  yield stage(FAMILIES.runDuration, 'run');
  yield stage(FAMILIES.encodeDuration, 'encode');
  yield [
    FAMILIES.cacheRequests,
    known.flatMap((model) =>
      CACHE_OUTCOMES.map((outcome) => ({
        labels: { ...labelsOf(model), outcome: outcome.toLowerCase() },
        value: model.cache(outcome).count,
      })),
    ),
  ];
  yield [
    FAMILIES.cacheHits,
    known.flatMap((model) =>
      CACHE_TIERS.map((tier) => ({ labels: { ...labelsOf(model), tier }, value: model.cacheHits(tier) })),
    ),
  ];
}

function* runSamples(models: readonly ModelTotals[]): Iterable<FamilySamples> {
  const known = models.filter((model) => model.of.model !== '');
  yield [FAMILIES.rows, known.map((model) => ({ labels: labelsOf(model), value: model.rows }))];
  yield [
    FAMILIES.executions,
    known.flatMap((model) => [
      { labels: { ...labelsOf(model), outcome: 'success' }, value: sum(model.batches, ({ runs }) => runs) },
      { labels: { ...labelsOf(model), outcome: 'failed' }, value: model.failedRuns },
    ]),
  ];
  yield [
    FAMILIES.executionSeconds,
    known.map((model) => ({
      labels: labelsOf(model),
      value: seconds(sum(model.batches, ({ runMs }) => runMs)),
    })),
  ];
  yield [
    FAMILIES.batchAudits,
    known.flatMap((model) => [
      { labels: { ...labelsOf(model), result: 'agrees' }, value: model.audits(true) },
      { labels: { ...labelsOf(model), result: 'differs' }, value: model.audits(false) },
    ]),
  ];
  yield [FAMILIES.batchRows, known.flatMap(batchRowsSamples)];
}

function serverSamples(
  server: ServerSnapshot,
  models: readonly ModelTotals[],
  build: BuildInfo,
): FamilySamples[] {
  const resident = models.filter((model) => model.of.resident > 0);
  const { processes } = server;
  const byProcess = (
    value: (figures: (typeof processes)[number]['figures']) => number | undefined,
  ): Sample[] =>
    processes.flatMap(({ worker, figures }) => {
      const figure = value(figures);
      return figure === undefined ? [] : [{ labels: { worker }, value: figure }];
    });
  return [
    [
      FAMILIES.queueRequests,
      resident.map((model) => ({ labels: labelsOf(model), value: model.of.queuedRequests })),
    ],
    [FAMILIES.queueLimit, [{ labels: {}, value: server.queueLimit }]],
    [FAMILIES.residentModels, [{ labels: {}, value: sum(resident, (model) => model.of.resident) }]],
    [
      FAMILIES.modelMemory,
      resident.map((model) => ({ labels: labelsOf(model), value: model.of.memoryBytes })),
    ],
    [
      FAMILIES.httpResponses,
      RESPONSE_CLASSES.map((code, i) => ({ labels: { code }, value: server.figures.responses[i] ?? 0 })),
    ],
    [
      FAMILIES.workers,
      WORKER_STATES.map((state) => ({
        labels: { state },
        value: server.workers.filter((worker) => worker === state).length,
      })),
    ],
    [FAMILIES.workersConfigured, [{ labels: {}, value: server.configuredWorkers }]],
    [FAMILIES.workerRestarts, [{ labels: {}, value: server.restarts }]],
    [
      FAMILIES.eventLoopDelay,
      processes.flatMap(({ worker, figures: { eventLoopDelay } }) => [
        { labels: { worker, quantile: '0.5' }, value: eventLoopDelay.p50 },
        { labels: { worker, quantile: '0.99' }, value: eventLoopDelay.p99 },
        { labels: { worker, quantile: '1' }, value: eventLoopDelay.max },
      ]),
    ],
    [FAMILIES.cpu, byProcess(({ cpuSeconds }) => cpuSeconds)],
    [FAMILIES.residentMemory, byProcess(({ residentBytes }) => residentBytes)],
    [FAMILIES.heapUsed, byProcess(({ heapUsedBytes }) => heapUsedBytes)],
    [FAMILIES.heapTotal, byProcess(({ heapTotalBytes }) => heapTotalBytes)],
    [FAMILIES.externalMemory, byProcess(({ externalBytes }) => externalBytes)],
    [FAMILIES.openFiles, byProcess(({ openFiles }) => openFiles)],
    [FAMILIES.startTime, byProcess(({ startSeconds }) => startSeconds)],
    [FAMILIES.buildInfo, [{ labels: { ...build }, value: 1 }]],
  ];
}

function labelsOf({ of: { model, version } }: ModelTotals): Labels {
  return model === '' ? {} : { model, version };
}

function batchRowsSamples(model: ModelTotals): Sample[] {
  const { batches } = model;
  const buckets = BATCH_ROWS_BOUNDS.map((bound, i) => {
    const below = BATCH_ROWS_BOUNDS[i - 1] ?? -1;
    return runsWithin(batches, below, bound);
  });
  const runs = sum(batches, (batch) => batch.runs);
  return histogramSamples(
    FAMILIES.batchRows.name,
    labelsOf(model),
    BATCH_ROWS_BOUNDS,
    buckets,
    runs,
    model.batchRows,
  );
}

function runsWithin(batches: readonly BatchTotals[], below: number, bound: number): number {
  return sum(batches, ({ rows, runs }) => (rows > below && rows <= bound ? runs : 0));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
