import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { withPackages } from './helpers/python-environment';
import { describeWith } from './helpers/requirements-of-tests';
import { startServer } from './helpers/server';

const ROOT = join(__dirname, '..');
const MANIFEST = join(ROOT, 'deploy', 'kubernetes', 'nestor.yaml');

interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold?: number;
}

interface Container {
  ports: { name: string; containerPort: number }[];
  env: { name: string; value: string }[];
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  volumeMounts: { name: string }[];
}

interface Labels {
  matchLabels: Record<string, string>;
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  spec: {
    selector: Labels & Record<string, string>;
    ports: { targetPort: string }[];
    minReplicas: number;
    maxUnavailable: number;
    scaleTargetRef: { kind: string; name: string };
    template: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> };
      spec: {
        terminationGracePeriodSeconds: number;
        containers: [Container];
        volumes: { name: string }[];
      };
    };
  };
}

interface TestPod {
  kind: string;
  spec: { containers: [{ command: string[]; env: { name: string; value: string }[] }] };
}

const manifests = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((one) => one.toJS() as Manifest);
const of = (kind: string): Manifest['spec'] => {
  const found = manifests.find((manifest) => manifest.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return found.spec;
};
const pod = of('Deployment').template;
const [container] = pod.spec.containers;
const setting = (name: string): number => Number(container.env.find((one) => one.name === name)?.value);

describe('the manifests for Kubernetes', () => {
  it('are a deployment, its service, and what scales and spares it', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
      'Service',
    ]);
    const { matchLabels } = of('Deployment').selector;
    expect(pod.metadata.labels).toMatchObject(matchLabels);
    expect(of('Service').selector).toEqual(matchLabels);
    expect(of('PodDisruptionBudget').selector.matchLabels).toEqual(matchLabels);
    expect(of('HorizontalPodAutoscaler').scaleTargetRef).toMatchObject({
      kind: 'Deployment',
      name: 'nestor',
    });
    expect(of('PodDisruptionBudget').maxUnavailable).toBeLessThan(of('HorizontalPodAutoscaler').minReplicas);
  });

  it('let a stop take as long as the server may', () => {
    const delayMs = setting('SHUTDOWN_DELAY_MS');
    const stopMs = setting('SHUTDOWN_TIMEOUT_MS');
    const { periodSeconds, failureThreshold = 3 } = container.readinessProbe;
    // Not before the last load balancer knows.
    expect(delayMs).toBeGreaterThanOrEqual(periodSeconds * failureThreshold * 1000);
    expect(stopMs).toBeGreaterThan(delayMs);
    expect(pod.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(stopMs);
  });

  it('probe the port that no load on the workers can hold up', () => {
    const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(ports.get('management')).toBe(setting('MANAGEMENT_PORT'));
    expect(pod.metadata.annotations['prometheus.io/port']).toBe(String(setting('MANAGEMENT_PORT')));
    expect(of('Service').ports.every(({ targetPort }) => ports.has(targetPort))).toBe(true);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const probes = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet);
    expect(probes).toEqual([
      { path: '/health/ready', port: 'management' },
      { path: '/health/live', port: 'management' },
      { path: '/health/ready', port: 'management' },
    ]);
  });

  it('use settings, and volumes, that exist', () => {
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    for (const { name } of container.env) expect(example).toContain(`# ${name}=`);
    const volumes = pod.spec.volumes.map(({ name }) => name);
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(volumes);
  });
});

/** What is told apart by a value: each way has to be right. */
const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ['the defaults', []],
  ['a claim with one model', ['models.from=claim', 'models.claim.name=models', 'models.name=fraud']],
  [
    'an image with models',
    ['models.from=imageVolume', 'models.imageVolume.reference=registry.example/models:1'],
  ],
  [
    'models that are fetched',
    [
      'models.from=sources',
      'models.sources.addresses={s3://models/all,hf://org/mini@v1}',
      'existingSecrets={keys}',
    ],
  ],
  [
    'settings and secrets',
    ['settings.BODY_LIMIT=104857600', 'settings.CACHE_ENABLED=false', 'existingSecrets={keys}'],
  ],
  ['one pod that nothing scales', ['autoscaling.enabled=false', 'replicas=1', 'serviceAccount.create=true']],
  [
    'what a cluster adds',
    ['serviceMonitor.enabled=true', 'networkPolicy.enabled=true', 'management.onService=true'],
  ],
  ['ways in', ['ingress.enabled=true', 'ingress.hosts={ml.example}', 'httpRoute.enabled=true']],
  ['KEDA', ['keda.enabled=true', 'image.digest=sha256:' + '0'.repeat(64)]],
];

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['a value that is none', 'replica=3', /replica/],
  ['a name that no setting has', 'settings.body_limit=1', /body_limit/],
  ['a setting that the chart makes', 'settings.MODEL_DIR=/data', /settings.MODEL_DIR: the chart sets it/],
  ['a worker larger than its pod', 'settings.WORKER_MEMORY_LIMIT=2gb', /less than resources.limits.memory/],
  ['a stop without time', 'shutdown.timeoutMs=6000', /shutdown.timeoutMs has to be more/],
  ['models from a claim without a name', 'models.from=claim', /models.claim.name/],
  ['models from nowhere', 'models.from=sources', /models.sources.addresses/],
  ['a budget that lets no pod go', 'podDisruptionBudget.maxUnavailable=0', /maxUnavailable/],
];

