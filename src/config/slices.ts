import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Environment, TraceSampler } from './environment';
import { pairsOf } from './kinds';
import { homedir } from 'node:os';

/** What each part of the server gets to see of the environment; a field's unit stands in its name. */
export const slices = {
  app: (env: Environment) => ({
    projectName: env.PROJECT_NAME,
    version: env.VERSION,
    /** With a leading slash and without a trailing one; empty for the root. */
    apiPrefix: env.API_PREFIX,
    /** Is there a page for people at `/`? */
    page: env.PAGE,
    /** Loaded models that have calls of their own in the documentation. */
    docsModels: env.DOCS_MODELS,
    debug: env.DEBUG,
    production: env.NODE_ENV === 'production',
  }),
  http: (env: Environment) => ({
    host: env.HOST,
    port: env.PORT,
    /** In the form in which browsers send them. `*` among them: any; empty: none. */
    corsOrigins: env.CORS_ORIGINS,
    corsCredentials: env.CORS_CREDENTIALS,
    /** Is the path prefix that a proxy took off, `X-Forwarded-Prefix`, put before the calls of /docs? */
    trustForwardedPrefix: env.TRUST_FORWARDED_PREFIX,
    /** Left out: plain HTTP. Paths are absolute. */
    tls:
      env.TLS_CERT_FILE === undefined || env.TLS_KEY_FILE === undefined
        ? undefined
        : {
            certFile: env.TLS_CERT_FILE,
            keyFile: env.TLS_KEY_FILE,
            clientCaFile: env.TLS_CLIENT_CA_FILE,
            clientCertificates: env.TLS_CLIENT_AUTH,
            reloadIntervalMs: env.AUTH_RELOAD_INTERVAL_MS,
          },
    /** Whose `X-Forwarded-For` counts: so many proxies, or those of these networks. */
    trustedProxies: env.TRUSTED_PROXIES,
    bodyLimitBytes: env.BODY_LIMIT,
    /** About, as an answer is not printed to find out. */
    jsonAnswerLimitBytes: env.JSON_ANSWER_LIMIT,
    largeBodyMemoryBytes: Math.min(env.LARGE_BODY_MEMORY, bodyShareOf(env.WORKER_MEMORY_LIMIT)),
    /** Of answers to inference calls whose clients ask for it. */
    compression: {
      json: env.JSON_COMPRESSION,
      binary: env.BINARY_COMPRESSION,
      leastBytes: env.COMPRESSION_MIN_BYTES,
    },
    /** 0: none is kept. */
    bufferPoolBytes: env.BUFFER_POOL_MEMORY,
    headersTimeoutMs: env.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    /** For a client to take something of its answer. */
    responseTimeoutMs: env.RESPONSE_TIMEOUT_MS,
    keepAliveTimeoutMs: env.KEEP_ALIVE_TIMEOUT_MS,
    shutdownTimeoutMs: env.SHUTDOWN_TIMEOUT_MS,
    shutdownDelayMs: env.SHUTDOWN_DELAY_MS,
  }),
  cluster: (env: Environment) => ({
    /** 0: a single process without a supervisor. */
    workers: env.WORKERS,
    /** Where the number of workers is worked out. */
    maxAutoWorkers: env.MAX_AUTO_WORKERS,
    executionSlots: env.EXECUTION_SLOTS,
    /** 0: none. */
    managementPort: env.MANAGEMENT_PORT,
    heartbeatTimeoutMs: env.HEARTBEAT_TIMEOUT_MS,
    /** 0: no limit. */
    workerMemoryLimitBytes: env.WORKER_MEMORY_LIMIT,
    /** 0: session threads keep the priority of the process. */
    threadNiceness: env.THREAD_NICENESS,
    /** In a worker never `auto`: its primary has decided. */
  }),
  models: (env: Environment) => ({
    /** Absolute. */
    dir: isModelFile(env.MODEL_DIR) ? dirname(env.MODEL_DIR) : env.MODEL_DIR,
    /** The one model that is served, of that file in the folder or, without one, of the folder itself; undefined: all. */
    only: onlyModel(env),
    /** Empty: all that are found. */
    required: env.MODEL_NAMES,
    /** Where models are fetched from into the folder. */
    sources: env.MODEL_SOURCES,
    /** 0: at the start alone. */
    sourcesIntervalMs: env.MODEL_SOURCES_INTERVAL_MS,
    /** What they may take in the folder. */
    sourcesMaxBytes: env.MODEL_SOURCES_MAX_BYTES,
    maxResident: env.MAX_RESIDENT_MODELS,
    /** Models of fewer bytes share session threads. */
    smallModelBytes: env.SMALL_MODEL_BYTES,
    /** Memory that a worker may gain before their sessions are opened anew. */
    smallModelGrowthBytes: env.SMALL_MODEL_GROWTH,
    /** Loads that are under way at once. */
    maxLoads: env.MODEL_LOADS,
    /** On each worker; 0: no limit. */
    maxMemoryBytes: env.MAX_MODELS_MEMORY,
    /** 0: the folder is not watched. */
    watchIntervalMs: env.MODEL_WATCH_INTERVAL_MS,
    loadTimeoutMs: env.MODEL_LOAD_TIMEOUT_MS,
    /** Absolute; left out: nothing is prepared. */
    preparedDir:
      env.PREPARED_DIR === 'auto' ? userCacheFolder('nestor/prepared') : env.PREPARED_DIR || undefined,
    preparedMaxBytes: env.PREPARED_MAX_BYTES,
    /** Models of fewer bytes are not prepared. */
    preparedMinBytes: env.PREPARED_MIN_BYTES,
  }),
  inference: (env: Environment) => ({
    deadlineMs: env.INFERENCE_DEADLINE_MS,
    maxQueueRequests: env.MAX_QUEUE_REQUESTS,
    maxQueueRequestsPerModel: env.MAX_QUEUE_REQUESTS_PER_MODEL,
    runTimeoutMs: env.RUN_TIMEOUT_MS,
    /** Of a worker's time, what the shadow of a model may take; 0: no copies. */
    shadowTimeShare: env.SHADOW_TIME_SHARE,
  }),
  processing: (env: Environment) => ({
    /** Requests that may wait for a processing thread of one worker. */
    maxQueue: env.MAX_PROCESSING_QUEUE,
    /** Pictures or texts of one request. */
    maxInputs: env.MAX_INPUTS,
    maxImagePixels: env.MAX_IMAGE_PIXELS,
    /** Of decoded pictures, in one worker at a time. */
    imageMemoryBytes: env.IMAGE_MEMORY,
    maxTableRows: env.MAX_TABLE_ROWS,
    maxTableColumns: env.MAX_TABLE_COLUMNS,
    maxCellLength: env.MAX_CELL_LENGTH,
  }),
  metrics: (env: Environment) => ({
    /** That have series of their own; empty: as many model versions as may. */
    models: env.METRICS_MODELS,
    maxModels: env.METRICS_MAX_MODELS,
    buckets: env.METRICS_BUCKETS,
  }),
  logging: (env: Environment) => ({
    level: env.LOG_LEVEL ?? (env.DEBUG ? 'debug' : 'info'),
    format: env.LOG_FORMAT ?? (env.NODE_ENV === 'production' ? 'json' : 'pretty'),
    /** Absolute; left out: no files. */
    dir: env.LOG_DIR === '' ? undefined : env.LOG_DIR,
    fileMaxBytes: env.LOG_FILE_MAX_BYTES,
    filesKept: env.LOG_FILES_KEPT,
    access: env.ACCESS_LOG,
    /** From here on an access line has the stages of its request. */
    slowRequestMs: env.SLOW_REQUEST_MS,
    /** What lines say that they are of, as spans do. */
    service: env.OTEL_SERVICE_NAME,
  }),
  tracing: (env: Environment) => ({
    /** Where spans are sent, without the path; undefined: nowhere, and none are made. */
    endpoint: env.OTEL_SDK_DISABLED ? undefined : env.OTEL_EXPORTER_OTLP_ENDPOINT,
    /** Of every export. */
    headers: pairsOf(env.OTEL_EXPORTER_OTLP_HEADERS),
    /** What the spans are of. */
    resource: { ...pairsOf(env.OTEL_RESOURCE_ATTRIBUTES), 'service.name': env.OTEL_SERVICE_NAME },
    /** Does a caller's decision count, where there is one? */
    parentBased: env.OTEL_TRACES_SAMPLER.startsWith('parentbased_'),
    /** From 0 to 1, of the requests that nobody has decided about. */
    ratio: traceRatio(env.OTEL_TRACES_SAMPLER, env.OTEL_TRACES_SAMPLER_ARG),
    /** In each worker. */
    maxPerSecond: env.TRACE_MAX_PER_SECOND,
  }),
  cache: (env: Environment) => ({
    enabled: env.CACHE_ENABLED,
    ttlSeconds: env.CACHE_TTL,
    redisUrl: env.REDIS_URL,
    /** Stands before every key in Redis. */
    namespace: env.CACHE_NAMESPACE,
    /** Of one worker; 0: nothing is kept in memory. */
    memoryBytes: env.CACHE_MEMORY_BYTES,
    maxEntryBytes: env.CACHE_MAX_ENTRY_BYTES,
    redisTimeoutMs: env.CACHE_REDIS_TIMEOUT_MS,
    maxPendingWrites: env.CACHE_MAX_PENDING_WRITES,
    /** When a model's file of requests is run. */
    warmup: env.CACHE_WARMUP,
  }),
  remote: (env: Environment) => ({
    externalUrl: env.EXTERNAL_API_URL,
    /** For an answer, where a model says nothing else. */
    externalTimeoutMs: env.EXTERNAL_API_TIMEOUT * 1000,
    /** In lower case; `*` among them: any. */
    allowedHosts: env.REMOTE_ALLOWED_HOSTS,
    /** Environment variables whose values model.yaml may send. */
    secretNames: env.REMOTE_SECRET_NAMES,
    /** To the remotes of one model, from one worker. */
    maxConnections: env.REMOTE_MAX_CONNECTIONS,
    /** Kept open to each of them. */
    maxIdleConnections: env.REMOTE_MAX_IDLE_CONNECTIONS,
    maxAnswerBytes: env.REMOTE_MAX_ANSWER_BYTES,
  }),
  access: (env: Environment) => ({
    mode: env.AUTH,
    /** Names of this server besides those of its machine, as they stand in a `Host` header, in lower case. */
    allowedHosts: env.ALLOWED_HOSTS,
    apiKey: env.API_KEY,
    adminKey: env.ADMIN_KEY,
    /** Absolute. */
    keysFile: env.AUTH_KEYS_FILE,
    /** Of the keys file and the public keys. */
    reloadIntervalMs: env.AUTH_RELOAD_INTERVAL_MS,
    /** That get an answer of their own, of one address. */
    failuresPerSecond: env.AUTH_FAILURES_PER_SECOND,
    secretKey: env.SECRET_KEY,
    algorithm: env.ALGORITHM,
    accessTokenExpireMinutes: env.ACCESS_TOKEN_EXPIRE_MINUTES,
    /** Absolute. */
    publicKeyFile: env.JWT_PUBLIC_KEY_FILE,
    jwksUrl: env.JWT_JWKS_URL,
    jwksRefreshMs: env.JWT_JWKS_REFRESH_SECONDS * 1000,
    jwksMaxStaleMs: env.JWT_JWKS_MAX_STALE_SECONDS * 1000,
    publicKeyAlgorithms: env.JWT_ALGORITHMS,
    issuer: env.JWT_ISSUER,
    audience: env.JWT_AUDIENCE,
    leewaySeconds: env.JWT_LEEWAY_SECONDS,
    maxKnownTokens: env.MAX_KNOWN_TOKENS,
    maxCallers: env.MAX_CALLERS,
    metricsByCaller: env.METRICS_BY_CALLER,
    /** Of each caller that has none of its own; what is left out has no limit. */
    limits: {
      requestsPerSecond: env.CALLER_REQUESTS_PER_SECOND || undefined,
      rowsPerSecond: env.CALLER_ROWS_PER_SECOND || undefined,
      requestsAtOnce: env.CALLER_REQUESTS_AT_ONCE || undefined,
      bodyBytes: env.CALLER_BODY_LIMIT || undefined,
    },
  }),
};

