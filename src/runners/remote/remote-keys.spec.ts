import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../../config/settings';
import { DomainError } from '../../errors/domain-error';
import { ONNX } from '../onnx/onnx-kind';
import type { RunnerKeys } from '../runner-kind';
import type { RemoteFactory } from './remote-factory';
import { RemoteKind } from './remote-kind';
import { ModelRepository } from '../../models/repository/model-repository';
import { KINDS, parseModelConfig } from '../../../test/helpers/runner-kinds';

function kindsWith(externalUrl: string | undefined): RunnerKeys[] {
  const settings = { ...parseSettings({}).remote, externalUrl };
  return [ONNX, new RemoteKind({} as RemoteFactory, settings)];
}

function faultsOf(yaml: string, name = 'm'): readonly string[] {
  try {
    parseModelConfig(`runtime: remote\n${yaml}`, name);
  } catch (error) {
    if (error instanceof DomainError) return error.details ?? [];
    throw error;
  }
  return [];
}

const TENSORS = `
inputs: [{ name: text, datatype: BYTES, shape: [-1] }]
outputs: [{ name: score, datatype: FP32, shape: [-1] }]`;

describe('model.yaml of a remote model', () => {
  it('needs its URL alone', () => {
    const config = parseModelConfig('runtime: remote\nurls: http://gpu-1:8000', 'm');
    expect(config).toMatchObject({
      runtime: 'remote',
      batching: false,
      maxBatchRows: 64,
      deterministic: true,
    });
    expect(config.runner).toEqual({
      urls: ['http://gpu-1:8000'],
      protocol: 'v2',
      headers: [],
      connectTimeoutMs: 2000,
      retries: 2,
    });
    expect(Object.keys(config)).not.toContain('urls');
    expect(Object.isFrozen(config.runner)).toBe(true);
  });

  it('has keys of its own, and those of every model', () => {
    const yaml = `
runtime: remote
description: behind a vendor's API
urls: [https://api.example.com/predict, https://api2.example.com/predict]
protocol: template
headers:
  x-team: vision
  authorization: { env: VENDOR_TOKEN, prefix: 'Bearer ' }
timeout_ms: 5000
connect_timeout_ms: 500
retries: 0
idempotent: true
max_connections: 8
batching: true
max_batch_rows: 16
cache: { enabled: false }
${TENSORS}
request: { instances: { $rows: { t: $text } }, parameters: { top_k: 1 } }
response: { score: 'predictions[*].score' }
health: /healthz`;
    const config = parseModelConfig(yaml, 'm');
    expect(config).toMatchObject({ batching: true, maxBatchRows: 16, cache: { enabled: false } });
    expect(config.runner).toEqual({
      urls: ['https://api.example.com/predict', 'https://api2.example.com/predict'],
      protocol: 'template',
      headers: [
        { name: 'x-team', text: 'vision' },
        { name: 'authorization', variable: 'VENDOR_TOKEN', prefix: 'Bearer ' },
      ],
      timeoutMs: 5000,
      connectTimeoutMs: 500,
      retries: 0,
      idempotent: true,
      maxConnections: 8,
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
      outputs: [{ name: 'score', datatype: 'FP32', shape: [-1] }],
      request: { instances: { $rows: { t: '$text' } }, parameters: { top_k: 1 } },
      response: { score: 'predictions[*].score' },
      health: '/healthz',
    });
  });

  it.each<[string, RegExp]>([
    ['', /^urls: must be there/],
    ['urls: gpu-1', /^urls: must be a URL/],
    ['urls: []', /^urls/],
    ['urls: [ftp://gpu]', /^urls/],
    ['urls: http://a\nprotocol: grpc', /^protocol: must be one of v2, v2-json, v2-binary, template/],
    ['urls: http://a\nheaders: { authorization: abc }', /^headers: authorization is a secret/],
    ['urls: http://a\nheaders: { x-a: { env: "no name" } }', /^headers: x-a must be a text or/],
    ['urls: http://a\nheaders: { x-a: { env: SECRET_KEY } }', /^headers: x-a may not hold/],
    ['urls: http://a\nretries: 11', /^retries/],
    ['urls: http://a\ninstances: 2', /^instances: is not for a remote model/],
    ['urls: http://a\nrun_timeout_ms: 2', /^run_timeout_ms: is not for a remote model/],
    ['urls: http://a\ntimeoutMs: 2', /^timeoutMs: unknown key, did you mean timeout_ms/],
    ['urls: http://a\nresponse: { y: a }', /^response: goes with protocol: template/],
    ['urls: http://a\nhealth: /ready', /^health: goes with/],
    ['urls: http://a\nhealth: //evil', /^health: must be a path/],
    ['urls: http://a\ninputs: []', /^inputs/],
    ['urls: http://a\ninputs: [{ name: x, datatype: FP8, shape: [1] }]', /^inputs: 1: datatype/],
    ['urls: http://a\ninputs: [{ name: x }, { name: x }]', /^inputs: must be a list of tensors/],
    ['urls: http://a\ninputs: [{ name: x, shape: [-2] }]', /^inputs: 1: shape/],
    ['urls: http://a\nprotocol: template', /^protocol: a template needs/],
    [
      `urls: http://a\nprotocol: template${TENSORS}\nrequest: {}\nresponse: { score: a }`,
      /^request: it has no place/,
    ],
    [
      `urls: http://a\nprotocol: template${TENSORS}\nrequest: $text\nresponse: {}`,
      /^response: has no place for score/,
    ],
    [
      `urls: http://a\nprotocol: template${TENSORS}\nrequest: $text\nresponse: { score: a, odd: b }`,
      /^response: odd is no output/,
    ],
    ['urls: http://a\nresponse: { score: "a[" }', /^response: must be a mapping/],
  ])('%j has a fault', (yaml, fault) => {
    const faults = faultsOf(yaml);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
    expect(faults[0]).not.toContain('abc');
  });

  it('refuses keys of remote models in one that runs here', () => {
    expect(() => parseModelConfig('urls: http://a', 'm')).toThrow(/urls: goes with runtime: remote/);
  });
});

