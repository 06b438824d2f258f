import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { withPackages } from './helpers/python-environment';
import { describeWith } from './helpers/requirements-of-tests';

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
    minAvailable: number;
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
    const { labels } = pod.metadata;
    expect(of('Deployment').selector.matchLabels).toEqual(labels);
    expect(of('Service').selector).toEqual(labels);
    expect(of('PodDisruptionBudget').selector.matchLabels).toEqual(labels);
    expect(of('HorizontalPodAutoscaler').scaleTargetRef).toMatchObject({
      kind: 'Deployment',
      name: 'nestor',
    });
    expect(of('PodDisruptionBudget').minAvailable).toBeLessThan(of('HorizontalPodAutoscaler').minReplicas);
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

describeWith('python3', 'the manifests for Kubernetes, by its own schemas', (python3) => {
  withPackages(python3, join(__dirname, 'kubernetes', 'requirements.txt'), (python) => {
    // The oldest and the newest version that the validator has of those that are still maintained.
    it.each(['1.34', '1.37'])('are right for %s, without a key too many', async (version) => {
      const validate = join(dirname(python), 'kubernetes-validate');
      const { stderr, stdout } = await promisify(execFile)(validate, ['--strict', '-k', version, MANIFEST]);
      expect(`${stdout}${stderr}`.match(/passed for resource/g)).toHaveLength(manifests.length);
    });
  });
});
