import { resolve } from 'node:path';
import {
  apiKey,
  byteSize,
  cacheNamespace,
  file,
  flag,
  folder,
  host,
  hostName,
  line,
  list,
  modelName,
  oneOf,
  orAuto,
  origin,
  pairs,
  pathPrefix,
  ratio,
  redisUrl,
  remoteHost,
  secret,
  url,
  variableName,
  wholeNumber,
  trustedProxies,
} from './kinds';
import { packageVersion } from './package-version';
import { type Algorithm, isLongEnough, isPlaceholder } from './secret-strength';
import { Together, Variable } from './variable';

const DAY_MS = 86_400_000;
const YEAR_SECONDS = 31_536_000;
const YEAR_MINUTES = 525_600;
const KB = 1024;
const GB = 1024 ** 3;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const LOG_FORMATS = ['json', 'pretty'] as const;
const CACHE_WARMUPS = ['background', 'before-ready', 'off'] as const;
const AUTH_MODES = ['auto', 'required', 'changes', 'off'] as const;
const CLIENT_CERTIFICATES = ['off', 'want', 'require'] as const;
/** By which public keys check tokens. */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
const METRICS_BUCKETS = ['few', 'all'] as const;
const TRACE_SAMPLERS = [
  'parentbased_traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'traceidratio',
  'always_on',
  'always_off',
] as const;
const NODE_ENVS = ['development', 'production', 'test'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];
export type CacheWarmup = (typeof CACHE_WARMUPS)[number];
/** Which calls need a credential: `auto` depends on whether there are any. */
export type AuthMode = (typeof AUTH_MODES)[number];
/** Are clients asked for certificates, and refused without one? */
export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];
export type PublicKeyAlgorithm = (typeof PUBLIC_KEY_ALGORITHMS)[number];
export type MetricsBuckets = (typeof METRICS_BUCKETS)[number];
export type TraceSampler = (typeof TRACE_SAMPLERS)[number];
export type NodeEnv = (typeof NODE_ENVS)[number];

const milliseconds = (min: number) => wholeNumber(min, DAY_MS, 'milliseconds');

/**
 * Every variable that this server reads, with its rule and its default. To add one, add a property here,
 * a line to a slice in `slices.ts` and a line to `.env.example`.
 */
export class Environment {
  // The application

  @Variable(line(100))
  PROJECT_NAME = 'Nestor';

  @Variable(line(100))
  VERSION = packageVersion;

  @Variable(pathPrefix)
  API_PREFIX = '/api';

  @Variable(flag)
  PAGE = true;

  @Variable(wholeNumber(0, 1000))
  DOCS_MODELS = 50;

  @Variable(flag)
  DEBUG = false;

  // A closed list: with a misspelt "production" the rules that matter there would rest.
  @Variable(oneOf(NODE_ENVS))
  NODE_ENV: NodeEnv = 'development';

  // HTTP

  @Variable(host)
  HOST = '0.0.0.0';

  @Variable(wholeNumber(0, 65_535))
  PORT = 8000;

  @Variable(list(origin, 'origins such as https://app.example.com (no path), or *'))
  CORS_ORIGINS: readonly string[] = ['*'];

  @Together<Environment>(
    'false while CORS_ORIGINS has *',
    (env) => !(env.CORS_CREDENTIALS && env.CORS_ORIGINS.includes('*')),
    ['CORS_ORIGINS'],
  )
  @Variable(flag)
  CORS_CREDENTIALS = false;

  @Variable(flag)
  TRUST_FORWARDED_PREFIX = false;

  /** With TLS_KEY_FILE: HTTPS. */
  @Together<Environment>(
    'set together with TLS_KEY_FILE',
    (env) => (env.TLS_CERT_FILE === undefined) === (env.TLS_KEY_FILE === undefined),
    ['TLS_KEY_FILE'],
  )
  @Variable(file)
  TLS_CERT_FILE?: string;

  @Variable(file)
  TLS_KEY_FILE?: string;

