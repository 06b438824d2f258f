import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { startServer, type TestServer } from './helpers/server';

const GOOD = { features: [[5.1, 3.5, 1.4, 0.2]] };

describe('bad input', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ BODY_LIMIT: '1mb', HEADERS_TIMEOUT_MS: '1000', REQUEST_TIMEOUT_MS: '2000' });
  });
  afterAll(() => server.stop());
  // Whatever came before, the next good request works.
  afterEach(async () => {
    expect((await server.post('/api/inference/iris', GOOD)).status).toBe(200);
  });

  /** Sends raw bytes; resolves with what came back when the server closes the connection. */
  function raw(send: (socket: Socket) => void): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(server.port, '127.0.0.1', () => send(socket));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }

  const head = (headers: string): string =>
    `POST /api/inference/iris HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`;

  it('bounds the depth of JSON', async () => {
    const { status, body } = await server.post('/api/inference/iris', '['.repeat(100_000));
    expect([status, body.code]).toEqual([400, 'invalid_json']);
  });

  it('refuses a body over the limit before it is read, and one that grows beyond it', async () => {
    const declared = await raw((socket) => socket.write(head('content-length: 99999999')));
    expect(declared).toMatch(/^HTTP\/1.1 413 /);
    expect(declared).toContain('BODY_LIMIT');
    const { status, body } = await server.post('/api/inference/iris', ' '.repeat(2 ** 20 + 1));
    expect([status, body.code]).toEqual([413, 'body_too_large']);
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const chunked = await raw((socket) =>
      socket.write(head('transfer-encoding: chunked') + chunk.repeat(20)),
    );
    expect(chunked).toMatch(/^HTTP\/1.1 413 /);
  });

  it('refuses what decompresses beyond the limit, and what does not decompress', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 2 ** 20));
    const large = await server.post('/api/inference/iris', bomb, { 'content-encoding': 'gzip' });
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    const broken = await server.post('/api/inference/iris', 'not gzip', { 'content-encoding': 'gzip' });
    expect([broken.status, broken.body.code]).toEqual([400, 'invalid_request']);
    const good = gzipSync(JSON.stringify(GOOD));
    expect((await server.post('/api/inference/iris', good, { 'content-encoding': 'gzip' })).status).toBe(200);
  });

  it('answers a body that never ends, headers that never end, and broken HTTP', async () => {
    const [body, headers, nonsense] = await Promise.all([
      raw((socket) => socket.write(`${head('content-length: 100')}{"features"`)),
      raw((socket) => socket.write('POST /api/inference/iris HTTP/1.1\r\nhost: localhost\r\n')),
      raw((socket) => socket.write('\u0001\u0002 what\r\n\r\n')),
    ]);
    expect(body).toMatch(/^HTTP\/1.1 408 /);
    expect(headers).toMatch(/^HTTP\/1.1 408 /);
    expect(nonsense).toMatch(/^HTTP\/1.1 400 /);
    expect(nonsense).toContain('"code":"invalid_request"');
  });

  it('refuses headers that are too large', async () => {
    const answer = await raw((socket) => socket.write(head(`x-large: ${'a'.repeat(20_000)}`)));
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
  });

  it('survives 200 clients at once that leave in the middle, and gives everything back', async () => {
    const worker = server.workers()[0] ?? 0;
    const handles = (): number => readdirSync(`/proc/${worker}/fd`).length;
    const before = handles();
    const large = `${head('content-length: 900000')}{"features": [${'1,'.repeat(100_000)}`;
    const complete = `${head(`content-length: ${JSON.stringify(GOOD).length}`)}${JSON.stringify(GOOD)}`;
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        raw((socket) => socket.write(i % 2 === 0 ? large : complete, () => socket.destroy())),
      ),
    );
    expect((await server.post('/api/inference/iris', GOOD)).status).toBe(200);
    // The kernel tells the server of a closed connection a moment after the client.
    await server.until('it has let go of them', () => handles() <= before + 5);
  });

  it('answers 200 bad requests at once, each for itself', async () => {
    const bad = [
      '{',
      '{"features": [[1]]}',
      '{"features": "x"}',
      '{"nobody": 1}',
      '[]]',
      'null',
      '{"features":[1e999,1,1,1]}',
    ];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => server.post('/api/inference/iris', bad[i % bad.length])),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
  });

  it('keeps tensor data out of its logs', async () => {
    await server.post('/api/inference/iris', { features: [[987654.25, 1, 1, 1]] });
    await server.post('/api/inference/iris', '{"features": [[987654.25, "x"');
    const access = readFileSync(`${server.logDir}/access.log`, 'utf8');
    expect(access).toContain('"path":"/api/inference/iris"');
    expect(access + server.output).not.toContain('987654');
  });
});
