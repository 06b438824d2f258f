import { getMetadataStorage } from 'class-validator';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse } from 'yaml';
import { Environment } from '../src/config/environment';
import type { Key } from '../src/config/yaml/readers';
import { KEYS } from '../src/models/repository/model-config';
import { ONNX } from '../src/runners/onnx/onnx-kind';
import { REMOTE } from '../src/runners/remote/remote-keys';
import { parseModelConfig } from './helpers/runner-kinds';

const ROOT = join(__dirname, '..');

/** Names in capitals that are not settings of this server. */
const OTHERS = [
  'NODE_OPTIONS',
  'NODE_COMPILE_CACHE',
  'NODE_DISABLE_COMPILE_CACHE',
  'NODE_CLUSTER_SCHED_POLICY',
  'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY',
  'ORT_DISABLE_TELEMETRY',
  'LD_PRELOAD',
  'SCHED_NONE',
  // Of the tools of clouds, which `nestor pull` takes as they are.
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_ENDPOINT_URL_S3',
  'GOOGLE_OAUTH_ACCESS_TOKEN',
  'HF_TOKEN',
  'HF_ENDPOINT',
  'KSERVE_CLIENT',
  'SCHEMATHESIS_EXAMPLES',
  'HTTP_FUZZ_RUNS',
  'HTTP_FUZZ_SEED',
  // Settings of earlier versions.
  'CPU_AFFINITY',
];

const DOCUMENTS = [
  ...markdownIn('.'),
  ...['bench', 'deploy', 'docs', 'docs/decisions', 'models'].flatMap((folder) => markdownIn(folder)),
];

function markdownIn(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md'));
  return files.map((name) => join(folder, name)).sort();
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The text without blocks of code. */
const prose = (text: string): string => text.replace(/^```[^]*?^```$/gm, '');

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, 'gm'))].map(([, code = '']) => code);

/** The anchors of its headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The cells of the table whose first column has this heading. */
function table(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  const rows = lines.slice(start + 2, lines.indexOf('', start));
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe.each(DOCUMENTS)('%s', (path) => {
  const text = read(path);

  it('links to what is there', () => {
    const dead = [...prose(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
      if (!existsSync(join(ROOT, target))) return [link];
      return anchor === undefined || anchorsOf(read(target)).includes(anchor) ? [] : [link];
    });
    expect(dead).toEqual([]);
  });

  it('names files that are there', () => {
    const named = [...prose(text).matchAll(/`((?:src|test|docs|bench|deploy|scripts)\/[\w./-]+\.\w+)`/g)];
    expect(named.map(([, file = '']) => file).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('names settings that there are', () => {
    const known = new Set([...settings(), ...OTHERS]);
    const named = [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)];
    expect(named.map(([, name = '']) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it('has JSON that can be read', () => {
    for (const json of blocks(text, 'json')) expect(() => JSON.parse(json) as unknown).not.toThrow();
  });
});

function settings(): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(Environment, '', true, false);
  return rules.map(({ propertyName }) => propertyName);
}

describe.each<[string, Record<string, Key<unknown>>]>([
  ['docs/models.md', { ...KEYS, ...ONNX.keys }],
  ['docs/remote.md', { ...REMOTE.keys }],
])('the keys of model.yaml in %s', (path, keys) => {
  const rows = table(read(path), 'Key').map(([names = '', , fallback = '']) => ({
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    fallback: /^(?:`([^`]+)`|\d+)$/.exec(fallback)?.[0].replaceAll('`', ''),
  }));

  it('are all there are', () => {
    const documented = rows.flatMap(({ names }) => names);
    const there = Object.values(keys).map(({ key }) => key);
    // The key that makes a model a remote one stands with both.
    expect([...new Set(documented)].sort()).toEqual([...new Set([...there, 'runtime'])].sort());
  });

  it('have the defaults that they are said to have', () => {
    for (const { names, fallback } of rows) {
      const key = Object.values({ ...KEYS, ...keys }).find((one) => one.key === names[0]);
      if (key === undefined || fallback === undefined || settings().includes(fallback)) continue;
      const value = key.read(parse(fallback) as never, () => undefined);
      expect([names, value]).toEqual([names, key.fallback]);
    }
  });

  it('are used in examples as they may be', () => {
    const examples = blocks(read(path), 'yaml');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(() => parseModelConfig(example, 'm')).not.toThrow();
  });
});
