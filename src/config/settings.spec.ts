import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getMetadataStorage } from './class-validator';
import { ConfigurationError } from './configuration-error';
import { Environment } from './environment';
import { userCacheFolder } from './slices';
import { packageVersion } from './package-version';
import { type EnvironmentText, parseSettings, readEnvironment, settings } from './settings';

/** A secret that no rule refuses: 64 bytes. */
const SECRET = 'c2f1a07d94e83b5661d0f83c97ab25e41f0e2d3c4b5a69788796a5b4c3d2e1f7';

function refusal(env: EnvironmentText): ConfigurationError {
  try {
    parseSettings(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parseSettings', () => {
  it('gives bodies no more than an eighth of the memory of a worker', () => {
    const bytesOf = (env: Record<string, string>): number => parseSettings(env).http.largeBodyMemoryBytes;
    expect(bytesOf({ WORKER_MEMORY_LIMIT: '1gb' })).toBe(2 ** 27);
    expect(bytesOf({ WORKER_MEMORY_LIMIT: '1gb', LARGE_BODY_MEMORY: '20mb' })).toBe(20 * 2 ** 20);
    expect(bytesOf({ LARGE_BODY_MEMORY: '2gb' })).toBe(2 ** 31);
  });

  it('has a default for everything that an empty environment leaves out', () => {
    expect(parseSettings({})).toEqual({
      app: {
        projectName: 'Nestor',
        version: packageVersion,
        apiPrefix: '/api',
        page: true,
        docsModels: 50,
        debug: false,
        production: false,
      },
      http: {
        host: '0.0.0.0',
        port: 8000,
        corsOrigins: ['*'],
        corsCredentials: false,
        trustForwardedPrefix: false,
        bodyLimitBytes: 52_428_800,
        jsonAnswerLimitBytes: 536_870_912,
        trustedProxies: 0,
        largeBodyMemoryBytes: 536_870_912,
        bufferPoolBytes: 33_554_432,
        compression: { json: true, binary: false, leastBytes: 1024 },
        headersTimeoutMs: 10_000,
        requestTimeoutMs: 60_000,
        responseTimeoutMs: 30_000,
        keepAliveTimeoutMs: 75_000,
        shutdownTimeoutMs: 30_000,
        shutdownDelayMs: 0,
      },
      cluster: {
        workers: 'auto',
        maxAutoWorkers: 8,
        executionSlots: 'auto',
        managementPort: 0,
        heartbeatTimeoutMs: 10_000,
        workerMemoryLimitBytes: 0,
        threadNiceness: 10,
      },
      models: {
        dir: resolve('models'),
        required: [],
        sources: [],
        sourcesIntervalMs: 0,
        sourcesMaxBytes: 107374182400,
        maxResident: 5,
        smallModelBytes: 256 * 1024,
        smallModelGrowthBytes: 536_870_912,
        maxLoads: 16,
        maxMemoryBytes: 0,
        watchIntervalMs: 0,
        loadTimeoutMs: 120_000,
        preparedDir: userCacheFolder('nestor/prepared'),
        preparedMaxBytes: 10 * 1024 ** 3,
        preparedMinBytes: 16 * 1024 ** 2,
      },
      inference: {
        deadlineMs: 30_000,
        maxQueueRequests: 4096,
        maxQueueRequestsPerModel: 1024,
        runTimeoutMs: 60_000,
        shadowTimeShare: 0.002,
      },
      processing: {
        maxQueue: 256,
        maxInputs: 64,
        maxImagePixels: 50_000_000,
        imageMemoryBytes: 268_435_456,
        maxTableRows: 10_000,
        maxTableColumns: 1000,
        maxCellLength: 65_536,
      },
      metrics: { models: [], maxModels: 100, buckets: 'few' },
      logging: {
        level: 'info',
        format: 'pretty',
        dir: resolve('logs'),
        fileMaxBytes: 10_485_760,
        slowRequestMs: 1000,
        service: 'nestor',
        filesKept: 5,
        access: true,
      },
      tracing: {
        headers: {},
        resource: { 'service.name': 'nestor' },
        parentBased: true,
        ratio: 0.01,
        maxPerSecond: 100,
      },
      cache: {
        enabled: true,
        ttlSeconds: 300,
        namespace: 'nestor',
        memoryBytes: 67_108_864,
        maxEntryBytes: 1_048_576,
        redisTimeoutMs: 50,
        maxPendingWrites: 64,
        warmup: 'background',
      },
      remote: {
        externalTimeoutMs: 30_000,
        allowedHosts: ['*'],
        secretNames: [],
        maxConnections: 100,
        maxIdleConnections: 20,
        maxAnswerBytes: 52_428_800,
      },
      access: {
        mode: 'auto',
        allowedHosts: [],
        reloadIntervalMs: 5000,
        failuresPerSecond: 10,
        algorithm: 'HS256',
        accessTokenExpireMinutes: 30,
        jwksRefreshMs: 300_000,
        jwksMaxStaleMs: 86_400_000,
        publicKeyAlgorithms: ['RS256', 'ES256', 'EdDSA'],
        leewaySeconds: 30,
        maxKnownTokens: 10_000,
        maxCallers: 50_000,
        metricsByCaller: false,
        limits: {},
      },
    });
  });

  it("reads the seed's variables as the seed writes them", () => {
    const parsed = parseSettings({
      PROJECT_NAME: 'ML Model Server',
      VERSION: '1.0.0',
      API_PREFIX: '/api',
      DEBUG: 'False',
      HOST: '0.0.0.0',
      PORT: '8000',
      WORKERS: '4',
      LOG_LEVEL: 'WARNING',
      MODEL_DIR: 'models',
      MODEL_NAMES: '["model1", "model2"]',
      REDIS_URL: 'redis://localhost:6379/0',
      CACHE_ENABLED: 'True',
      CACHE_TTL: '300',
      EXTERNAL_API_URL: 'https://api.example.com/predict',
      EXTERNAL_API_TIMEOUT: '30',
      SECRET_KEY: 'your-secret-key-here',
      ALGORITHM: 'HS256',
      ACCESS_TOKEN_EXPIRE_MINUTES: '30',
    });
    expect(parsed).toMatchObject({
      app: { projectName: 'ML Model Server', version: '1.0.0', debug: false },
      cluster: { workers: 4 },
      logging: { level: 'warn' },
      models: { required: ['model1', 'model2'] },
      cache: { enabled: true, ttlSeconds: 300, redisUrl: 'redis://localhost:6379/0' },
      remote: { externalUrl: 'https://api.example.com/predict', externalTimeoutMs: 30_000 },
      access: { secretKey: 'your-secret-key-here', algorithm: 'HS256', accessTokenExpireMinutes: 30 },
    });
  });

  it('ignores variables of other programs', () => {
    expect(parseSettings({ PATH: '/bin', port: '1', constructor: 'x', app: 'y' })).toEqual(parseSettings({}));
  });

  it('takes an empty or blank variable as left out', () => {
    const env = { PORT: '', WORKERS: ' ', REDIS_URL: '', SECRET_KEY: '', LOG_LEVEL: '', API_PREFIX: '' };
    expect(parseSettings(env)).toEqual(parseSettings({}));
  });

  it('takes an empty LOG_DIR, MODEL_NAMES or CORS_ORIGINS as none', () => {
    const parsed = parseSettings({ LOG_DIR: '', MODEL_NAMES: '', CORS_ORIGINS: '' });
    expect(parsed.logging.dir).toBeUndefined();
    expect(parsed.models.required).toEqual([]);
    expect(parsed.http.corsOrigins).toEqual([]);
  });

  it('drops white space around a value, but not around the secret', () => {
    const parsed = parseSettings({ PORT: ' 9000 ', SECRET_KEY: ' kept as it is ' });
    expect(parsed.http.port).toBe(9000);
    expect(parsed.access.secretKey).toBe(' kept as it is ');
  });

  it.each([
    [{ DEBUG: 'true' }, 'debug'],
    [{ DEBUG: 'true', LOG_LEVEL: 'error' }, 'error'],
  ])('given %j logs at level %s', (env, level) => {
    expect(parseSettings(env).logging.level).toBe(level);
  });

  it.each([
    [{ NODE_ENV: 'production' }, 'json'],
    [{ NODE_ENV: 'production', LOG_FORMAT: 'pretty' }, 'pretty'],
    [{ NODE_ENV: 'test' }, 'pretty'],
  ])('given %j logs in the format %s', (env, format) => {
    expect(parseSettings(env).logging.format).toBe(format);
  });

  it('makes the folders absolute', () => {
    const parsed = parseSettings({ MODEL_DIR: '../shared/models', LOG_DIR: '/var/log/nestor' });
    expect(parsed.models.dir).toBe(resolve('../shared/models'));
    expect(parsed.logging.dir).toBe('/var/log/nestor');
  });

  it('is frozen to the last list', () => {
    const parsed = parseSettings({ MODEL_NAMES: 'digits' });
    for (const slice of Object.values(parsed)) expect(Object.isFrozen(slice)).toBe(true);
    expect(Object.isFrozen(parsed)).toBe(true);
    expect(Object.isFrozen(parsed.models.required)).toBe(true);
    expect(Object.isFrozen(parsed.http.corsOrigins)).toBe(true);
  });

  it('names all faults at once, each by variable and rule, one on a line', () => {
    const error = refusal({
      PORT: '12abc',
      DEBUG: 'maybe',
      MODEL_NAMES: '["digits"',
      BODY_LIMIT: '1tb',
      LOG_LEVEL: 'loud',
      REDIS_URL: 'http://cache',
      WORKERS: '-2',
      SHUTDOWN_TIMEOUT_MS: '1000',
      SHUTDOWN_DELAY_MS: '1000',
    });
    expect(error.faults).toEqual([
      'DEBUG must be true or false (or yes, no, on, off, 1, 0)',
      'PORT must be a whole number from 0 to 65535',
      'BODY_LIMIT must be a whole number of bytes from 1 to 2147483648, plain or with the suffix kb, mb or gb (steps of 1024)',
      'SHUTDOWN_DELAY_MS must be less than SHUTDOWN_TIMEOUT_MS',
      'WORKERS must be auto (or -1) or a whole number from 0 to 512',
      'MODEL_NAMES must be names of models (letters, digits and _.-), as a comma-separated list or a JSON array',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, warning, critical',
      'REDIS_URL must be a URL that starts with redis:// or rediss://, whose path, if there is one, is the number of a database',
    ]);
    expect(error.message.split('\n').slice(1)).toEqual(error.faults.map((fault) => `  ${fault}`));
  });

  it('never repeats a value', () => {
    const names = getMetadataStorage()
      .getTargetValidationMetadatas(Environment, '', true, false)
      .map(({ propertyName }) => propertyName);
    const env = Object.fromEntries(names.map((name) => [name, 'hunter2\n$value $property']));
    const error = refusal({ ...env, NODE_ENV: 'production' });
    expect(error.faults.length).toBeGreaterThan(30);
    expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain('hunter2');
  });

  describe('rules between variables', () => {
    it.each<[EnvironmentText, string]>([
      [{ CORS_CREDENTIALS: 'true' }, 'CORS_CREDENTIALS must be false while CORS_ORIGINS has *'],
      [
        { CORS_CREDENTIALS: 'true', CORS_ORIGINS: 'https://a.com,*' },
        'CORS_CREDENTIALS must be false while CORS_ORIGINS has *',
      ],
      [{ HEADERS_TIMEOUT_MS: '60001' }, 'REQUEST_TIMEOUT_MS must be at least HEADERS_TIMEOUT_MS'],
      [{ SHUTDOWN_DELAY_MS: '30000' }, 'SHUTDOWN_DELAY_MS must be less than SHUTDOWN_TIMEOUT_MS'],
    ])('refuse %j', (env, fault) => {
      expect(refusal(env).faults).toEqual([fault]);
    });

    it.each<[EnvironmentText]>([
      [{ CORS_CREDENTIALS: 'true', CORS_ORIGINS: 'https://a.com' }],
      [{ CORS_CREDENTIALS: 'true', CORS_ORIGINS: '' }],
      [{ HEADERS_TIMEOUT_MS: '60000' }],
      [{ SHUTDOWN_DELAY_MS: '29999' }],
    ])('accept %j', (env) => {
      expect(() => parseSettings(env)).not.toThrow();
    });

    it('rest while one of the variables is itself at fault', () => {
      const { faults } = refusal({
        CORS_CREDENTIALS: 'true',
        CORS_ORIGINS: 'nowhere',
        HEADERS_TIMEOUT_MS: 'x',
      });
      expect(faults.map((fault) => fault.split(' ')[0])).toEqual(['CORS_ORIGINS', 'HEADERS_TIMEOUT_MS']);
    });
  });

  describe('SECRET_KEY', () => {
    const production = { NODE_ENV: 'production' };
    const placeholder =
      'SECRET_KEY must be a secret of your own, not a placeholder, when NODE_ENV is production';
    const short =
      'SECRET_KEY must be at least 32 bytes long for HS256, 48 for HS384 and 64 for HS512, when NODE_ENV is production';

    it.each<[string, EnvironmentText, string[]]>([
      ["the seed's", { SECRET_KEY: 'your-secret-key-here' }, [placeholder, short]],
      ['a long placeholder', { SECRET_KEY: 'changeme'.repeat(4) }, [placeholder]],
      ['a short one', { SECRET_KEY: SECRET.slice(0, 31) }, [short]],
      ['one too short for HS512', { SECRET_KEY: SECRET.slice(0, 63), ALGORITHM: 'HS512' }, [short]],
    ])('refuses in production %s', (_name, env, faults) => {
      expect(refusal({ ...production, ...env }).faults.toSorted()).toEqual(faults);
    });

    it.each<[string, EnvironmentText]>([
      ['none at all', {}],
      ['a good one', { SECRET_KEY: SECRET.slice(0, 32) }],
      ['a good one for HS512', { SECRET_KEY: SECRET, ALGORITHM: 'hs512' }],
    ])('accepts in production %s', (_name, env) => {
      expect(parseSettings({ ...production, ...env }).access.secretKey).toBe(env.SECRET_KEY);
    });

    it('is anything elsewhere', () => {
      expect(parseSettings({ SECRET_KEY: 'x' }).access.secretKey).toBe('x');
    });
  });
});

describe('the environment of the process', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'nestor-config-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('wins over the .env file, which wins over the defaults', () => {
    writeFileSync(join(dir, '.env'), '# ours\nPORT=9000\nLOG_LEVEL="error" # quiet\nexport WORKERS=2\n');
    const { http, logging, cluster, models } = parseSettings(readEnvironment(dir, { PORT: '9001' }));
    expect([http.port, logging.level, cluster.workers, models.maxResident]).toEqual([9001, 'error', 2, 5]);
  });

  it('wins with an empty value, too', () => {
    writeFileSync(join(dir, '.env'), 'LOG_DIR=elsewhere\n');
    expect(parseSettings(readEnvironment(dir, { LOG_DIR: '' })).logging.dir).toBeUndefined();
  });

  it('stands alone where there is no .env file', () => {
    expect(readEnvironment(dir, { PORT: '9001' })).toEqual({ PORT: '9001' });
  });

  it('is refused with a .env that cannot be read', () => {
    mkdirSync(join(dir, '.env'));
    expect(() => readEnvironment(dir, {})).toThrow(ConfigurationError);
  });

  it('is read once', () => {
    expect(settings()).toBe(settings());
  });
});