describe('where remote models are declared', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nestor-remote-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  async function declare(name: string, yaml: string, version?: string): Promise<void> {
    await mkdir(join(dir, name, version ?? ''), { recursive: true });
    await writeFile(join(dir, name, 'model.yaml'), yaml);
  }

  it('is a folder without a model file, and then it is version 1', async () => {
    await declare('bert', 'runtime: remote\nurls: http://gpu-1:8000', '7');
    const { models, faults } = await new ModelRepository(dir, KINDS).scan();
    expect([models.length, models[0]?.name, faults]).toEqual([1, 'bert', []]);
    expect(models[0]?.versions).toEqual([
      { version: '1', configFolder: expect.stringContaining('bert') as unknown, sizeBytes: 0 },
    ]);
  });

  it('is EXTERNAL_API_URL, for a model named external', async () => {
    const repository = new ModelRepository(dir, kindsWith('http://gpu-1:8000'));
    const { models } = await repository.scan();
    expect(models.map(({ name }) => name)).toEqual(['external']);
    expect((await repository.find('external'))?.config).toMatchObject({
      runner: { urls: [], protocol: 'v2' },
    });
    expect(await repository.find('other')).toBeUndefined();
    expect((await new ModelRepository(dir, kindsWith(undefined)).scan()).models).toEqual([]);
  });

  it('is both, where a folder named external says more', async () => {
    await declare('external', 'runtime: remote\nretries: 5');
    const repository = new ModelRepository(dir, kindsWith('http://gpu-1:8000'));
    const { models } = await repository.scan();
    expect(models).toHaveLength(1);
    expect(models[0]?.config).toMatchObject({ runner: { urls: [], retries: 5 } });
  });

  it('needs no model folder', async () => {
    const gone = join(dir, 'gone');
    const repository = new ModelRepository(gone, kindsWith('http://gpu-1:8000'));
    expect((await repository.scan()).models).toHaveLength(1);
    expect((await repository.find('external'))?.name).toBe('external');
  });
});
