import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { parse } from 'yaml';

const PROJECT = join(__dirname, '..');

interface Step {
  keyword: string;
  flags: Record<string, string>;
  text: string;
  args: string[];
}

interface Stage {
  name: string;
  base: string;
  steps: Step[];
}

interface Service {
  image: string;
  environment?: Record<string, string | number>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  [setting: string]: unknown;
}

interface DataSource {
  uid?: string;
  url: string;
  jsonData?: { exemplarTraceIdDestinations: { name: string; datasourceUid: string }[] };
}

function readText(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** A step as one word in front of its text, flags left out: `COPY package.json ./`. */
function lines(stage: Stage | undefined): string[] {
  return stage?.steps.map((step) => `${step.keyword} ${step.text}`) ?? [];
}

describe('the Dockerfile', () => {
  const printed = execFileSync(process.execPath, ['.ci/check-dockerfile.js', '--print'], {
    cwd: PROJECT,
  });
  const stages = JSON.parse(printed.toString()) as Stage[];
  const image = stages.at(-1);
  const last = (keyword: string): Step | undefined =>
    image?.steps.findLast((step) => step.keyword === keyword);

  it('builds every stage on the slim image of Node 24', () => {
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set(['node:24-slim']));
  });

  it('is published on one base, by its digest', () => {
    const { jobs } = parse(readText('.github/workflows/image.yml')) as {
      jobs: { image: { steps: { id?: string; run?: string; with?: Record<string, string> }[] } };
    };
    const step = (id: string) => jobs.image.steps.find((one) => one.id === id);
    const base = stages[0]!.base;
    expect(step('base')?.run).toContain(`imagetools inspect ${base} `);
    const pinned = `${base}=docker-image://${base}@\${{ steps.base.outputs.digest }}`;
    expect(step('build')?.with?.['build-contexts']).toBe(pinned);
  });

  it('installs from the lock file, and for the image without development packages', () => {
    const installs = stages.flatMap((stage) => lines(stage).filter((line) => line.includes('npm ')));
    expect(installs).toEqual(['RUN npm ci', 'RUN npm run build', 'RUN npm ci --omit=dev']);
  });

  it('removes what the image does not need by the same command as everybody', () => {
    const dependencies = stages.find((stage) => lines(stage).includes('RUN npm ci --omit=dev'));
    expect(lines(dependencies).slice(-2)).toEqual(['COPY /app/dist dist', 'RUN node dist/cli/main.js prune']);
  });

  it('runs no install scripts, which would fetch GPU libraries', () => {
    expect(readText('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const installing = stages.filter((stage) => lines(stage).some((line) => line.startsWith('RUN npm ci')));
    for (const stage of installing) {
      expect(lines(stage)).toContain('COPY package.json package-lock.json .npmrc ./');
    }
  });

  it('copies what ran through the other stages, and no source', () => {
    const copies = image?.steps.filter(({ keyword }) => keyword === 'COPY') ?? [];
    expect(copies.map(({ flags, text }) => `${flags.from ?? 'context'}: ${text}`)).toEqual([
      'context: LICENSE NOTICE package.json ./',
      'dependencies: /app/node_modules node_modules',
      'build: /app/dist dist',
      'context: models models',
      'context: site site',
    ]);
  });

  it('runs as a user that is not root, given by number', () => {
    expect(last('USER')?.text).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('writes no log files and no telemetry, and preloads jemalloc', () => {
    expect(last('ENV')?.args).toEqual(
      expect.arrayContaining([
        'NODE_ENV=production',
        'LOG_DIR=',
        'ORT_DISABLE_TELEMETRY=1',
        'LD_PRELOAD=libjemalloc.so.2',
      ]),
    );
  });

  it('starts the server without a shell in between and stops it by SIGTERM', () => {
    expect(last('CMD')?.args).toEqual(['node', 'dist/main.js']);
    expect(last('STOPSIGNAL')?.text).toBe('SIGTERM');
  });

  it('listens where it says and asks there for its health', () => {
    expect(last('EXPOSE')?.args).toEqual(['8000', '8081']);
    expect(last('ENV')?.args).toContain('PORT=8000');
    expect(last('HEALTHCHECK')?.text).toContain('/health/live');
  });

  it('is labelled with the version and licence of package.json', () => {
    const { version, license } = JSON.parse(readText('package.json')) as { version: string; license: string };
    expect(last('LABEL')?.args).toEqual(
      expect.arrayContaining([
        `org.opencontainers.image.version=${version}`,
        `org.opencontainers.image.licenses=${license}`,
      ]),
    );
  });

  it('gets from the project only what it copies', () => {
    const ignored = readText('.dockerignore').split('\n');
    const fromContext = stages
      .flatMap(({ steps }) => steps)
      .filter(({ keyword, flags }) => keyword === 'COPY' && flags.from === undefined)
      .flatMap(({ args }) => args.slice(0, -1));
    expect(ignored.find((line) => line !== '' && !line.startsWith('#'))).toBe('*');
    expect(ignored.filter((line) => line.startsWith('!')).sort()).toEqual(
      [...new Set(fromContext)].map((path) => `!${path}`).sort(),
    );
  });
});

describe('docker-compose.yml', () => {
  const { services } = parse(readText('docker-compose.yml')) as { services: Record<string, Service> };
  const { nestor, redis } = services;

  it('starts the server when Redis answers', () => {
    expect(Object.keys(services).sort()).toEqual(['grafana', 'jaeger', 'nestor', 'prometheus', 'redis']);
    expect(nestor?.depends_on).toEqual({ redis: { condition: 'service_healthy' } });
    expect(nestor?.environment?.REDIS_URL).toBe(
      'redis://:${REDIS_PASSWORD:-only-for-a-first-try}@redis:6379',
    );
    expect(redis?.healthcheck?.test).toEqual(['CMD', 'redis-cli', 'ping']);
  });

  it('takes the server for healthy when it is ready', () => {
    const [kind, program, flag, script] = nestor?.healthcheck?.test ?? [];
    expect([kind, program, flag]).toEqual(['CMD', 'node', '-e']);
    expect(script).toContain('/api/health/ready');
    expect(script).not.toContain('$'); // Compose would replace a variable
    expect(() => new Script(script ?? '')).not.toThrow();
  });

  it('gives the server longer to stop than it takes at most', () => {
    const graceMs = 1000 * parseInt(String(nestor?.stop_grace_period), 10);
    expect(nestor?.stop_grace_period).toMatch(/^\d+s$/);
    expect(graceMs).toBeGreaterThan(Number(nestor?.environment?.SHUTDOWN_TIMEOUT_MS));
  });

  it('starts no more than these two without a profile', () => {
    const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
    expect(always.map(([name]) => name)).toEqual(['nestor', 'redis']);
  });

  it('shows Prometheus the management port, and Grafana the board', () => {
    const { scrape_configs, rule_files } = parse(readText('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
      rule_files: string[];
    };
    const port = nestor?.environment?.MANAGEMENT_PORT;
    expect(scrape_configs[0]?.static_configs[0]?.targets).toEqual([`nestor:${port}`]);
    for (const file of rule_files) expect(readText(`deploy/prometheus/${file}`)).toContain('groups:');
    const board = parse(readText('deploy/grafana/provisioning/dashboards/nestor.yaml')) as {
      providers: { options: { path: string } }[];
    };
    const folder = board.providers[0]?.options.path;
    expect(services.grafana?.volumes).toContain(`./deploy/grafana/nestor.json:${folder}/nestor.json:ro`);
  });

  it('leads from a bucket on the board to a trace in Jaeger', () => {
    const [prometheus, jaeger] = ['prometheus', 'jaeger'].map((name) => {
      const text = readText(`deploy/grafana/provisioning/datasources/${name}.yaml`);
      return (parse(text) as { datasources: DataSource[] }).datasources[0];
    });
    expect(services.prometheus?.command).toContain('--enable-feature=exemplar-storage');
    expect(prometheus?.jsonData?.exemplarTraceIdDestinations).toEqual([
      { name: 'trace_id', datasourceUid: jaeger?.uid },
    ]);
    const { port } = new URL(jaeger?.url ?? '');
    expect(services.jaeger?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
  });

  it('makes traces only where a collector is named, as the one that comes along is in the manual', () => {
    expect(nestor?.environment).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: '${OTEL_EXPORTER_OTLP_ENDPOINT:-}',
      OTEL_TRACES_SAMPLER: '${OTEL_TRACES_SAMPLER:-parentbased_always_on}',
    });
    const manual = readText('docs/tracing.md');
    expect(manual).toContain(
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318 docker compose --profile monitoring up',
    );
    expect(manual).toContain(services.jaeger?.image);
  });

  it.each(['nestor', 'redis', 'prometheus', 'jaeger'])('gives %s no more rights than it needs', (name) => {
    expect(services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  it('takes models from the folder beside it and lets temporary files go to memory', () => {
    expect(nestor).toMatchObject({
      volumes: ['./models:/app/models:ro', 'prepared:/var/cache/nestor'],
      tmpfs: ['/tmp'],
      ports: ['8000:8000'],
    });
  });

  it('bounds the memory of Redis and lets the least recently used go', () => {
    expect(redis?.image).toBe('redis:7-alpine');
    expect((redis?.command as string[]).join(' ')).toMatch(
      /--maxmemory \d+mb --maxmemory-policy allkeys-lru --requirepass \S+$/,
    );
  });

  it('names the image by the version of package.json', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string };
    expect(nestor?.image).toBe(`nestor:${version}`);
  });
});
