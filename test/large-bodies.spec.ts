import { request, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { maximumModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const BODIES = 10;
const BODY_BYTES = 20_000_000;
/** Bytes in one piece of a chunked upload. */
const PIECE_BYTES = 1_000_000;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: { outputs?: { data: number[] }[]; result?: { y: number }; error?: string };
}
interface Upload {
  /** Settles once the whole body is on its way. */
  readonly sent: Promise<void>;
  readonly answer: Promise<Answer>;
}

describe('large JSON bodies', () => {
  const models = temporaryFolder();
  let server: TestServer;
  const start = async (env: Record<string, string> = {}): Promise<void> => {
    server = await startServer({ MODEL_DIR: models, INFERENCE_DEADLINE_MS: '90000', ...env });
  };
  beforeAll(() => writeModel(models, 'maximum', maximumModel()));
  afterEach(() => server.remove());

  it('are answered right, all at once, while probes are answered among them', async () => {
    await start();
    const uploads = Array.from({ length: BODIES }, (_, index) => upload(server, bodyWith(100 + index)));
    let open = BODIES;
    const answers = uploads.map(({ answer }) => answer.finally(() => open--));
    const probes: number[] = [];
    const probing = (async () => {
      while (open > 0) probes.push((await server.get('/api/health/live')).status);
    })();
    await Promise.all(uploads.map(({ sent }) => sent));
    await server.get('/api/health/live');
    // All bodies are there, and the probe did not wait for them.
    expect(open).toBeGreaterThan(0);
    const results = await Promise.all(answers);
    expect(results.map(maximumOf)).toEqual(uploads.map((_, index) => 100 + index));
    await probing;
    expect(new Set(probes)).toEqual(new Set([200]));
  });

  it('come in chunks of unknown number as well, and by the native API', async () => {
    await start();
    const uploads = ['V2', 'native'].map((protocol, index) =>
      upload(server, bodyWith(7 + index, protocol), { chunked: true }),
    );
    expect((await Promise.all(uploads.map(({ answer }) => answer))).map(maximumOf)).toEqual([7, 8]);
  });

  it.each([false, true])(
    'are refused beyond the memory that they may hold, to come again (chunked: %s)',
    async (chunked) => {
      await start({ LARGE_BODY_MEMORY: '30mb' });
      const once = (index: number): Promise<Answer> =>
        upload(server, bodyWith(100 + index), { chunked }).answer;
      const indexes = [0, 1, 2, 3];
      const first = await Promise.all(indexes.map(once));
      const refused = first.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(indexes.length);
      for (const { status, headers, body } of refused) {
        expect([status, headers['retry-after'], body.error]).toEqual([
          503,
          '1',
          expect.stringContaining('LARGE_BODY_MEMORY'),
        ]);
      }
      for (const index of indexes) {
        let answer = first[index];
        // One at a time there is room for each, as soon as the last one's memory is given back.
        while (answer === undefined || answer.status === 503) {
          await sleep(10);
          answer = await once(index);
        }
        expect(maximumOf(answer)).toBe(100 + index);
      }
    },
  );
});

interface Body {
  readonly path: string;
  readonly bytes: Buffer;
}

/** About twenty megabytes of halves, with one element that is larger. */
function bodyWith(largest: number, protocol = 'V2'): Body {
  const elements = Buffer.alloc(BODY_BYTES, '0.5,');
  elements.write(`${largest}`.padEnd(3, ' '), BODY_BYTES / 2);
  // The last comma gives way to the end.
  const values = elements.subarray(0, -1);
  const shape = [BODY_BYTES / 4];
  const [path, head, tail] =
    protocol === 'V2'
      ? [
          '/v2/models/maximum/infer',
          `{"inputs":[{"name":"x","shape":${JSON.stringify(shape)},"datatype":"FP32","data":[`,
          ']}]}',
        ]
      : ['/api/inference/maximum', '{"x":[', ']}'];
  return { path, bytes: Buffer.concat([Buffer.from(head), values, Buffer.from(tail)]) };
}

function maximumOf({ status, body }: Answer): number | string | undefined {
  if (status !== 200) return `${status} ${JSON.stringify(body)}`;
  return body.outputs?.[0]?.data[0] ?? body.result?.y;
}

function upload({ port }: TestServer, { path, bytes }: Body, { chunked = false } = {}): Upload {
  const headers = {
    'content-type': 'application/json',
    ...(chunked ? {} : { 'content-length': bytes.length }),
  };
  const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
  const answer = new Promise<Answer>((resolve, reject) => {
    // After a refusal the server may close the connection on what is still being sent.
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', reject);
      response.on('end', () => {
        const body = JSON.parse(text) as Answer['body'];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        sent.destroy();
      });
    });
  });
  const whole = new Promise<void>((resolve) => sent.once('finish', resolve));
  if (chunked) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) sent.write(bytes.subarray(at, at + PIECE_BYTES));
    sent.end();
  } else {
    sent.end(bytes);
  }
  return { sent: whole, answer };
}
