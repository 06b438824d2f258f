import { type Subject, valueAt } from './figures';
import {
  CALLERS,
  type CountedFamily,
  each,
  type MetricFamily,
  MODELS,
  type Place,
  REMOTES,
  SERVER,
} from './layout';
import { CACHE_TIERS, OUTCOMES, PROTOCOLS, REMOTE_OUTCOMES } from './outcome';
import type { ProcessFigures } from '../../process/process-watch';
import { type BuildInfo, type ServerSnapshot, WORKER_STATES } from './server-snapshot';

/** One series: the values of its labels, and its own. */
type Told = readonly [labels: readonly string[], value: number];

/** A family whose figures have no places: they are read off the server when they are wanted. */
export interface ToldFamily extends MetricFamily {
  readonly tell: (server: ServerSnapshot, build: BuildInfo) => readonly Told[];
}

/** HTTP answers are counted by the first digit of their status. */
const RESPONSE_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

const DURATION = {
  bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000],
  few: [1, 5, 10, 50, 100, 500, 1000, 5000],
  inMs: true,
};
const STAGE = { ...DURATION, few: [0.1, 1, 10, 100, 1000] };
const ROWS = { bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], few: [1, 4, 16, 64, 256] };

/** Batches of 0 to this many rows are counted by their exact size, larger ones by the next power of two. */
const EXACT_BATCH_ROWS = 64;
const EXACT_BATCH_BITS = Math.log2(EXACT_BATCH_ROWS);
const LARGEST_BATCH_BITS = 16;

/** The batch sizes that are told apart; one that lies between two counts as the larger, beyond the last as the last. */
export const BATCH_SIZES: readonly number[] = [
  ...Array.from({ length: EXACT_BATCH_ROWS + 1 }, (_, rows) => rows),
  ...Array.from({ length: LARGEST_BATCH_BITS - EXACT_BATCH_BITS }, (_, i) => 2 ** (EXACT_BATCH_BITS + 1 + i)),
];

/** The place of a batch's size in `BATCH_SIZES`. */
export function batchIndex(rows: number): number {
  if (rows <= EXACT_BATCH_ROWS) return rows;
  const bits = Math.min(32 - Math.clz32(rows - 1), LARGEST_BATCH_BITS);
  return EXACT_BATCH_ROWS + bits - EXACT_BATCH_BITS;
}

const byBatchSize = (): readonly Place<'models'>[] => BATCH_SIZES.map(() => MODELS.figure());

/** Figures of a model that the statistics of the Open Inference Protocol show, and `GET /metrics` does not. */
export const STATISTICS = {
  /** How often it is loaded: every worker loads the same models, so loaded in two of them is still one model. */
  resident: MODELS.figure({ held: true, max: true }),
  /** When an inference last succeeded, in milliseconds since 1970; 0 for never. */
  lastInferenceMs: MODELS.figure({ max: true }),
  /** What looking in the cache took. */
  cacheMs: { HIT: MODELS.figure(), MISS: MODELS.figure(), BYPASS: MODELS.figure(), SHARED: MODELS.figure() },
  /** Runs that succeeded, and what they took; and what decoding and encoding their calls took. */
  batches: byBatchSize(),
  batchRunMs: byBatchSize(),
  batchDecodeMs: byBatchSize(),
  batchEncodeMs: byBatchSize(),
} as const;

const resident = { where: STATISTICS.resident };

/**
 * Everything that `GET /metrics` shows. What an entry of `SERVER`, `MODELS`, `REMOTES` or `CALLERS` counts is merged over the
 * workers and printed because it stands here; the others are read off the server when they are wanted.
 * docs/metrics.md, the dashboard and the alerts are tested against this.
 */