describe('settings of access', () => {
  const KEY = 'k'.repeat(16) + 'abcdefghij0123456789';

  it.each([
    [{ API_KEY: 'short' }, 'API_KEY must be a key of 32 to 512 characters'],
    [{ API_KEY: `${KEY} x` }, 'API_KEY must be a key of 32'],
    [{ API_KEY: KEY, ADMIN_KEY: KEY }, 'ADMIN_KEY must be another key than API_KEY'],
    [
      { ADMIN_KEY: 'change-me-change-me-change-me-change-me', NODE_ENV: 'production' },
      'ADMIN_KEY must be a key of your',
    ],
    [{ AUTH: 'required' }, 'AUTH must be auto, changes or off while there is nothing'],
    [{ AUTH: 'sometimes' }, 'AUTH must be one of auto, required, changes, off'],
    [{ ALLOWED_HOSTS: 'https://a.example' }, 'ALLOWED_HOSTS must be host names'],
    [{ TLS_CERT_FILE: 'a.pem' }, 'TLS_CERT_FILE must be set together with TLS_KEY_FILE'],
    [{ TLS_KEY_FILE: 'a.pem' }, 'TLS_CERT_FILE must be set together with TLS_KEY_FILE'],
    [{ TLS_CLIENT_AUTH: 'require' }, 'TLS_CLIENT_AUTH must be off while'],
    [{ JWT_JWKS_URL: 'https://a.example/keys' }, 'JWT_AUDIENCE must be set together with JWT_JWKS_URL'],
    [{ JWT_ALGORITHMS: 'RS256,HS256' }, 'JWT_ALGORITHMS must be algorithms out of RS256'],
    [{ JWT_ALGORITHMS: 'none' }, 'JWT_ALGORITHMS must be'],
  ])('are refused: %j', (env, fault) => {
    expect(() => parseSettings(env)).toThrow(fault);
    expect(() => parseSettings(env)).not.toThrow(/kkkk|change-me/);
  });

  it('may be files, hosts and limits', () => {
    const { access, http } = parseSettings({
      API_KEY: KEY,
      ALLOWED_HOSTS: 'Nestor.example, ::1',
      AUTH_KEYS_FILE: 'keys.yaml',
      CALLER_REQUESTS_PER_SECOND: '7',
      TLS_CERT_FILE: '/tls/tls.crt',
      TLS_KEY_FILE: '/tls/tls.key',
    });
    expect(access).toMatchObject({
      apiKey: KEY,
      allowedHosts: ['nestor.example', '[::1]'],
      keysFile: resolve('keys.yaml'),
      limits: { requestsPerSecond: 7 },
    });
    expect(http.tls).toEqual({
      certFile: '/tls/tls.crt',
      keyFile: '/tls/tls.key',
      clientCertificates: 'off',
      reloadIntervalMs: 5000,
    });
  });
});

