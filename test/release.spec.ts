import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { temporaryFolder } from './helpers/model-folder';

interface Step {
  run?: string;
  'working-directory'?: string;
}
interface Workflow {
  on: { push: { tags: string[] } };
  permissions: Record<string, string>;
  jobs: { publish: { steps: Step[] } };
}

const ROOT = join(__dirname, '..');
const { release } = jest.requireActual<{ release: (root: string, version: string, day: string) => void }>(
  '../scripts/release.js',
);
const { faultsOf } = jest.requireActual<{ faultsOf: (root: string, tag: string) => string[] }>(
  '../scripts/check-release.js',
);

/** A copy of what a release changes. */
function copy(name: string): string {
  const folder = join(temporaryFolder('release'), name);
  mkdirSync(join(folder, 'packages/client'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json', 'packages/client/package.json'])
    cpSync(join(ROOT, file), join(folder, file));
  const changes =
    '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n\n## [0.0.9] - 2020-01-01\n\n- That.\n';
  writeFileSync(join(folder, 'CHANGELOG.md'), changes);
  return folder;
}

describe('a release', () => {
  const folder = copy('made');

  it('gives both packages the version, and the changes their number and day', () => {
    expect(faultsOf(folder, 'v9.1.0')).toHaveLength(4);
    release(folder, '9.1.0', '2030-02-03');
    expect(faultsOf(folder, 'v9.1.0')).toEqual([]);
    expect(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')).toBe(
      '# Changelog\n\n## [Unreleased]\n\n## [9.1.0] - 2030-02-03\n\n### Added\n\n- This.\n\n## [0.0.9] - 2020-01-01\n\n- That.\n',
    );
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    expect(lock.packages['']?.version).toBe('9.1.0');
    const before = readFileSync(join(ROOT, 'package.json'), 'utf8');
    const after = readFileSync(join(folder, 'package.json'), 'utf8');
    expect(after.replace('9.1.0', '')).toBe(before.replace(/(?<="version": ")[^"]+/, ''));
  });

  it.each([
    ['9.1.0', /9\.1\.0 does not come after 9\.1\.0/],
    ['9.0.9', /does not come after/],
    ['9.1.0-rc.1', /does not come after/],
    ['nine', /nine is no version/],
    ['9.2.0', /nothing under "Unreleased"/],
  ])('of %s is refused', (version, message) => {
    expect(() => release(folder, version, '2030-02-03')).toThrow(message);
    expect(faultsOf(folder, 'v9.1.0')).toEqual([]);
  });
});

describe('the publishing workflow', () => {
  const workflow = parse(readFileSync(join(ROOT, '.github/workflows/publish.yml'), 'utf8')) as Workflow;
  const { steps } = workflow.jobs.publish;

  it('publishes both packages on a tag, tested, with provenance and without a token', () => {
    expect(workflow.on).toEqual({ push: { tags: ['v*'] } });
    expect(workflow.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    const runs = steps.flatMap(({ run }) => run ?? []);
    expect(JSON.stringify(workflow)).not.toMatch(/NODE_AUTH_TOKEN|secrets\./);
    const publishing = steps.filter(({ run }) => run?.endsWith('npm publish'));
    expect(publishing.map((step) => step['working-directory'])).toEqual([undefined, 'packages/client']);
    const order = [
      'npm ci',
      'node scripts/check-release.js "$GITHUB_REF_NAME"',
      'npm test',
      publishing[0]?.run ?? '',
    ];
    const places = order.map((run) => runs.indexOf(run));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    for (const file of ['package.json', 'packages/client/package.json']) {
      const manifest = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as { publishConfig?: object };
      expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
    }
  });

  it('runs files that are there', () => {
    const named = steps.flatMap(({ run }) => /^node (\S+)/.exec(run ?? '')?.[1] ?? []);
    expect(named).toHaveLength(2);
    for (const file of named) execFileSync(process.execPath, ['--check', join(ROOT, file)]);
  });
});