/**
 * How much of a worker's memory bodies may hold: on its way a body is also tensors, what is run of them, what comes of
 * that, and its text.
 */
function bodyShareOf(workerMemoryBytes: number): number {
  return workerMemoryBytes === 0 ? Infinity : Math.ceil(workerMemoryBytes / 8);
}

function traceRatio(sampler: TraceSampler, ratio: number): number {
  if (sampler.endsWith('always_on')) return 1;
  return sampler.endsWith('always_off') ? 0 : ratio;
}

const MODEL_FILE = '.onnx';

function onlyModel({ MODEL_DIR, MODEL_NAME }: Environment): { name: string; file?: string } | undefined {
  if (!isModelFile(MODEL_DIR)) return MODEL_NAME === undefined ? undefined : { name: MODEL_NAME };
  return { name: MODEL_NAME ?? basename(MODEL_DIR, MODEL_FILE), file: basename(MODEL_DIR) };
}

function isModelFile(path: string): boolean {
  return path.endsWith(MODEL_FILE);
}

type Slices = typeof slices;
// What may be undefined may also be left out.
type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: T[K] };
type Certain<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };
type Slice<Name extends keyof Slices> = Readonly<
  Certain<ReturnType<Slices[Name]>> & Optional<ReturnType<Slices[Name]>>
>;

export type AppConfig = Slice<'app'>;
export type HttpConfig = Slice<'http'>;
export type ClusterConfig = Slice<'cluster'>;
export type ModelsConfig = Slice<'models'>;
export type InferenceConfig = Slice<'inference'>;
export type ProcessingConfig = Slice<'processing'>;
export type MetricsConfig = Slice<'metrics'>;
export type LoggingConfig = Slice<'logging'>;
export type TracingConfig = Slice<'tracing'>;
export type CacheConfig = Slice<'cache'>;
export type RemoteConfig = Slice<'remote'>;
export type AccessConfig = Slice<'access'>;

export type Settings = { readonly [Name in keyof Slices]: Slice<Name> };

/**
 * A folder of this user's for what can be made again; undefined where he has none.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function userCacheFolder(name: string): string | undefined {
  const set = process.env.XDG_CACHE_HOME ?? '';
  if (isAbsolute(set)) return join(set, name);
  try {
    return join(homedir(), '.cache', name);
  } catch {
    // The system does not know this user.
    return undefined;
  }
}