describeWith('python3', 'what Kubernetes gets, by the tools and schemas of its own', (python3) => {
  withPackages(python3, join(__dirname, 'kubernetes', 'requirements.txt'), (python) => {
    const chart = join(ROOT, 'deploy', 'helm', 'nestor');
    const run = (tool: string, ...args: string[]) => promisify(execFile)(join(dirname(python), tool), args);
    const render = async (...values: string[]): Promise<string> => {
      const sets = values.flatMap((value) => ['--set', value]);
      return (await run('helm', 'template', 'nestor', chart, '--namespace', 'ml', ...sets)).stdout;
    };

    it('is a chart that Helm finds nothing wrong with', async () => {
      await expect(run('helm', 'lint', '--strict', chart)).resolves.toBeDefined();
    });

    it('is, as a plain manifest, the rendered chart', async () => {
      const { stdout } = await run('helm', 'template', 'nestor', chart, '--skip-tests');
      expect(readFileSync(MANIFEST, 'utf8').replace(/^(?:#.*\n)+/, '')).toBe(stdout);
    });

    // The oldest and the newest version that the validator has of those that are still maintained.
    it.each(['1.34', '1.37'])('is right for %s, without a key too many, by each value', async (version) => {
      const folder = mkdtempSync(join(tmpdir(), 'nestor-chart-'));
      const files = await Promise.all(
        WAYS.map(async ([, values], i) => {
          const file = join(folder, `${i}.yaml`);
          writeFileSync(file, await render(...values));
          return file;
        }),
      );
      const { stdout, stderr } = await run('kubernetes-validate', '--strict', '-k', version, ...files);
      rmSync(folder, { recursive: true });
      expect(`${stdout}${stderr}`.match(/passed for resource deployment/g)).toHaveLength(WAYS.length);
    });

    it.each(REFUSED)('refuses %s', async (_, value, reason) => {
      await expect(render(value)).rejects.toThrow(reason);
    });

    it('has a budget only where another pod can take over', async () => {
      expect(await render('autoscaling.enabled=false', 'replicas=1')).not.toContain('PodDisruptionBudget');
      expect(await render('autoscaling.enabled=false', 'replicas=2')).toContain('PodDisruptionBudget');
    });

    it('scales by metrics that there are', async () => {
      const queries = (await render('keda.enabled=true')).match(/nestor_[a-z_]+(?=\{)/g) ?? [];
      expect(queries).toHaveLength(3);
      const documented = readFileSync(join(ROOT, 'docs', 'metrics.md'), 'utf8');
      for (const name of queries) expect(documented).toContain(`\`${name.replace(/_(?:sum|count)$/, '')}\``);
    });

    it('tests a release by an inference that succeeds', async () => {
      const pods = parseAllDocuments(await render()).map((one) => one.toJS() as TestPod);
      const { command, env } = pods.find(({ kind }) => kind === 'Pod')!.spec.containers[0];
      const server = await startServer({ WORKERS: '0' });
      const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
      const url = variables.ADDRESS!.replace(/^http:\/\/[^/]+/, server.url);
      const [program, ...args] = command;
      const { stdout } = await promisify(execFile)(program!, args, {
        env: { ...process.env, ...variables, ADDRESS: url },
      });
      expect(stdout).toMatch(/^200 .*"model":"iris"/);
      expect(await server.stop()).toBe(0);
    });

    it('is a runtime of KServe, with two services', async () => {
      const folder = join(ROOT, 'deploy', 'kserve');
      const files = readdirSync(folder).map((file) => join(folder, file));
      const { stdout } = await run('python', join(__dirname, 'kubernetes', 'strict.py'), ...files);
      expect(stdout.trim().split('\n').sort()).toEqual([
        'serving.kserve.io/v1alpha1 ClusterServingRuntime fits',
        'serving.kserve.io/v1beta1 InferenceService fits',
        'serving.kserve.io/v1beta1 InferenceService fits',
      ]);
    });
  });
});
