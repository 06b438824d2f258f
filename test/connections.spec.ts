import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const KEY = 'a-key-of-at-least-sixteen-characters';
const GOOD = JSON.stringify({ features: [[5.1, 3.5, 1.4, 0.2]] });
const BODY_LIMIT = 2 ** 20;

/** Sends bytes; resolves with all that came back when the server closes the connection. */
function raw(port: number, send: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => send(socket));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      // The server waits a while for who may go on sending.
      if (answer.includes('connection: close') && answer.endsWith('}')) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

/** A POST without its body. */
function head(path: string, ...headers: string[]): string {
  const all = [
    'host: localhost',
    `authorization: Bearer ${KEY}`,
    'content-type: application/json',
    ...headers,
  ];
  return `POST ${path} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`;
}

/** The body of the last answer. */
function bodyOf(answer: string): Record<string, unknown> {
  return JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n'))) as Record<string, unknown>;
}

describe('what Node would answer by itself', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      API_KEY: KEY,
      BODY_LIMIT: String(BODY_LIMIT),
      HEADERS_TIMEOUT_MS: '1000',
      REQUEST_TIMEOUT_MS: '2000',
    });
  });
  afterAll(() => server.remove());
  const sent = (text: string): Promise<string> => raw(server.port, (socket) => socket.write(text));

  const native = '/api/inference/iris';
  const chunked = head(native, 'transfer-encoding: chunked', 'x-request-id: mine');
  const withLength = head(native, 'content-length: 500', 'x-request-id: mine');

  it.each<[string, string, number, string, string]>([
    ['a request without Host', `GET ${native} HTTP/1.1\r\n\r\n`, 400, 'invalid_request', 'Host'],
    [
      'another expectation',
      head(native, 'expect: pie', 'content-length: 9'),
      417,
      'expectation_failed',
      'pie',
    ],
    [
      'a body that is packed below its chunks',
      `${chunked.replace('chunked', 'gzip, chunked')}5\r\nhello\r\n0\r\n\r\n`,
      501,
      'unsupported_transfer_coding',
      '"gzip, chunked"',
    ],
    [
      'the same in two headers',
      `${chunked.replace('transfer', 'transfer-encoding: x\r\ntransfer')}`,
      501,
      'unsupported_transfer_coding',
      '"x, chunked"',
    ],
    ['a broken chunk', `${chunked}zz\r\n`, 400, 'invalid_request', 'not valid HTTP'],
    [
      'a chunk with endless extensions',
      `${chunked}1;${'x'.repeat(20_000)}`,
      413,
      'body_too_large',
      'extensions',
    ],
    ['a body that does not come', withLength, 408, 'body_timeout', 'REQUEST_TIMEOUT_MS'],
    ['headers that have no end', 'GET / HTTP/1.1\r\nhost: a\r\n', 408, 'body_timeout', 'HEADERS_TIMEOUT_MS'],
    ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n', 405, 'method_not_allowed', 'proxy'],
  ])('refuses %s in words', async (_, text, status, code, reason) => {
    const answer = await sent(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    const id = /^x-request-id: (.*)\r$/im.exec(answer)?.[1];
    expect(bodyOf(answer)).toEqual({
      statusCode: status,
      code,
      message: expect.stringContaining(reason) as string,
      requestId: id,
    });
    if (text.includes('x-request-id')) expect(id).toBe('mine');
  });

  it("words the same in the other protocol's way", async () => {
    const v2 = head('/v2/models/iris/infer', 'transfer-encoding: chunked');
    expect(bodyOf(await sent(`${v2}zz\r\n`))).toEqual({ error: 'The request is not valid HTTP.' });
    const noHost = 'GET /v2/health/live HTTP/1.1\r\n\r\n';
    expect(bodyOf(await sent(noHost))).toEqual({ error: 'The header Host is missing.' });
  });

  it('answers what came before before it refuses what is no request', async () => {
    const answer = await sent(`${head(native, `content-length: ${GOOD.length}`)}${GOOD}no HTTP\r\n\r\n`);
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  it('answers a client that sends no more, and refuses what it did not send to its end', async () => {
    const good = head(native, `content-length: ${GOOD.length}`) + GOOD;
    const answer = await raw(server.port, (socket) => socket.end(good));
    expect(answer).toMatch(/^(HTTP\/1.1 100 Continue\r\n\r\n)*HTTP\/1.1 200 /);
    expect(bodyOf(answer)).toHaveProperty('result');
    const three = await raw(server.port, (socket) => socket.end(good.repeat(3)));
    expect(three.match(/HTTP\/1.1 200 /g)).toHaveLength(3);
    const truncated = await raw(server.port, (socket) => socket.end(`${withLength}{"features":`));
    expect([truncated.slice(0, 12), bodyOf(truncated).code]).toEqual(['HTTP/1.1 400', 'body_truncated']);
  });

  it.each<[string, string, number]>([
    ['an unknown path', head('/api/nothing', 'content-length: 9'), 404],
    ['an unknown model', head('/api/inference/nobody', 'content-length: 9'), 404],
    ['an unknown version', head('/v2/models/iris/versions/77/infer', 'content-length: 9'), 404],
    ['a body over the limit', head(native, `content-length: ${BODY_LIMIT + 1}`), 413],
    ['a setting over its limit', head('/v2/repository/index', `content-length: ${BODY_LIMIT}`), 413],
    [
      'a body of a kind that is not read',
      head('/v2/models/iris/infer', 'content-length: 9').replace('/json', '/pdf'),
      415,
    ],
    ['a wrong credential', head(native, 'content-length: 9').replace(KEY, 'another-one'), 401],
  ])('refuses %s before the body that waits to be asked for', async (_, request, status) => {
    const answer = await sent(request.replace('\r\n\r\n', '\r\nexpect: 100-continue\r\n\r\n'));
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    // Whether the body comes now nobody but the client knows.
    expect(answer).toMatch(/^connection: close\r$/im);
  });

  it.each(['null', '', '{}'])('lists the repository for the body %j', async (body) => {
    for (const type of ['application/json', 'application/octet-stream']) {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': type };
      const answer = await server.post('/v2/repository/index', body, headers);
      expect([type, answer.status, Array.isArray(answer.body)]).toEqual([type, 200, true]);
    }
  });

  it.each(['/api/inference/NAME', '/v2/models/NAME/infer', '/v2/models/iris/versions/NAME/infer', '/NAME'])(
    'repeats no more of %s than a message is for',
    async (path) => {
      const long = path.replace('NAME', 'x'.repeat(7000));
      const { status, body } = await server.post(long, '{}', { authorization: `Bearer ${KEY}` });
      expect(status).toBe(404);
      expect(JSON.stringify(body).length).toBeLessThan(400);
    },
  );

  it('compresses no tensors, which hardly become smaller, and JSON where it is asked for', async () => {
    const inputs = [{ name: 'features', shape: [300, 4], datatype: 'FP32', data: Array(1200).fill(1) }];
    const codings = [true, false].map(async (binary) => {
      const body = { inputs, parameters: { binary_data_output: binary } };
      const headers = { authorization: `Bearer ${KEY}`, 'accept-encoding': 'gzip, deflate' };
      return (await server.post('/v2/models/iris/infer', body, headers)).headers.get('content-encoding');
    });
    expect(await Promise.all(codings)).toEqual([null, 'gzip']);
  });

  it.each([native, '/v2/repository/index'])('asks for a body that %s is going to read', async (path) => {
    const body = path === native ? GOOD : '{}';
    const answer = await raw(server.port, (socket) => {
      socket.write(head(path, 'expect: 100-continue', 'connection: close', `content-length: ${body.length}`));
      socket.once('data', () => socket.write(body));
    });
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  });
});

describe('clients that cost memory', () => {
  const ANSWER_BYTES = 16_000_000;
  const MEMORY_BYTES = 4 * ANSWER_BYTES + 2_000_000;
  const CLIENTS = 8;
  const models = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    writeModel(models, 'same', identityModel('FP32', ['N', 'C']));
    server = await startServer({
      MODEL_DIR: models,
      LARGE_BODY_MEMORY: String(MEMORY_BYTES),
      // All clients have come before the first is closed, on a slow machine as well: that is after two such times.
      RESPONSE_TIMEOUT_MS: '4000',
      BUFFER_POOL_MEMORY: '0',
    });
  });
  afterAll(() => server.remove());

  function request(sizeBytes: number): Buffer {
    const shape = [1, sizeBytes / 4];
    const input = { name: 'x', shape, datatype: 'FP32', parameters: { binary_data_size: sizeBytes } };
    const json = JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } });
    const headers = `inference-header-content-length: ${json.length}\r\ncontent-length: ${json.length + sizeBytes}`;
    const start = `POST /v2/models/same/infer HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n${json}`;
    return Buffer.concat([Buffer.from(start), Buffer.alloc(sizeBytes)]);
  }

  /** Sends a request and takes the first bytes of the answer, and nothing more until it is told to. */
  async function begin(bytes: Buffer): Promise<{ socket: Socket; status: number }> {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'readable');
    const start = (socket.read(12) as Buffer).toString();
    return { socket, status: Number(start.slice(9)) };
  }

  /** What the worker holds, or held at most. */
  function residentBytes(what: 'VmRSS' | 'VmHWM'): number {
    const [worker] = server.workers();
    const status = readFileSync(`/proc/${worker}/status`, 'utf8');
    return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  }

  it('may send what becomes large, which counts as that while it does', async () => {
    const before = residentBytes('VmRSS');
    const packed = gzipSync(Buffer.alloc(20_000_000, ' '));
    expect(packed.length).toBeLessThan(20_000);
    const answers = Array.from({ length: 40 }, () =>
      server.post('/v2/models/same/infer', packed, { 'content-encoding': 'gzip' }),
    );
    const statuses = new Set((await Promise.all(answers)).map(({ status }) => status));
    expect(statuses).toEqual(new Set([400, 503]));
    // Memory that grows is there twice for as long as it is copied, and what has gone until it is collected; all of
    // them together would be twelve times that.
    expect(residentBytes('VmHWM') - before).toBeLessThan(4 * MEMORY_BYTES);
    const { status } = await server.post('/v2/models/same/infer', packed, { 'content-encoding': 'gzip' });
    expect(status).toBe(400);
  });

  it('hold no more than their memory where they do not read, are refused beyond it, closed in time, and keep nobody else waiting', async () => {
    const large = request(ANSWER_BYTES);
    const before = residentBytes('VmRSS');
    const clients: Awaited<ReturnType<typeof begin>>[] = [];
    for (let i = 0; i < CLIENTS; i++) clients.push(await begin(large));
    const statuses = clients.map(({ status }) => status);
    expect(statuses.slice(0, 4)).toEqual([200, 200, 200, 200]);
    expect(new Set(statuses.slice(4))).toEqual(new Set([503]));
    // What is held, what the request under way takes besides, and room for the runtime's own.
    expect(residentBytes('VmRSS') - before).toBeLessThan(MEMORY_BYTES + 6 * ANSWER_BYTES);
    expect((await begin(request(400))).status).toBe(200);

    const unread = clients.slice(0, 4);
    await server.until('they are closed', async () => {
      const { body } = await server.get<string>('/metrics');
      return /^nestor_http_unread_answers_total 4$/m.test(body);
    });
    for (const { socket } of unread) {
      let taken = 12;
      for await (const piece of socket) taken += (piece as Buffer).length;
      expect(taken).toBeLessThan(ANSWER_BYTES);
    }
    const whole = await begin(large);
    expect(whole.status).toBe(200);
    let taken = 12;
    for await (const piece of whole.socket) {
      taken += (piece as Buffer).length;
      if (taken > ANSWER_BYTES) break;
    }
    expect(taken).toBeGreaterThan(ANSWER_BYTES);
  });
});
