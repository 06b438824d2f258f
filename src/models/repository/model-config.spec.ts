import { DomainError } from '../../errors/domain-error';
import { parseModelConfig } from '../../../test/helpers/runner-kinds';

const DEFAULTS = {
  runtime: 'onnx',
  elsewhere: false,
  description: undefined,
  example: undefined,
  versions: { kind: 'latest', count: 1 },
  batching: undefined,
  allowEmpty: false,
  maxTextElements: 65_536,
  maxBatchRows: 64,
  maxQueueDelayMs: 0,
  weight: 1,
  deadlineMs: undefined,
  runTimeoutMs: undefined,
  warmup: [],
  golden: [],
  deterministic: true,
  cache: { enabled: true, ttlSeconds: undefined, warmupFile: undefined },
  pipeline: 'auto',
  input: {},
  output: {},
  runner: {
    instances: 1,
    intraOpThreads: undefined,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  },
};

/** The faults that the text is refused with. */
function faultsOf(yaml: string): readonly string[] {
  try {
    parseModelConfig(yaml, 'm');
  } catch (error) {
    if (error instanceof DomainError) return error.details ?? [];
    throw error;
  }
  return [];
}

describe('parseModelConfig', () => {
  it.each([
    ['no file', undefined],
    ['an empty one', ''],
    ['comments alone', '# nothing\n'],
    ['null', '~'],
  ])('gives the defaults for %s', (_, yaml) => {
    expect(parseModelConfig(yaml, 'm')).toEqual(DEFAULTS);
  });

  it('reads every key', () => {
    const yaml = `
description: Grey 8x8 images of digits
example: { image: [[0, 0.5], [1, 16]], id: "9007199254740993", deep: { a: null } }
batching: false
allow_empty: true
max_text_elements: 1000
max_batch_rows: 65536
max_queue_delay_ms: 2.5
instances: 2
weight: 0.5
intra_op_threads: 4
inter_op_threads: 2
graph_optimization: basic
execution_providers: [cuda, cpu]
deadline_ms: 1000
run_timeout_ms: 30000
warmup:
  - image: [[1, 2]]
  - image: [[3, 4]]
golden: [{ inputs: { image: [[1, 2]] }, outputs: { label: [3] }, tolerance: 0.5 }]
versions: { specific: [1, 3] }
deterministic: false
cache: { enabled: false, ttl: 60, warmup_file: warm/requests.jsonl }
pipeline: off
input: { photo: { type: image } }
output: { values: { type: raw } }
`;
    expect(parseModelConfig(yaml, 'm')).toEqual({
      runtime: 'onnx',
      elsewhere: false,
      description: 'Grey 8x8 images of digits',
      example: {
        image: [
          [0, 0.5],
          [1, 16],
        ],
        id: '9007199254740993',
        deep: { a: null },
      },
      batching: false,
      allowEmpty: true,
      maxTextElements: 1000,
      maxBatchRows: 65536,
      maxQueueDelayMs: 2.5,
      weight: 0.5,
      deadlineMs: 1000,
      runTimeoutMs: 30000,
      warmup: [{ image: [[1, 2]] }, { image: [[3, 4]] }],
      golden: [{ inputs: { image: [[1, 2]] }, outputs: { label: [3] }, tolerance: 0.5 }],
      versions: { kind: 'specific', versions: ['1', '3'] },
      deterministic: false,
      cache: { enabled: false, ttlSeconds: 60, warmupFile: 'warm/requests.jsonl' },
      pipeline: 'off',
      input: { photo: { type: 'image' } },
      output: { values: { type: 'raw' } },
      runner: {
        instances: 2,
        intraOpThreads: 4,
        interOpThreads: 2,
        graphOptimization: 'basic',
        executionProviders: ['cuda', 'cpu'],
      },
    });
  });

  it('takes 0 threads for those of the plan, never for all cores of the host', () => {
    expect(parseModelConfig('intra_op_threads: 0', 'm').runner).toEqual(DEFAULTS.runner);
  });

  it('gives a result that nobody can change', () => {
    const config = parseModelConfig('example: {x: [[1]]}\nwarmup: [{x: [2]}]', 'm');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.runner)).toBe(true);
    expect(Object.isFrozen(config.cache)).toBe(true);
    expect(Object.isFrozen(config.example?.x)).toBe(true);
    expect(Object.isFrozen(config.warmup[0])).toBe(true);
  });

  it('names the model and every fault at once, by key and without the value', () => {
    const yaml = 'max_batch_rows: s3cret\ninstances: 0\nweigth: 2\nmaxQueueDelayMs: 3\nwarmup: 1';
    expect(() => parseModelConfig(yaml, 'digits')).toThrow(/model digits.*max_batch_rows.*instances/);
    expect(() => parseModelConfig(yaml, 'digits')).toThrow(expect.not.stringContaining('s3cret') as Error);
    expect(faultsOf(yaml)).toEqual([
      'weigth: unknown key',
      'maxQueueDelayMs: unknown key, did you mean max_queue_delay_ms?',
      'max_batch_rows: must be a whole number from 1 to 65536',
      "warmup: must be a list of at most 16 mappings of the model's inputs to values",
      'instances: must be a whole number from 1 to 64',
    ]);
  });

  it.each([
    'description: [1]',
    'example: [1]',
    'batching: yes',
    'max_batch_rows: 0',
    'max_batch_rows: 1.5',
    'max_batch_rows: 65537',
    'max_batch_rows:',
    'max_queue_delay_ms: -1',
    'max_queue_delay_ms: 10001',
    'max_queue_delay_ms: .nan',
    'instances: 65',
    'weight: 0',
    'weight: -1',
    'weight: .inf',
    'intra_op_threads: -1',
    'inter_op_threads: 0',
    'graph_optimization: ALL',
    'execution_providers: cpu',
    'execution_providers: []',
    'execution_providers: [cpu, cpu]',
    'execution_providers: [CPU]',
    'deadline_ms: 0',
    'run_timeout_ms: 1e12',
    'warmup: [1]',
    'warmup: {x: 1}',
    'deterministic: 0',
    'cache: off',
    'cache: {enabled: 1}',
    'cache: {ttl: 0}',
    'cache: {ttl: 31536001}',
    'cache: {size: 1}',
    ...['""', '/etc/passwd', '../x', 'a/../../x', 'a//x', '.hidden', 'a\\x', '"a\0x"', '1'].map(
      (path) => `cache: {warmup_file: ${path}}`,
    ),
  ])('refuses %s', (yaml) => {
    expect(faultsOf(yaml)).toEqual([expect.stringMatching(`^${yaml.split(':')[0] ?? ''}: `)]);
  });

  it.each(['__proto__: {x: 1}', 'constructor: 1', 'toString: 1'])('has no key %s', (yaml) => {
    expect(faultsOf(yaml)).toEqual([expect.stringContaining('unknown key')]);
  });

  it('keeps its list of faults short', () => {
    const yaml = Array.from({ length: 100 }, (_, i) => `k${i}: 1`).join('\n');
    expect(faultsOf(yaml)).toHaveLength(21);
    expect(faultsOf(yaml).at(-1)).toBe('and 80 more');
  });
});