  @Together<Environment>(
    'off while TLS_CERT_FILE and TLS_CLIENT_CA_FILE are not set',
    (env) =>
      env.TLS_CLIENT_AUTH === 'off' ||
      (env.TLS_CERT_FILE !== undefined && env.TLS_CLIENT_CA_FILE !== undefined),
    ['TLS_CERT_FILE', 'TLS_CLIENT_CA_FILE'],
  )
  @Variable(oneOf(CLIENT_CERTIFICATES))
  TLS_CLIENT_AUTH: ClientCertificates = 'off';

  @Variable(file)
  TLS_CLIENT_CA_FILE?: string;

  @Variable(trustedProxies)
  TRUSTED_PROXIES: number | readonly string[] = 0;

  @Variable(byteSize(1, 2 * GB))
  BODY_LIMIT = 52_428_800;

  @Variable(byteSize(1024, 2 * GB))
  JSON_ANSWER_LIMIT = 512 * 1024 * KB;

  @Variable(byteSize(1, 1024 * GB))
  LARGE_BODY_MEMORY = 512 * 1024 * KB;

  @Variable(flag)
  JSON_COMPRESSION = true;

  @Variable(flag)
  BINARY_COMPRESSION = false;

  @Variable(byteSize(0, 2 * GB))
  COMPRESSION_MIN_BYTES = KB;

  @Variable(byteSize(0, 1024 * GB))
  BUFFER_POOL_MEMORY = 32 * 1024 * KB;

  @Variable(milliseconds(1))
  HEADERS_TIMEOUT_MS = 10_000;

  @Together<Environment>(
    'at least HEADERS_TIMEOUT_MS',
    (env) => env.REQUEST_TIMEOUT_MS >= env.HEADERS_TIMEOUT_MS,
    ['HEADERS_TIMEOUT_MS'],
  )
  @Variable(milliseconds(1))
  REQUEST_TIMEOUT_MS = 60_000;

  @Variable(milliseconds(1))
  RESPONSE_TIMEOUT_MS = 30_000;

  @Variable(milliseconds(1))
  KEEP_ALIVE_TIMEOUT_MS = 75_000;

  @Variable(milliseconds(1))
  SHUTDOWN_TIMEOUT_MS = 30_000;

  @Together<Environment>(
    'less than SHUTDOWN_TIMEOUT_MS',
    (env) => env.SHUTDOWN_DELAY_MS < env.SHUTDOWN_TIMEOUT_MS,
    ['SHUTDOWN_TIMEOUT_MS'],
  )
  @Variable(milliseconds(0))
  SHUTDOWN_DELAY_MS = 0;

  // Processes and threads

  @Variable(orAuto(wholeNumber(0, 512), '-1'))
  WORKERS: number | 'auto' = 'auto';

  /** More event loops than this take more memory than they win. */
  @Variable(wholeNumber(1, 512))
  MAX_AUTO_WORKERS = 8;

  @Variable(orAuto(wholeNumber(1, 512)))
  EXECUTION_SLOTS: number | 'auto' = 'auto';

  /** 0: none. */
  @Variable(wholeNumber(0, 65_535))
  MANAGEMENT_PORT = 0;

  @Variable(milliseconds(1000))
  HEARTBEAT_TIMEOUT_MS = 10_000;

  @Variable(byteSize(0, 1024 * GB))
  WORKER_MEMORY_LIMIT = 0;

  @Variable(wholeNumber(0, 19))
  THREAD_NICENESS = 10;

  // Models

  @Variable(folder)
  MODEL_DIR = resolve('models');

  @Variable(modelName)
  MODEL_NAME?: string;

  @Variable(list(line(2000), 'addresses of models (s3://, gs://, hf://, https://)'))
  MODEL_SOURCES: readonly string[] = [];

  /** 0: at the start alone. */
  @Variable(milliseconds(0))
  MODEL_SOURCES_INTERVAL_MS = 0;

  @Variable(byteSize(1, 1024 * GB))
  MODEL_SOURCES_MAX_BYTES = 100 * GB;

