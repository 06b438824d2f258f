/** One name in the exposition: what Prometheus and people are told of it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const MODEL = ['model', 'version'] as const;
const REMOTE = ['model', 'remote'] as const;

/** Everything that `GET /metrics` shows. docs/metrics.md, the dashboard and the alerts are tested against this. */
export const FAMILIES = {
  requests: {
    name: 'nestor_requests_total',
    type: 'counter',
    help: 'Inference calls by how they ended. No model and version: refused before the model was known.',
    labels: [...MODEL, 'protocol', 'outcome'],
  },
  requestDuration: {
    name: 'nestor_request_duration_seconds',
    type: 'histogram',
    help: 'Inference calls from the arrival of their headers until their answer was handed to the socket.',
    labels: [...MODEL, 'outcome'],
  },
  decodeDuration: {
    name: 'nestor_decode_duration_seconds',
    type: 'histogram',
    help: 'Reading the tensors from the body, of calls that succeeded.',
    labels: MODEL,
  },
  queueDuration: {
    name: 'nestor_queue_duration_seconds',
    type: 'histogram',
    help: 'Waiting for a run, of calls that succeeded by one.',
    labels: MODEL,
  },
  runDuration: {
    name: 'nestor_run_duration_seconds',
    type: 'histogram',
    help: 'The run that a call took part in, of calls that succeeded by one; calls of one batch count it each.',
    labels: MODEL,
  },
  encodeDuration: {
    name: 'nestor_encode_duration_seconds',
    type: 'histogram',
    help: 'Writing the answer and handing it to the socket, of calls that succeeded.',
    labels: MODEL,
  },
  rows: {
    name: 'nestor_rows_total',
    type: 'counter',
    help: 'Rows (leading dimension of the inputs) of calls that succeeded by a run.',
    labels: MODEL,
  },
  executions: {
    name: 'nestor_executions_total',
    type: 'counter',
    help: 'Runs of batches; a batch that failed is run again call by call.',
    labels: [...MODEL, 'outcome'],
  },
  executionSeconds: {
    name: 'nestor_execution_seconds_total',
    type: 'counter',
    help: 'Time spent in runs that succeeded, each counted once.',
    labels: MODEL,
  },
  batchAudits: {
    name: 'nestor_batch_audits_total',
    type: 'counter',
    help: 'Calls that were answered from a batch and run again alone; differs: the batch was wrong, and the last one.',
    labels: [...MODEL, 'result'],
  },
  batchRows: {
    name: 'nestor_batch_rows',
    type: 'histogram',
    help: 'Rows of the runs that succeeded.',
    labels: MODEL,
  },
  cacheRequests: {
    name: 'nestor_cache_requests_total',
    type: 'counter',
    help: 'Calls by how the prediction cache took part; bypass: not asked, shared: had the answer of an equal call.',
    labels: [...MODEL, 'outcome'],
  },
  cacheHits: {
    name: 'nestor_cache_hits_total',
    type: 'counter',
    help: 'Calls that the prediction cache answered, by the tier that had the answer.',
    labels: [...MODEL, 'tier'],
  },
  cacheLookups: {
    name: 'nestor_cache_lookups_total',
    type: 'counter',
    help: 'Questions to a tier of the cache; skipped: Redis was not asked, because it was away or slow.',
    labels: ['tier', 'result'],
  },
  cacheWrites: {
    name: 'nestor_cache_writes_total',
    type: 'counter',
    help: 'Answers given to a tier of the cache; dropped: not written, as Redis failed or too many were on their way.',
    labels: ['tier', 'result'],
  },
  cacheFaults: {
    name: 'nestor_cache_redis_faults_total',
    type: 'counter',
    help: 'Reads from and writes to Redis that failed; unreadable: what was there is no entry of this cache.',
    labels: ['operation', 'kind'],
  },
  cacheCircuitOpenings: {
    name: 'nestor_cache_redis_circuit_openings_total',
    type: 'counter',
    help: 'Times that a worker gave up reading from Redis, or writing to it, for a while.',
    labels: [],
  },
  cacheRedisWorkers: {
    name: 'nestor_cache_redis_workers',
    type: 'gauge',
    help: 'Workers by the state in which they see Redis; all are 0 where none is configured.',
    labels: ['state'],
  },
  cacheRemovals: {
    name: 'nestor_cache_memory_removals_total',
    type: 'counter',
    help: 'Answers that left memory: evicted, to make room for others, or found expired.',
    labels: ['reason'],
  },
  cacheEntries: {
    name: 'nestor_cache_memory_entries',
    type: 'gauge',
    help: 'Answers in the memory of all workers.',
    labels: [],
  },
  cacheBytes: {
    name: 'nestor_cache_memory_bytes',
    type: 'gauge',
    help: 'Memory that they take, estimated from their size.',
    labels: [],
  },
  cacheLimit: {
    name: 'nestor_cache_memory_limit_bytes',
    type: 'gauge',
    help: 'Memory that they may take in all workers.',
    labels: [],
  },
  queueRequests: {
    name: 'nestor_queue_requests',
    type: 'gauge',
    help: 'Calls that wait for a run now, in all workers.',
    labels: MODEL,
  },
  queueLimit: {
    name: 'nestor_queue_limit_requests',
    type: 'gauge',
    help: 'Calls that may wait at one time, in all workers; beyond it they are refused.',
    labels: [],
  },
  residentModels: {
    name: 'nestor_resident_models',
    type: 'gauge',
    help: 'Model versions that are loaded in at least one worker.',
    labels: [],
  },
  modelMemory: {
    name: 'nestor_model_memory_bytes',
    type: 'gauge',
    help: 'Estimated memory of the weights in all workers: size of the model files for each session, not measured.',
    labels: MODEL,
  },
  remoteCalls: {
    name: 'nestor_remote_calls_total',
    type: 'counter',
    help: 'Attempts of calls to a remote by how they ended.',
    labels: [...REMOTE, 'outcome'],
  },
  remoteCallDuration: {
    name: 'nestor_remote_call_duration_seconds',
    type: 'histogram',
    help: 'Attempts of calls to a remote, from connecting to the last byte of the answer or to the failure.',
    labels: REMOTE,
  },
  remoteRetries: {
    name: 'nestor_remote_retries_total',
    type: 'counter',
    help: 'Attempts that were made because another one had failed.',
    labels: REMOTE,
  },
  remoteOutstanding: {
    name: 'nestor_remote_outstanding_calls',
    type: 'gauge',
    help: 'Calls to a remote under way now, from all workers.',
    labels: REMOTE,
  },
  remoteEjected: {
    name: 'nestor_remote_ejected',
    type: 'gauge',
    help: 'Workers that have a remote out of use now, as its calls kept failing.',
    labels: REMOTE,
  },
  remoteEjections: {
    name: 'nestor_remote_ejections_total',
    type: 'counter',
    help: 'Times that a worker took a remote out of use.',
    labels: REMOTE,
  },
  remoteSent: {
    name: 'nestor_remote_sent_bytes_total',
    type: 'counter',
    help: 'Bodies of calls to a remote, one that is sent again counted again.',
    labels: REMOTE,
  },
  remoteReceived: {
    name: 'nestor_remote_received_bytes_total',
    type: 'counter',
    help: 'Bodies of the answers of a remote that were read to their end.',
    labels: REMOTE,
  },
  httpResponses: {
    name: 'nestor_http_responses_total',
    type: 'counter',
    help: 'HTTP answers of all kinds by class of status; 4xx includes clients that left before their answer.',
    labels: ['code'],
  },
  workers: {
    name: 'nestor_workers',
    type: 'gauge',
    help: 'Worker processes by state; leaving: replaced or stopped, finishes what it holds.',
    labels: ['state'],
  },
  workersConfigured: {
    name: 'nestor_workers_configured',
    type: 'gauge',
    help: 'Worker processes that there ought to be.',
    labels: [],
  },
  workerRestarts: {
    name: 'nestor_worker_restarts_total',
    type: 'counter',
    help: 'Worker processes that died or failed and were replaced.',
    labels: [],
  },
  eventLoopDelay: {
    name: 'nestor_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late the event loop was in the last 30 to 60 seconds; quantile 1 is the maximum.',
    labels: ['worker', 'quantile'],
  },
  cpu: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process, its session threads included.',
    labels: ['worker'],
  },
  residentMemory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    labels: ['worker'],
  },
  heapUsed: {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: "Used part of V8's heap.",
    labels: ['worker'],
  },
  heapTotal: {
    name: 'nodejs_heap_size_total_bytes',
    type: 'gauge',
    help: "V8's heap.",
    labels: ['worker'],
  },
  externalMemory: {
    name: 'nodejs_external_memory_bytes',
    type: 'gauge',
    help: "Buffers and typed arrays outside V8's heap.",
    labels: ['worker'],
  },
  openFiles: {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open file descriptors; absent where the system does not tell.',
    labels: ['worker'],
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, since 1970.',
    labels: ['worker'],
  },
  buildInfo: {
    name: 'nestor_build_info',
    type: 'gauge',
    help: 'Always 1; its labels say what is running.',
    labels: ['version', 'node', 'onnxruntime'],
  },
} as const satisfies Record<string, MetricFamily>;
