import { Agent, request } from 'node:http';
import { deflateSync, gzipSync } from 'node:zlib';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, classifierModel, identityModel, textModel } from './helpers/onnx-models';
import { seededRandom } from './helpers/seeded-random';
import { startServer, type TestServer } from './helpers/server';
import { binaryBody, tensorBytes } from './helpers/v2-bodies';

/** How many requests, and from which seed; `HTTP_FUZZ_RUNS` and `HTTP_FUZZ_SEED` for others. */
const RUNS = Number(process.env.HTTP_FUZZ_RUNS ?? 3000);
const SEED = Number(process.env.HTTP_FUZZ_SEED ?? 20_261_122);
/** What is not answered by then hangs. */
const ANSWER_MS = 20_000;
const AT_ONCE = 8;

interface Sent {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const LENGTH = 'inference-header-content-length';
const X = { name: 'x', shape: [2, 2], datatype: 'FP32' };
const json = (path: string, body: unknown): Sent => ({
  path,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});
const binary = (path: string, head: unknown, parts: Buffer[]): Sent => {
  const { body, headerLength } = binaryBody(head, parts);
  return { path, headers: { 'content-type': 'application/octet-stream', [LENGTH]: `${headerLength}` }, body };
};
const floats = tensorBytes(Float32Array.of(1, 2, 3, 4));

/** Good requests, from which the others are made. */
const SEEDS: readonly Sent[] = [
  json('/v2/models/identity/infer', { id: '1', inputs: [{ ...X, data: [1, 2.5, -3e-7, 4] }] }),
  json('/v2/models/add/versions/1/infer', {
    parameters: { priority: 3, timeout: 5_000_000, binary_data_output: true },
    inputs: ['a', 'b'].map((name) => ({
      ...X,
      name,
      data: [
        [1, 2],
        [3, 4],
      ],
    })),
    outputs: [{ name: 'sum', parameters: { binary_data: false } }],
  }),
  json('/v2/models/text/infer', {
    inputs: [{ name: 'text', shape: [2], datatype: 'BYTES', data: ['né\n', ''] }],
  }),
  json('/v2/models/int64/infer', {
    inputs: [{ name: 'x', shape: [3], datatype: 'INT64', data: [0, '1', -5] }],
  }),
  binary('/v2/models/identity/infer', { inputs: [{ ...X, parameters: { binary_data_size: 16 } }] }, [floats]),
  binary(
    '/v2/models/text/infer',
    {
      inputs: [{ name: 'text', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 12 } }],
      outputs: [{ name: 'same', parameters: { binary_data: true } }],
    },
    [tensorBytes(['né\n', ''])],
  ),
  {
    path: '/v2/models/classifier/infer',
    headers: { [LENGTH]: '0' },
    body: tensorBytes(Float32Array.of(1, 2, 3)),
  },
  json('/api/inference/identity?use_cache=false', {
    x: [
      [1, 2],
      [3, 'NaN'],
    ],
  }),
  json('/api/inference/classifier', [[1, 2, 3]]),
];

const TOKENS = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '-1',
  '0',
  '1e999',
  '9'.repeat(20),
  'null',
  'true',
  '"data"',
];
const MORE_TOKENS = [
  '"shape"',
  '"inputs"',
  '\\u',
  '\\ud800',
  'NaN',
  '4294967296',
  '"binary_data_size":',
  '\0',
];
const WORDS = [...TOKENS, ...MORE_TOKENS].map((text) => Buffer.from(text));
const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  [LENGTH, ['-1', '0', '1', '1e3', '99999999999999999999', '0x10', '', ' 12', '18446744073709551616']],
  ['content-type', ['text/plain', 'application/json; charset=latin1', 'multipart/form-data', ';', '*/*']],
  ['content-encoding', ['gzip', 'deflate', 'br', 'identity', 'gzip, gzip', 'x']],
  ['accept-encoding', ['gzip', 'deflate;q=0.1', '*;q=0', 'gzip;q=x', ',,,']],
  ['accept', ['text/html', '*/*', 'application/json;q=0', 'q']],
  ['x-request-id', ['a'.repeat(5000), '"', '\u00ff']],
  ['x-request-priority', ['-1', '256', 'high', '']],
  ['x-request-timeout-ms', ['-1', '0', '1e9', 'soon', '60000']],
  ['cache-control', ['no-store', 'no-cache', 'x'.repeat(1000)]],
];