export const FAMILIES = {
  requests: MODELS.counter('nestor_requests_total', {
    help: 'Inference calls by how they ended. No model and version: refused before the model was known.',
    labels: ['protocol', 'outcome'],
    values: each(PROTOCOLS, OUTCOMES),
    unnamed: true,
    sparse: true,
  }),
  requestDuration: MODELS.histogram('nestor_request_duration_seconds', {
    help: 'Inference calls from the arrival of their headers until their answer was handed to the socket.',
    ...DURATION,
    unnamed: true,
    sparse: true,
    labels: ['outcome'],
    values: OUTCOMES,
  }),
  decodeDuration: MODELS.histogram('nestor_decode_duration_seconds', {
    help: 'Reading the tensors from the body, of calls that succeeded.',
    ...STAGE,
  }),
  queueDuration: MODELS.histogram('nestor_queue_duration_seconds', {
    help: 'Waiting for a run, of calls that succeeded by one.',
    ...STAGE,
  }),
  runDuration: MODELS.histogram('nestor_run_duration_seconds', {
    help: 'The run that a call took part in, of calls that succeeded by one; calls of one batch count it each.',
    ...STAGE,
  }),
  encodeDuration: MODELS.histogram('nestor_encode_duration_seconds', {
    help: 'Writing the answer and handing it to the socket, of calls that succeeded.',
    ...STAGE,
  }),
  rows: MODELS.counter('nestor_rows_total', {
    help: 'Rows (leading dimension of the inputs) of calls that succeeded by a run.',
  }),
  executions: MODELS.counter('nestor_executions_total', {
    help: 'Runs of batches; a batch that failed is run again call by call.',
    labels: ['outcome'],
    values: ['success', 'failed'],
  }),
  executionSeconds: MODELS.counter('nestor_execution_seconds_total', {
    help: 'Time spent in runs that succeeded, each counted once.',
    inMs: true,
  }),
  batchAudits: MODELS.counter('nestor_batch_audits_total', {
    help: 'Calls that were answered from a batch and run again alone; differs: the batch was wrong, and the last one.',
    labels: ['result'],
    values: ['agrees', 'differs'],
  }),
  shadowRequests: MODELS.counter('nestor_shadow_requests_total', {
    help: 'Copies of calls that the shadow of a version ran, by how its answer compares; skipped: not run or compared.',
    labels: ['result'],
    values: ['same', 'near', 'differs', 'failed', 'skipped'],
    sparse: true,
  }),
  quarantines: MODELS.counter('nestor_model_quarantines_total', {
    help: 'Times that a worker set a version aside, as workers had died of a signal while they ran it.',
  }),
  batchRows: MODELS.histogram('nestor_batch_rows', {
    help: 'Rows of the runs that succeeded.',
    ...ROWS,
  }),
  cacheRequests: MODELS.counter('nestor_cache_requests_total', {
    help: 'Calls by how the prediction cache took part; bypass: not asked, shared: had the answer of an equal call.',
    labels: ['outcome'],
    values: ['hit', 'miss', 'bypass', 'shared'],
    sparse: true,
  }),
  cacheHits: MODELS.counter('nestor_cache_hits_total', {
    help: 'Calls that the prediction cache answered, by the tier that had the answer.',
    labels: ['tier'],
    values: CACHE_TIERS,
  }),
  cacheLookups: SERVER.counter('nestor_cache_lookups_total', {
    help: 'Questions to a tier of the cache; skipped: Redis was not asked, because it was away or slow.',
    labels: ['tier', 'result'],
    values: { memory: ['hit', 'miss'], redis: ['hit', 'miss', 'skipped'] },
  }),
  cacheWrites: SERVER.counter('nestor_cache_writes_total', {
    help: 'Answers given to a tier of the cache; dropped: not written, as Redis failed or too many were on their way.',
    labels: ['tier', 'result'],
    values: { memory: ['stored'], redis: ['stored', 'dropped'] },
  }),
  cacheFaults: SERVER.counter('nestor_cache_redis_faults_total', {
    help: 'Reads from and writes to Redis that failed; unreadable: what was there is no entry of this cache.',
    labels: ['operation', 'kind'],
    values: { read: ['error', 'timeout', 'unreadable'], write: ['error', 'timeout'] },
  }),
  cacheCircuitOpenings: SERVER.counter('nestor_cache_redis_circuit_openings_total', {
    help: 'Times that a worker gave up reading from Redis, or writing to it, for a while.',
  }),
  cacheRedisWorkers: SERVER.gauge('nestor_cache_redis_workers', {
    help: 'Workers by the state in which they see Redis; all are 0 where none is configured.',
    labels: ['state'],
    values: ['connected', 'read-only', 'unreachable'],
  }),
  cacheRemovals: SERVER.counter('nestor_cache_memory_removals_total', {
    help: 'Answers that left memory: evicted, to make room for others, or found expired.',
    labels: ['reason'],
    values: ['evicted', 'expired'],
  }),
  cacheEntries: SERVER.gauge('nestor_cache_memory_entries', {
    help: 'Answers in the memory of all workers.',
  }),
  cacheBytes: SERVER.gauge('nestor_cache_memory_bytes', {
    help: 'Memory that they take, estimated from their size.',
  }),
  cacheLimit: SERVER.gauge('nestor_cache_memory_limit_bytes', {
    help: 'Memory that they may take in all workers.',
  }),
  processed: SERVER.counter('nestor_processing_total', {
    help: 'Inputs that threads made tensors of, and outputs that they made answers of; also of what was refused.',
    labels: ['work'],
    values: ['prepare', 'finish'],
  }),
  processingSeconds: SERVER.counter('nestor_processing_seconds_total', {
    help: 'What that took on the threads.',
    inMs: true,
    labels: ['work'],
    values: ['prepare', 'finish'],
  }),
  processingWait: SERVER.counter('nestor_processing_wait_seconds_total', {
    help: 'How long it had waited for a thread.',
    inMs: true,
  }),
  processingWaiting: SERVER.gauge('nestor_processing_waiting', {
    help: 'Inputs and outputs that wait for a thread.',
  }),
  processingThreads: SERVER.gauge('nestor_processing_threads', {
    help: 'Threads that process: one from the first model that needs any, others when work would wait.',
  }),
  queueRequests: MODELS.gauge('nestor_queue_requests', {
    help: 'Calls that wait for a run now, in all workers.',
    ...resident,
  }),
  queueLimit: told('gauge', 'nestor_queue_limit_requests', {
    help: 'Calls that may wait at one time, in all workers; beyond it they are refused.',
    tell: ({ queueLimit }) => queueLimit,
  }),
  residentModels: told('gauge', 'nestor_resident_models', {
    help: 'Model versions that are loaded in at least one worker.',
    tell: ({ figures }) => figures.models.reduce((sum, model) => sum + residents(model), 0),
  }),
  modelAvailable: {
    name: 'nestor_model_available',
    type: 'gauge',
    help: 'Models that serve (1), and those that ought to and do not (0), be it in one worker; the health says why.',
    labels: ['model'],
    tell: ({ figures, unavailable }) => {
      const loaded = figures.models.filter((model) => residents(model) > 0);
      const names = new Set([...loaded.map(({ labels: [model = ''] }) => model), ...unavailable]);
      return [...names].map((model) => [[model], unavailable.includes(model) ? 0 : 1]);
    },
  },
  modelMemory: MODELS.gauge('nestor_model_memory_bytes', {
    help: 'Estimated memory of the weights that each worker has for itself, in all workers: by the size of files.',
    ...resident,
  }),
  modelSharedMemory: MODELS.gauge('nestor_model_shared_memory_bytes', {
    help: 'Weights of prepared models that all workers map: once in the machine, however many workers there are.',
    max: true,
    ...resident,
  }),
  preparations: {
    name: 'nestor_model_preparations_total',
    type: 'counter',
    help: 'Models that were prepared, those that could not be, and prepared ones that a worker found to be wrong.',
    labels: ['outcome'],
    tell: ({ preparations: { made, failed, doubted } }) => [
      [['made'], made],
      [['failed'], failed],
      [['wrong'], doubted],
    ],
  },
  remoteCalls: REMOTES.counter('nestor_remote_calls_total', {
    help: 'Attempts of calls to a remote by how they ended.',
    labels: ['outcome'],
    values: REMOTE_OUTCOMES,
  }),
  remoteCallDuration: REMOTES.histogram('nestor_remote_call_duration_seconds', {
    help: 'Attempts of calls to a remote, from connecting to the last byte of the answer or to the failure.',
    ...DURATION,
  }),
  remoteRetries: REMOTES.counter('nestor_remote_retries_total', {
    help: 'Attempts that were made because another one had failed.',
  }),
  remoteOutstanding: REMOTES.gauge('nestor_remote_outstanding_calls', {
    help: 'Calls to a remote under way now, from all workers.',
  }),
  remoteEjected: REMOTES.gauge('nestor_remote_ejected', {
    help: 'Workers that have a remote out of use now, as its calls kept failing.',
  }),
  remoteEjections: REMOTES.counter('nestor_remote_ejections_total', {
    help: 'Times that a worker took a remote out of use.',
  }),
  remoteSent: REMOTES.counter('nestor_remote_sent_bytes_total', {
    help: 'Bodies of calls to a remote, one that is sent again counted again.',
  }),
  remoteReceived: REMOTES.counter('nestor_remote_received_bytes_total', {
    help: 'Bodies of the answers of a remote that were read to their end.',
  }),
  httpResponses: SERVER.counter('nestor_http_responses_total', {
    help: 'HTTP answers of all kinds by class of status; 4xx includes clients that left before their answer.',
    labels: ['code'],
    values: RESPONSE_CLASSES,
  }),
  unreadAnswers: SERVER.counter('nestor_http_unread_answers_total', {
    help: 'Connections that were closed as their client took nothing of its answer for RESPONSE_TIMEOUT_MS.',
  }),
  traceSpansDropped: SERVER.counter('nestor_trace_spans_dropped_total', {
    help: 'Spans of sampled requests that no collector got, as it was away or slow.',
  }),
  traceExportFailures: SERVER.counter('nestor_trace_export_failures_total', {
    help: 'Exports of spans that the collector did not take.',
  }),
  workers: {
    name: 'nestor_workers',
    type: 'gauge',
    help: 'Worker processes by state; leaving: replaced or stopped, finishes what it holds.',
    labels: ['state'],
    tell: ({ workers }) =>
      WORKER_STATES.map((state) => [[state], workers.filter((worker) => worker === state).length]),
  },
  workersConfigured: told('gauge', 'nestor_workers_configured', {
    help: 'Worker processes that there ought to be.',
    tell: ({ configuredWorkers }) => configuredWorkers,
  }),
  workerRestarts: told('counter', 'nestor_worker_restarts_total', {
    help: 'Worker processes that died or failed and were replaced.',
    tell: ({ restarts }) => restarts,
  }),
  callerRequests: CALLERS.counter('nestor_caller_requests_total', {
    help: 'Requests of each caller that has proved who it is, by how they ended; only with METRICS_BY_CALLER.',
    labels: ['outcome'],
    values: ['done', 'refused', 'failed'],
  }),
  callerRows: CALLERS.counter('nestor_caller_rows_total', {
    help: 'Rows of the inference calls of each such caller, whether they ran or not; only with METRICS_BY_CALLER.',
  }),
  accessFailures: told('counter', 'nestor_access_reload_failures_total', {
    help: 'Times that files of keys, or the keys of whoever issues tokens, could not be read anew.',
    tell: ({ accessFailures }) => accessFailures,
  }),
  eventLoopDelay: {
    name: 'nestor_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late the event loop was in the last 30 to 60 seconds; quantile 1 is the maximum.',
    labels: ['worker', 'quantile'],
    tell: ({ processes }) =>
      processes.flatMap(({ worker, figures: { eventLoopDelay } }) => [
        [[worker, '0.5'], eventLoopDelay.p50],
        [[worker, '0.99'], eventLoopDelay.p99],
        [[worker, '1'], eventLoopDelay.max],
      ]),
  },
  cpu: ofProcesses('counter', 'process_cpu_seconds_total', {
    help: 'CPU time of the process, its session threads included.',
    tell: ({ cpuSeconds }) => cpuSeconds,
  }),
  residentMemory: ofProcesses('gauge', 'process_resident_memory_bytes', {
    help: 'Resident memory of the process.',
    tell: ({ residentBytes }) => residentBytes,
  }),
  ownMemory: ofProcesses('gauge', 'process_own_memory_bytes', {
    help: 'Resident memory that the process shares with no other: what WORKER_MEMORY_LIMIT goes by.',
    tell: ({ ownBytes }) => ownBytes,
  }),
  heapUsed: ofProcesses('gauge', 'nodejs_heap_size_used_bytes', {
    help: "Used part of V8's heap.",
    tell: ({ heapUsedBytes }) => heapUsedBytes,
  }),
  heapTotal: ofProcesses('gauge', 'nodejs_heap_size_total_bytes', {
    help: "V8's heap.",
    tell: ({ heapTotalBytes }) => heapTotalBytes,
  }),
  externalMemory: ofProcesses('gauge', 'nodejs_external_memory_bytes', {
    help: "Buffers and typed arrays outside V8's heap.",
    tell: ({ externalBytes }) => externalBytes,
  }),
  openFiles: ofProcesses('gauge', 'process_open_fds', {
    help: 'Open file descriptors; absent where the system does not tell.',
    tell: ({ openFiles }) => openFiles,
  }),
  startTime: ofProcesses('gauge', 'process_start_time_seconds', {
    help: 'When the process started, since 1970.',
    tell: ({ startSeconds }) => startSeconds,
  }),
  buildInfo: {
    name: 'nestor_build_info',
    type: 'gauge',
    help: 'Always 1; its labels say what is running.',
    labels: ['version', 'node', 'onnxruntime'],
    tell: (_, { version, node, onnxruntime }) => [[[version, node, onnxruntime], 1]],
  },
} as const satisfies Record<string, CountedFamily | ToldFamily>;

function residents(model: Subject): number {
  return valueAt(model, STATISTICS.resident);
}

function told(
  type: MetricFamily['type'],
  name: string,
  { help, tell }: { help: string; tell: (server: ServerSnapshot) => number },
): ToldFamily {
  return { name, type, help, labels: [], tell: (server) => [[[], tell(server)]] };
}

/** Of each process that there is; nothing of one that does not tell. */
function ofProcesses(
  type: MetricFamily['type'],
  name: string,
  { help, tell }: { help: string; tell: (figures: ProcessFigures) => number | undefined },
): ToldFamily {
  const series = ({ worker, figures }: ServerSnapshot['processes'][number]): Told[] => {
    const value = tell(figures);
    return value === undefined ? [] : [[[worker], value]];
  };
  return { name, type, help, labels: ['worker'], tell: ({ processes }) => processes.flatMap(series) };
}