describe('settings of traces', () => {
  it('are those of OpenTelemetry', () => {
    const { tracing } = parseSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-tenant = 7',
      OTEL_SERVICE_NAME: 'scores',
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=ml,service.name=other',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
      TRACE_MAX_PER_SECOND: '7',
    });
    expect(tracing).toEqual({
      endpoint: 'http://collector:4318',
      headers: { authorization: 'Bearer abc', 'x-tenant': '7' },
      resource: { 'service.namespace': 'ml', 'service.name': 'scores' },
      parentBased: false,
      ratio: 1,
      maxPerSecond: 7,
    });
  });

  it.each([
    ['parentbased_traceidratio', true, 0.25],
    ['parentbased_always_off', true, 0],
    ['traceidratio', false, 0.25],
  ])('sample as %s says', (sampler, parentBased, ratio) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0.25' };
    expect(parseSettings(env).tracing).toMatchObject({ parentBased, ratio });
  });

  it('are off when the SDK is disabled', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'true' };
    expect(parseSettings(env).tracing.endpoint).toBeUndefined();
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'Bearer s3cret' }, 'OTEL_EXPORTER_OTLP_HEADERS must be pairs such as'],
    [{ OTEL_TRACES_SAMPLER: 'sometimes' }, 'OTEL_TRACES_SAMPLER must be one of'],
    [{ OTEL_TRACES_SAMPLER_ARG: '1.5' }, 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1'],
  ])('are refused: %j', (env, fault) => {
    expect(() => parseSettings(env)).toThrow(fault);
    expect(() => parseSettings(env)).not.toThrow(/s3cret/);
  });
});