  @Variable(list(modelName, 'names of models (letters, digits and _.-)'))
  MODEL_NAMES: readonly string[] = [];

  @Variable(wholeNumber(1, 10_000))
  MAX_RESIDENT_MODELS = 5;

  /** 0: none is small. */
  @Variable(byteSize(0, 2 ** 30))
  SMALL_MODEL_BYTES = 256 * 1024;

  @Variable(byteSize(2 ** 24, 1024 * GB))
  SMALL_MODEL_GROWTH = 512 * 2 ** 20;

  @Variable(wholeNumber(1, 1000))
  MODEL_LOADS = 16;

  /** 0: not at all. */
  @Variable(milliseconds(0))
  MODEL_WATCH_INTERVAL_MS = 0;

  @Variable(byteSize(0, 1024 * GB))
  MAX_MODELS_MEMORY = 0;

  @Variable(milliseconds(1))
  MODEL_LOAD_TIMEOUT_MS = 120_000;

  /** Empty: nothing is prepared. */
  @Variable({ ...orAuto(folder), empty: '' })
  PREPARED_DIR = 'auto';

  @Variable(byteSize(0, 1024 * GB))
  PREPARED_MAX_BYTES = 10 * GB;

  @Variable(byteSize(0, 1024 * GB))
  PREPARED_MIN_BYTES = 16 * 1024 * KB;

  // Inference

  @Variable(milliseconds(1))
  INFERENCE_DEADLINE_MS = 30_000;

  @Variable(wholeNumber(1, 1_000_000, 'requests'))
  MAX_QUEUE_REQUESTS = 4096;

  @Variable(wholeNumber(1, 1_000_000, 'requests'))
  MAX_QUEUE_REQUESTS_PER_MODEL = 1024;

  @Variable(milliseconds(1))
  RUN_TIMEOUT_MS = 60_000;

  @Variable(ratio)
  SHADOW_TIME_SHARE = 0.002;

  // Processing: pictures, texts and rows

  @Variable(wholeNumber(1, 1_000_000, 'requests'))
  MAX_PROCESSING_QUEUE = 256;

  @Variable(wholeNumber(1, 65_536, 'pictures or texts'))
  MAX_INPUTS = 64;

  @Variable(wholeNumber(1, 1_000_000_000, 'pixels'))
  MAX_IMAGE_PIXELS = 50_000_000;

  @Variable(byteSize(KB, 1024 * GB))
  IMAGE_MEMORY = 256 * 1024 * KB;

  @Variable(wholeNumber(1, 10_000_000, 'rows'))
  MAX_TABLE_ROWS = 10_000;

  @Variable(wholeNumber(1, 100_000, 'columns'))
  MAX_TABLE_COLUMNS = 1000;

  @Variable(wholeNumber(1, 100_000_000, 'characters'))
  MAX_CELL_LENGTH = 65_536;

  // Metrics

  /** Empty: all. */
  @Variable(list(modelName, 'names of models (letters, digits and _.-)'))
  METRICS_MODELS: readonly string[] = [];

  @Variable(wholeNumber(0, 1000))
  METRICS_MAX_MODELS = 100;

  @Variable(oneOf(METRICS_BUCKETS))
  METRICS_BUCKETS: MetricsBuckets = 'few';

  // Logging

  /** Left out: debug with DEBUG, else info. */
  @Variable(oneOf(LOG_LEVELS, { warning: 'warn', critical: 'fatal' }))
  LOG_LEVEL?: LogLevel;

  /** Left out: json in production, else pretty. */
  @Variable(oneOf(LOG_FORMATS))
  LOG_FORMAT?: LogFormat;

  /** Empty: no files. */
  @Variable({ ...folder, empty: '' })
  LOG_DIR = resolve('logs');

  @Variable(byteSize(KB, GB))
  LOG_FILE_MAX_BYTES = 10_485_760;

  @Variable(wholeNumber(1, 1000))
  LOG_FILES_KEPT = 5;

  @Variable(flag)
  ACCESS_LOG = true;

  @Variable(milliseconds(0))
  SLOW_REQUEST_MS = 1000;

