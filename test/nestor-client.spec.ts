import { execFileSync } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type * as Client from '../packages/client/src/index';
import { startServer, type TestServer } from './helpers/server';

const PACKAGE = join(__dirname, '..', 'packages', 'client');
const IRIS = [[5.1, 3.5, 1.4, 0.2]];

let client: typeof Client;
beforeAll(() => {
  execFileSync(process.execPath, [join(PACKAGE, 'build.js')]);
  client = jest.requireActual<typeof Client>(PACKAGE);
}, 120_000);

describe('the client and a real server', () => {
  let server: TestServer;
  let nestor: Client.Nestor;
  beforeAll(async () => {
    server = await startServer({ CACHE_ENABLED: 'true' });
    nestor = new client.Nestor(server.url);
  });
  afterAll(() => server.stop());

  it('infers from nested arrays', async () => {
    const answer = await nestor.infer('iris', { features: IRIS });
    expect(answer).toMatchObject({ model: 'iris', version: '1', outputs: { label: [0] } });
    expect(await nestor.infer('iris', { features: IRIS }, { outputs: ['label'] })).toMatchObject({
      outputs: { label: [0] },
      cached: true,
    });
    expect((await nestor.infer('iris', { features: IRIS }, { cache: false })).cached).toBe(false);
  });

  it('infers from typed arrays, in binary, to the same numbers', async () => {
    const features = new client.Tensor(new Float32Array(IRIS.flat()), [1, 4]);
    const { outputs } = await nestor.infer('iris', { features }, { version: '1' });
    const { label, probabilities } = outputs as Record<string, Client.Tensor>;
    expect(label).toMatchObject({ datatype: 'INT64', shape: [1], data: new BigInt64Array([0n]) });
    const json = await nestor.infer('iris', { features: IRIS }, { cache: false });
    const printed = (json.outputs as { probabilities: number[][] }).probabilities[0]!;
    expect(probabilities?.data).toEqual(new Float32Array(printed));
  });

  it('lists models and tells whether the server is ready', async () => {
    expect((await nestor.models()).map(({ name }) => name)).toEqual(['digits', 'iris']);
    expect(await nestor.ready()).toBe(true);
  });

  it('throws what the server says, with its code and the id for its log', async () => {
    const wrong = nestor.infer('iris', { features: [[1, 2, 3]] });
    await expect(wrong).rejects.toBeInstanceOf(client.NestorError);
    await expect(wrong).rejects.toMatchObject({ status: 400, code: 'shape_mismatch' });
    await expect(wrong).rejects.toMatchObject({ requestId: expect.stringMatching(/./) as string });
    await expect(nestor.infer('irsi', { x: [1] })).rejects.toMatchObject({ status: 404 });
  });

  it('is imported as an ES module, too', () => {
    const program = `
      import { Nestor } from ${JSON.stringify(join(PACKAGE, 'dist', 'esm', 'index.js'))};
      const { outputs } = await new Nestor(${JSON.stringify(server.url)}).infer('iris', { features: ${JSON.stringify(IRIS)} });
      console.log(outputs.label[0]);`;
    const args = ['--input-type=module', '--eval', program];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe('0');
  });
});

describe('the client and a server that fails', () => {
  let server: Server;
  let calls: number;
  let nestor: Client.Nestor;

  async function answering(
    listener: (call: number, ...rest: Parameters<RequestListener>) => void,
  ): Promise<void> {
    calls = 0;
    server = createServer((req, res) => listener(++calls, req, res)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    nestor = new client.Nestor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const RESULT = JSON.stringify({ result: { y: 1 }, cached: false, version: '1' });

  it.each([429, 503])('asks again after %i, when the server says', async (status) => {
    await answering((call, req, res) => {
      if (call === 1) res.writeHead(status, { 'retry-after': '0' }).end('{}');
      else res.end(RESULT);
    });
    expect((await nestor.infer('m', { x: 1 })).outputs).toEqual({ y: 1 });
    expect(calls).toBe(2);
  });

  it('asks again when the connection dies, also in the middle of an answer', async () => {
    await answering((call, req, res) => {
      if (call === 1) req.socket.destroy();
      else if (call === 2)
        res.writeHead(200, { 'content-length': '1000' }).write('{"res', () => res.destroy());
      else res.end(RESULT);
    });
    expect((await nestor.infer('m', { x: 1 })).outputs).toEqual({ y: 1 });
    expect(calls).toBe(3);
  });

  it('gives up after its retries, and at once where asking again cannot help', async () => {
    await answering((call, req, res) => {
      res
        .writeHead(req.url?.includes('bad') ? 400 : 503, { 'retry-after': '0' })
        .end('{"code":"overloaded"}');
    });
    await expect(nestor.infer('m', { x: 1 })).rejects.toMatchObject({ status: 503, code: 'overloaded' });
    expect(calls).toBe(4);
    await expect(nestor.infer('bad', { x: 1 })).rejects.toMatchObject({ status: 400 });
    expect(calls).toBe(5);
  });

  it('ends at its deadline, of which the server is told, and when it is told to', async () => {
    let told: string | undefined;
    await answering((call, req) => (told = String(req.headers['x-request-timeout-ms'])));
    await expect(nestor.infer('m', { x: 1 }, { timeoutMs: 80 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    expect(Number(told)).toBeLessThanOrEqual(80);
    const leaving = new AbortController();
    const call = nestor.infer('m', { x: 1 }, { signal: leaving.signal });
    leaving.abort(new Error('no longer wanted'));
    await expect(call).rejects.toThrow('no longer wanted');
  });

  it('does not wait for a pause that is longer than its time', async () => {
    await answering((call, req, res) => res.writeHead(503, { 'retry-after': '60' }).end('{}'));
    await expect(nestor.infer('m', { x: 1 }, { timeoutMs: 5000 })).rejects.toMatchObject({ status: 503 });
    expect(calls).toBe(1);
  });

  it('says so where the answer is not JSON', async () => {
    await answering((call, req, res) => res.end('<html>a page of a proxy</html>'));
    await expect(nestor.infer('m', { x: 1 })).rejects.toMatchObject({ status: 200, code: 'bad_answer' });
  });
});

describe('a tensor', () => {
  it('refuses a shape that its data does not fill, and arrays that are not typed', () => {
    expect(() => new client.Tensor(new Float32Array(3), [2, 2])).toThrow(
      'The shape [2, 2] has 4 elements, the data 3.',
    );
    expect(() => new client.Tensor(new DataView(new ArrayBuffer(1)) as never, [1])).toThrow(TypeError);
  });

  it('carries texts', () => {
    const texts = ['', 'a', 'ü€😀'];
    const bytes = new client.Tensor(texts, [3]).toBytes();
    expect(client.Tensor.fromBytes(bytes, [3], 'BYTES').data).toEqual(texts);
  });
});
