import { temporaryFolder, writeModel } from './helpers/model-folder';
import { biasModel, classifierModel, identityModel, textModel } from './helpers/onnx-models';
import { TestRedis } from './helpers/redis';
import { describeWith } from './helpers/requirements-of-tests';
import { seededRandom } from './helpers/seeded-random';
import { startServer, type TestServer } from './helpers/server';
import { binaryBody, tensorBytes } from './helpers/v2-bodies';

/** Of each phase, in which the model `bias` has another content under the same name and version. */
const REQUESTS = 1000;
/** Asked at the same time: runs and hits of different requests go through each other. */
const AT_ONCE = 16;
const SEED = 20_261_122;

const below = seededRandom(SEED);
const oneOf = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
const shuffled = <T>(items: readonly T[]): T[] => {
  const left = [...items];
  return Array.from(items, () => left.splice(below(left.length), 1)[0]!);
};

type NumberType = 'FP32' | 'INT32' | 'UINT32';
type Input =
  | { name: string; shape: number[]; datatype: NumberType; data: Float32Array | Int32Array | Uint32Array }
  | { name: string; shape: number[]; datatype: 'BYTES'; data: string[] };

/** A request, apart from how it is written. */
interface Ask {
  readonly model: string;
  readonly inputs: Input[];
  readonly outputs?: string[] | undefined;
}

const floatOf = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
const ONE = 0x3f800000;
/** Bits of few numbers, so that requests come again, and close ones: neighbours, both zeros, kinds of NaN. */
const FLOAT_BITS = [0, 0x80000000, ONE, ONE + 1, 0xbf800000, 0x7f800000, 0x7fc00000, 0x7fc00001];
const TEXTS = ['', 'a', 'b', 'ab', '\u00e9', 'e\u0301', '漢', 'a\u0000'];
/** All in four bytes, so that tensors of different types have the same. */
const ARRAYS = { FP32: Float32Array, INT32: Int32Array, UINT32: Uint32Array };
const BIAS = Math.fround(0.1);
/** One after the other: the next one by a bit, by another bit, and the first one again. */
const PHASES = [BIAS, nextFloat(BIAS), -BIAS, BIAS];

function nextFloat(value: number): number {
  return floatOf(new Uint32Array(Float32Array.of(value).buffer)[0]! + 1);
}

function floats(name: string, rows: number, width: number): Input {
  const bits = Uint32Array.from({ length: rows * width }, () => oneOf(FLOAT_BITS));
  return { name, shape: [rows, width], datatype: 'FP32', data: new Float32Array(bits.buffer) };
}

/** None named, one of them, or all in any order. */
function someOf(...names: string[]): string[] | undefined {
  return oneOf([undefined, [oneOf(names)], shuffled(names)]);
}

const ASKS: readonly (() => Ask)[] = [
  () => {
    const rows = below(3);
    return {
      model: oneOf(['bias', 'twin']),
      inputs: shuffled([floats('x', rows, 2), floats('y', rows, 2)]),
      outputs: someOf('plus', 'minus'),
    };
  },
  () => ({
    model: 'classes',
    inputs: [floats('x', below(3), 3)],
    outputs: someOf('label', 'probabilities'),
  }),
  () => {
    const data = Array.from({ length: 1 + below(3) }, () => oneOf(TEXTS));
    const text: Input = { name: 'text', shape: [data.length], datatype: 'BYTES', data };
    return { model: 'text', inputs: [text], outputs: someOf('same', 'count') };
  },
  () => {
    const datatype = oneOf(['FP32', 'INT32', 'UINT32'] as const);
    const shape = oneOf([[1, 4], [2, 2], [4, 1], [4]]);
    const data = new ARRAYS[datatype](Array.from({ length: 4 }, () => below(2)));
    return { model: `same-${datatype}-${shape.length}`, inputs: [{ name: 'x', shape, datatype, data }] };
  },
];

interface Written {
  readonly path: string;
  readonly body: string | Buffer;
  readonly headers?: Record<string, string>;
}

/** The ways in which an ask can be put. The native API has no choice of outputs. */
const FORMS: readonly ((ask: Ask) => Written)[] = [
  ({ model, inputs }) => ({
    path: `/api/inference/${model}`,
    body: json(Object.fromEntries(inputs.map(({ name, shape, data }) => [name, nested([...data], shape)]))),
  }),
  ({ model, inputs, outputs }) => ({
    path: `/v2/models/${model}/infer`,
    body: json({ inputs: inputs.map((input) => ({ ...input, data: [...input.data] })), ...wanted(outputs) }),
  }),
  ({ model, inputs, outputs }) => {
    const parts = inputs.map(({ data }) => tensorBytes(data));
    const tensors = inputs.map(({ name, shape, datatype }, i) => {
      return { name, shape, datatype, parameters: { binary_data_size: parts[i]!.length } };
    });
    const { body, headerLength } = binaryBody({ inputs: tensors, ...wanted(outputs) }, parts);
    const headers = { 'inference-header-content-length': String(headerLength) };
    return { path: `/v2/models/${model}/infer`, body, headers };
  },
];