  // Cache

  @Variable(flag)
  CACHE_ENABLED = true;

  @Variable(wholeNumber(1, YEAR_SECONDS, 'seconds'))
  CACHE_TTL = 300;

  @Variable(redisUrl)
  REDIS_URL?: string;

  @Variable(cacheNamespace)
  CACHE_NAMESPACE = 'nestor';

  /** 0: nothing is kept in memory. */
  @Variable(byteSize(0, 1024 * GB))
  CACHE_MEMORY_BYTES = 67_108_864;

  @Variable(byteSize(1, GB))
  CACHE_MAX_ENTRY_BYTES = 1_048_576;

  @Variable(wholeNumber(1, 10_000, 'milliseconds'))
  CACHE_REDIS_TIMEOUT_MS = 50;

  @Variable(wholeNumber(0, 100_000, 'entries'))
  CACHE_MAX_PENDING_WRITES = 64;

  @Variable(oneOf(CACHE_WARMUPS))
  CACHE_WARMUP: CacheWarmup = 'background';

  // Remote models

  @Variable(url('http', 'https'))
  EXTERNAL_API_URL?: string;

  @Variable(wholeNumber(1, 3600, 'seconds'))
  EXTERNAL_API_TIMEOUT = 30;

  @Variable(list(remoteHost, 'hosts such as gpu-1, gpu-1:8000 or *.gpu.example, or *'))
  REMOTE_ALLOWED_HOSTS: readonly string[] = ['*'];

  @Variable(list(variableName, 'names of environment variables'))
  REMOTE_SECRET_NAMES: readonly string[] = [];

  @Variable(wholeNumber(1, 10_000))
  REMOTE_MAX_CONNECTIONS = 100;

  @Variable(wholeNumber(1, 10_000))
  REMOTE_MAX_IDLE_CONNECTIONS = 20;

  @Variable(byteSize(KB, 2 * GB))
  REMOTE_MAX_ANSWER_BYTES = 52_428_800;

  // Traces, by the names that OpenTelemetry gives its settings

  @Variable(url('http', 'https'))
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;

  @Variable(pairs)
  OTEL_EXPORTER_OTLP_HEADERS = '';

  @Variable(line(100))
  OTEL_SERVICE_NAME = 'nestor';

  @Variable(pairs)
  OTEL_RESOURCE_ATTRIBUTES = '';

  @Variable(oneOf(TRACE_SAMPLERS))
  OTEL_TRACES_SAMPLER: TraceSampler = 'parentbased_traceidratio';

  @Variable(ratio)
  OTEL_TRACES_SAMPLER_ARG = 0.01;

  @Variable(flag)
  OTEL_SDK_DISABLED = false;

  @Variable(wholeNumber(0, 100_000))
  TRACE_MAX_PER_SECOND = 100;

  // Access

  @Together<Environment>(
    'auto, changes or off while there is nothing to know callers by (API_KEY, ADMIN_KEY, AUTH_KEYS_FILE, JWT_PUBLIC_KEY_FILE, JWT_JWKS_URL, SECRET_KEY)',
    (env) =>
      env.AUTH !== 'required' ||
      (env.API_KEY ??
        env.ADMIN_KEY ??
        env.AUTH_KEYS_FILE ??
        env.JWT_PUBLIC_KEY_FILE ??
        env.JWT_JWKS_URL ??
        env.SECRET_KEY) !== undefined,
    ['API_KEY', 'ADMIN_KEY', 'AUTH_KEYS_FILE', 'JWT_PUBLIC_KEY_FILE', 'JWT_JWKS_URL', 'SECRET_KEY'],
  )
  @Variable(oneOf(AUTH_MODES))
  AUTH: AuthMode = 'auto';

  @Variable(list(hostName, 'host names such as nestor.example.com'))
  ALLOWED_HOSTS: readonly string[] = [];

  @Together<Environment>(
    'a key of your own, not a placeholder, when NODE_ENV is production',
    (env) => env.NODE_ENV !== 'production' || !isPlaceholder(env.API_KEY ?? ''),
    ['NODE_ENV'],
  )
  @Variable(apiKey)
  API_KEY?: string;