type Random = (below: number) => number;
const pick = <Value>(random: Random, values: readonly Value[]): Value => values[random(values.length)]!;

function mutatedBytes(given: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(given);
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const cut = random(Math.min(24, after.length + 1));
    const put = [Buffer.of(random(256)), pick(random, WORDS), after.subarray(0, cut), Buffer.alloc(0)];
    bytes = Buffer.concat([before, pick(random, put), after.subarray(pick(random, [0, 1, cut]))]);
  }
  return bytes;
}

function mutated({ path, headers, body }: Sent, random: Random): Sent {
  const sent = { ...headers };
  let bytes = mutatedBytes(body, random);
  if (random(5) === 0) {
    const [coding, pack] = pick(random, [['gzip', gzipSync] as const, ['deflate', deflateSync] as const]);
    sent['content-encoding'] = coding;
    // Now and then something that grows to 4 MB, or is damaged on its way.
    bytes = pack(random(20) === 0 ? Buffer.alloc(4_000_000, random(256)) : bytes);
    if (random(3) === 0) bytes = mutatedBytes(bytes, random);
  }
  if (random(4) === 0) {
    const [name, values] = pick(random, HEADERS);
    sent[name] = pick(random, values);
  }
  if (random(6) === 0) sent[LENGTH] = String(random(bytes.length + 9));
  const to =
    random(30) === 0
      ? `${path}${encodeURIComponent(mutatedBytes(body, random).toString('latin1', 0, 20))}`
      : path;
  return { path: to, headers: sent, body: bytes };
}

describe('mutated requests over HTTP', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'identity', identityModel('FP32'));
    writeModel(models, 'add', addModel());
    writeModel(models, 'text', textModel());
    writeModel(models, 'int64', identityModel('INT64', ['N']));
    writeModel(models, 'classifier', classifierModel());
    server = await startServer({
      MODEL_DIR: models,
      BODY_LIMIT: '2mb',
      LOG_LEVEL: 'fatal',
      ACCESS_LOG: 'false',
    });
  });

  it(
    `are all answered, and none is the server's fault (${RUNS} from seed ${SEED})`,
    async () => {
      const workers = server.workers();
      const random = seededRandom(SEED);
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
      const outcomes = { taken: 0, refused: 0 };
      let left = RUNS;
      const askOn = async (): Promise<void> => {
        while (left-- > 0) {
          const sent = mutated(pick(random, SEEDS), random);
          const answer = await ask(server.port, agent, sent);
          const { status, text } = answer;
          // A mutated deadline may be too short to keep, and says so.
          const late = status === 504 && text.includes('deadline');
          const fine =
            late || status === 200 || (status >= 400 && status < 500 && /"(error|message)":"./.test(text));
          if (!fine) {
            const how = `${sent.path} ${JSON.stringify(sent.headers)} ${sent.body.toString('base64')}`;
            throw new Error(`${status} ${text.slice(0, 500)} for ${how.slice(0, 3000)}`);
          }
          if (status < 400) outcomes.taken++;
          else outcomes.refused++;
        }
      };
      try {
        await Promise.all(Array.from({ length: AT_ONCE }, askOn));
      } finally {
        agent.destroy();
      }
      // A fuzz that takes or refuses everything tests nothing.
      expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(RUNS / 20);
      expect(server.workers()).toEqual(workers);
      expect((await server.get('/api/health/ready')).status).toBe(200);
    },
    ANSWER_MS + RUNS * 20,
  );
});

function ask(
  port: number,
  agent: Agent,
  { path, headers, body }: Sent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      agent,
      path,
      method: 'POST',
      headers,
      timeout: ANSWER_MS,
    });
    sent.on('timeout', () => sent.destroy(new Error(`No answer within ${ANSWER_MS} ms.`)));
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.setHeader('content-length', body.length);
    sent.end(body);
  });
}