function wanted(outputs: string[] | undefined): object {
  return outputs === undefined ? {} : { outputs: outputs.map((name) => ({ name })) };
}

function nested(data: readonly unknown[], shape: readonly number[]): unknown {
  const [size = 0, ...inner] = shape;
  if (inner.length === 0) return data;
  const step = inner.reduce((product, one) => product * one, 1);
  return Array.from({ length: size }, (_, i) => nested(data.slice(i * step, (i + 1) * step), inner));
}

/** JSON that keeps the sign of zero, and has words for what is no number. */
function json(value: unknown): string {
  const zero = '"-0"';
  return JSON.stringify(value, (_, item: unknown) => {
    if (Object.is(item, -0)) return '-0';
    return typeof item === 'number' && !Number.isFinite(item) ? String(item) : item;
  }).replaceAll(zero, '-0');
}

async function answerOf(server: TestServer, { path, body, headers }: Written): Promise<Response> {
  const type = { 'content-type': 'application/json' };
  return fetch(server.url + path, { method: 'POST', body, headers: { ...type, ...headers } });
}

/** Status and body, without what is of the request and not of the answer. */
async function essence(answer: Response): Promise<string> {
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  return `${answer.status} ${text.replace(/"cached":\w+,"processing_time":[^,]+|"requestId":"[^"]+"/, '')}`;
}

describeWith('redis-server', 'cached and uncached answers', (program) => {
  const models = temporaryFolder();
  let redis: TestRedis;
  let cached: TestServer;
  let uncached: TestServer;

  beforeAll(async () => {
    for (const name of ['bias', 'twin']) writeModel(models, name, biasModel(Float32Array.of(BIAS, BIAS)));
    writeModel(models, 'classes', classifierModel());
    writeModel(models, 'text', textModel());
    for (const datatype of ['FP32', 'INT32', 'UINT32'] as const) {
      writeModel(models, `same-${datatype}-2`, identityModel(datatype, ['A', 'B']));
      writeModel(models, `same-${datatype}-1`, identityModel(datatype, ['A']));
    }
    redis = await TestRedis.start(program);
    const env = { MODEL_DIR: models, MAX_RESIDENT_MODELS: '20' };
    [cached, uncached] = await Promise.all([
      // Room for some hundred entries, so that memory misses what Redis has.
      startServer({ ...env, CACHE_ENABLED: '', CACHE_MEMORY_BYTES: '256kb', REDIS_URL: redis.url }),
      startServer({ ...env, CACHE_ENABLED: 'false' }),
    ]);
    await cached.said('Redis is connected');
  });
  afterAll(async () => {
    await Promise.all([cached.stop(), uncached.stop()]);
    await redis.kill();
  });

  it('are the same, always', async () => {
    const outcomes: Record<string, number> = {};
    const compare = async (ask: Ask, form: (ask: Ask) => Written): Promise<void> => {
      const written = form(ask);
      const [answer, run] = await Promise.all([answerOf(cached, written), answerOf(uncached, written)]);
      const [got, expected] = await Promise.all([essence(answer), essence(run)]);
      if (got !== expected) expect({ ask, written, got }).toEqual({ ask, written, got: expected });
      const outcome = answer.headers.get('x-cache') ?? String(answer.status);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    };
    let left = 0;
    const client = async (): Promise<void> => {
      while (left-- > 0) {
        const ask = oneOf(ASKS)();
        // Now and then in two ways at the same time.
        const forms = shuffled(FORMS).slice(0, below(4) === 0 ? 2 : 1);
        await Promise.all(forms.map((form) => compare(ask, form)));
      }
    };
    for (const bias of PHASES) {
      writeModel(models, 'bias', biasModel(Float32Array.of(bias, BIAS)));
      const load = (server: TestServer) => server.post('/v2/repository/models/bias/load', {});
      const loaded = await Promise.all([cached, uncached].map(load));
      expect(loaded.map(({ status }) => status)).toEqual([200, 200]);
      left = REQUESTS;
      await Promise.all(Array.from({ length: AT_ONCE }, client));
    }
    const { body } = await cached.get<{ memory: { evicted: number }; redis: { hits: number } }>('/api/cache');
    // Both tiers had their part in it, and few requests were refused.
    expect(outcomes.HIT).toBeGreaterThan(REQUESTS);
    expect(outcomes.MISS).toBeGreaterThan(100);
    expect(outcomes.SHARED).toBeGreaterThan(10);
    expect(outcomes['400'] ?? 0).toBeLessThan(REQUESTS / 2);
    expect(body.memory.evicted).toBeGreaterThan(100);
    expect(body.redis.hits).toBeGreaterThan(100);
  });
});