  @Together<Environment>(
    'a key of your own, not a placeholder, when NODE_ENV is production',
    (env) => env.NODE_ENV !== 'production' || !isPlaceholder(env.ADMIN_KEY ?? ''),
    ['NODE_ENV'],
  )
  @Together<Environment>(
    'another key than API_KEY',
    (env) => env.ADMIN_KEY === undefined || env.ADMIN_KEY !== env.API_KEY,
    ['API_KEY'],
  )
  @Variable(apiKey)
  ADMIN_KEY?: string;

  @Variable(file)
  AUTH_KEYS_FILE?: string;

  @Variable(milliseconds(10))
  AUTH_RELOAD_INTERVAL_MS = 5000;

  /** For each address. */
  @Variable(wholeNumber(1, 1_000_000))
  AUTH_FAILURES_PER_SECOND = 10;

  @Together<Environment>(
    'a secret of your own, not a placeholder, when NODE_ENV is production',
    (env) => env.NODE_ENV !== 'production' || !isPlaceholder(env.SECRET_KEY ?? ''),
    ['NODE_ENV'],
  )
  @Together<Environment>(
    'at least 32 bytes long for HS256, 48 for HS384 and 64 for HS512, when NODE_ENV is production',
    (env) =>
      env.NODE_ENV !== 'production' ||
      env.SECRET_KEY === undefined ||
      isLongEnough(env.SECRET_KEY, env.ALGORITHM),
    ['NODE_ENV', 'ALGORITHM'],
  )
  @Variable(secret)
  SECRET_KEY?: string;

  @Variable(oneOf(['HS256', 'HS384', 'HS512']))
  ALGORITHM: Algorithm = 'HS256';

  @Variable(wholeNumber(1, YEAR_MINUTES, 'minutes'))
  ACCESS_TOKEN_EXPIRE_MINUTES = 30;

  @Variable(file)
  JWT_PUBLIC_KEY_FILE?: string;

  @Variable(url('https', 'http'))
  JWT_JWKS_URL?: string;

  @Variable(wholeNumber(1, YEAR_SECONDS, 'seconds'))
  JWT_JWKS_REFRESH_SECONDS = 300;

  @Variable(wholeNumber(1, YEAR_SECONDS, 'seconds'))
  JWT_JWKS_MAX_STALE_SECONDS = 86_400;

  @Variable(list(oneOf(PUBLIC_KEY_ALGORITHMS), `algorithms out of ${PUBLIC_KEY_ALGORITHMS.join(', ')}`))
  JWT_ALGORITHMS: readonly PublicKeyAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];

  @Variable(line(500))
  JWT_ISSUER?: string;

  @Together<Environment>(
    'set together with JWT_JWKS_URL: its issuer makes tokens for others, too',
    (env) => env.JWT_JWKS_URL === undefined || env.JWT_AUDIENCE !== undefined,
    ['JWT_JWKS_URL'],
  )
  @Variable(line(500))
  JWT_AUDIENCE?: string;

  @Variable(wholeNumber(0, 300, 'seconds'))
  JWT_LEEWAY_SECONDS = 30;

  @Variable(wholeNumber(1, 1_000_000))
  MAX_KNOWN_TOKENS = 10_000;

  @Variable(flag)
  METRICS_BY_CALLER = false;

  @Variable(wholeNumber(1, 1_000_000))
  MAX_CALLERS = 50_000;

  /** 0: no limit, as with the next three. */
  @Variable(wholeNumber(0, 1_000_000))
  CALLER_REQUESTS_PER_SECOND = 0;

  @Variable(wholeNumber(0, 1_000_000))
  CALLER_ROWS_PER_SECOND = 0;

  @Variable(wholeNumber(0, 100_000))
  CALLER_REQUESTS_AT_ONCE = 0;

  @Variable(byteSize(0, 2 * GB))
  CALLER_BODY_LIMIT = 0;
}
