import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const REQUESTS = 160;
const AT_ONCE = 24;
/** Of small requests the memory is not used again, of large ones it is, up to what the pool may keep. */
const LARGEST_COLUMNS = 40_000;

interface V2Answer {
  readonly outputs: readonly { readonly data: number[] }[];
}

/** Values that no other request has. */
function valuesOf(request: number): number[] {
  const columns = 1 + ((request * 7919) % LARGEST_COLUMNS);
  return Array.from({ length: columns }, (_, i) => request * 65_536 + (i % 65_536));
}

describe('memory that requests use after one another', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'same', identityModel('FP32', ['N', 'C']));
    server = await startServer({ MODEL_DIR: models, CACHE_ENABLED: 'false', BUFFER_POOL_MEMORY: '300kb' });
  });
  afterAll(() => server.remove());

  /** @param alignment bytes that the JSON part is lengthened by, so that binary data begins at any offset */
  function bodyOf(
    values: readonly number[],
    alignment: number,
  ): { body: Buffer; headers: Record<string, string> } {
    const input = { name: 'x', shape: [1, values.length], datatype: 'FP32' };
    if (alignment < 0) {
      const body = Buffer.from(JSON.stringify({ inputs: [{ ...input, data: values }] }));
      return { body, headers: { 'content-type': 'application/json' } };
    }
    const data = Buffer.from(Float32Array.from(values).buffer);
    const parameters = { binary_data_size: data.length };
    const json = Buffer.from(JSON.stringify({ inputs: [{ ...input, parameters }] }) + ' '.repeat(alignment));
    return {
      body: Buffer.concat([json, data]),
      headers: { 'inference-header-content-length': String(json.length) },
    };
  }

  async function ask(request: number): Promise<void> {
    const values = valuesOf(request);
    const { body, headers } = bodyOf(values, (request % 6) - 1);
    // Every tenth client leaves in the middle of it.
    const signal = request % 10 === 0 ? AbortSignal.timeout(request % 7) : undefined;
    const url = `${server.url}/v2/models/same/infer`;
    const answer = await fetch(url, { method: 'POST', body, headers, signal }).catch((error: unknown) => {
      if (signal?.aborted === true) return undefined;
      throw error;
    });
    if (answer === undefined) return;
    expect(answer.status).toBe(200);
    const text = await answer.text().catch(() => undefined);
    if (text === undefined && signal?.aborted === true) return;
    const { outputs } = JSON.parse(text ?? '') as V2Answer;
    // A string, as a difference of forty thousand numbers would take Jest minutes to print.
    expect(String(outputs[0]?.data) === String(values)).toBe(true);
  }

  it('never holds the values of another one', async () => {
    let next = 1;
    const client = async (): Promise<void> => {
      while (next <= REQUESTS) await ask(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    expect((await server.get('/api/health/live')).status).toBe(200);
  });
});
