import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Datatype } from '../src/tensors/datatype';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, identityModel, textModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';
import { binaryBody, tensorBytes, type V2Body } from './helpers/v2-bodies';

interface Output {
  name: string;
  shape: number[];
  datatype: string;
  parameters?: { binary_data_size: number };
  data?: unknown[];
}
interface Response {
  model_name: string;
  model_version: string;
  id?: string;
  outputs: Output[];
}
/** A response with its binary outputs cut out. */
interface BinaryAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  head: Response & { error?: string };
  parts: Buffer[];
}

const ROW = { name: 'features', shape: [1, 4], datatype: 'FP32' };
const FEATURES = { ...ROW, data: [5.1, 3.5, 1.4, 0.2] };
const HEADER = 'inference-header-content-length';

describe('the Open Inference Protocol with the shipped models', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      WORKERS: '2',
      HEADERS_TIMEOUT_MS: '1000',
      REQUEST_TIMEOUT_MS: '1500',
      BINARY_COMPRESSION: 'true',
    });
  });

  it('tells what the server is, and that it is live and ready', async () => {
    const { body } = await server.get('/v2');
    expect(body).toEqual({
      name: 'Nestor',
      version: expect.stringMatching(/^\d/) as string,
      extensions: expect.arrayContaining([
        'binary_tensor_data',
        'classification',
        'model_configuration',
        'model_repository',
      ]) as string[],
    });
    expect(await server.get('/v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await server.get('/v2/health/ready')).toMatchObject({ status: 200, body: { ready: true } });
  });

  it.each(['/v2/models/iris', '/v2/models/iris/versions/1'])('describes a model at %s', async (path) => {
    expect((await server.get('/v2/models')).body).toEqual({ models: ['digits', 'iris'] });
    expect((await server.get(path)).body).toEqual({
      name: 'iris',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
      ],
    });
    expect(await server.get(`${path}/ready`)).toMatchObject({
      status: 200,
      body: { name: 'iris', ready: true },
    });
    expect((await server.get(`${path}/config`)).body).toMatchObject({
      name: 'iris',
      backend: 'onnxruntime',
      input: [{ name: 'features', data_type: 'TYPE_FP32', dims: [4] }],
      output: [
        { name: 'label', data_type: 'TYPE_INT64', dims: [] },
        { name: 'probabilities', data_type: 'TYPE_FP32', dims: [3] },
      ],
      dynamic_batching: { max_queue_delay_microseconds: 0 },
    });
  });

  it.each(['iris', 'iris/versions/1'])('runs a model at %s', async (model) => {
    const { status, headers, body } = await server.post<Response>(`/v2/models/${model}/infer`, {
      id: 'a-1',
      parameters: { priority: 1, timeout: 5_000_000 },
      inputs: [FEATURES],
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('x-request-id')).toBeTruthy();
    expect(body).toEqual({
      model_name: 'iris',
      model_version: '1',
      id: 'a-1',
      outputs: [
        { name: 'label', shape: [1], datatype: 'INT64', data: [0] },
        {
          name: 'probabilities',
          shape: [1, 3],
          datatype: 'FP32',
          data: [expect.any(Number), expect.any(Number), expect.any(Number)],
        },
      ],
    });
  });

  it('answers the outputs that are asked for, in their order, and a batch of none', async () => {
    const outputs = [{ name: 'probabilities' }, { name: 'label' }];
    const some = await server.post<Response>('/v2/models/iris/infer', { inputs: [FEATURES], outputs });
    expect(some.body.outputs.map(({ name }) => name)).toEqual(['probabilities', 'label']);
    const none = await server.post<Response>('/v2/models/iris/infer', {
      inputs: [{ ...FEATURES, shape: [0, 4], data: [] }],
    });
    expect(none.body.outputs).toMatchObject([
      { shape: [0], data: [] },
      { shape: [0, 3], data: [] },
    ]);
  });

  it('answers the same in binary, mixed and raw forms as in JSON', async () => {
    const json = await server.post<Response>('/v2/models/iris/infer', { inputs: [FEATURES] });
    const probabilities = tensorBytes(Float32Array.from(json.body.outputs[1]!.data as number[]));
    const label = tensorBytes(BigInt64Array.of(0n));
    const bytes = tensorBytes(Float32Array.from(FEATURES.data));
    const input = { ...ROW, parameters: { binary_data_size: bytes.length } };
    for (const misalign of [0, 1, 2, 3]) {
      const all = await infer(
        server,
        'iris',
        binaryBody({ id: 'x', inputs: [input], parameters: { binary_data_output: true } }, [bytes], misalign),
      );
      expect([all.status, all.headers['content-type']]).toEqual([200, 'application/octet-stream']);
      expect(all.head).toMatchObject({
        id: 'x',
        outputs: [{ name: 'label' }, { name: 'probabilities', shape: [1, 3] }],
      });
      expect(all.parts).toEqual([label, probabilities]);
    }
    const outputs = [{ name: 'label' }, { name: 'probabilities', parameters: { binary_data: true } }];
    const mixed = await infer(server, 'iris', binaryBody({ inputs: [FEATURES], outputs }, []));
    expect(mixed.head.outputs[0]).toEqual({ name: 'label', shape: [1], datatype: 'INT64', data: [0] });
    expect(mixed.parts).toEqual([probabilities]);
    const raw = await infer(server, 'iris', { body: bytes, headerLength: 0 });
    expect(raw.parts).toEqual([label, probabilities]);
    const inJson = await infer(server, 'iris', binaryBody({ inputs: [input] }, [bytes]));
    expect([inJson.headers['content-type'], inJson.headers[HEADER]]).toEqual(['application/json', undefined]);
    expect(inJson.head).toEqual(json.body);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ])('takes a request in %s, whose lengths are those of what it holds', async (coding, pack) => {
    const bytes = tensorBytes(Float32Array.from(FEATURES.data));
    const { body, headerLength } = binaryBody(
      { inputs: [{ ...ROW, parameters: { binary_data_size: bytes.length } }] },
      [bytes],
    );
    const answer = await infer(
      server,
      'iris',
      { body: pack(body), headerLength },
      { 'content-encoding': coding },
    );
    expect(answer.head.outputs[0]).toMatchObject({ data: [0] });
  });

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('answers in %s where the client asks for it and the answer is large', async (coding, unpack) => {
    const rows = 200;
    const inputs = [{ ...FEATURES, shape: [rows, 4], data: new Array<number[]>(rows).fill(FEATURES.data) }];
    const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
    const plain = await infer(server, 'iris', { body: json, headerLength: undefined });
    const packed = await exchange(
      server,
      'iris',
      { body: json, headerLength: undefined },
      { 'accept-encoding': coding },
    );
    expect(packed.headers).toMatchObject({ 'content-encoding': coding, vary: 'accept-encoding' });
    const whole = unpack(packed.body);
    const length = Number(packed.headers[HEADER]);
    expect(JSON.parse(whole.subarray(0, length).toString())).toEqual(plain.head);
    expect(whole.subarray(length)).toEqual(Buffer.concat(plain.parts));
    const small = await exchange(server, 'iris', jsonOf({ inputs: [FEATURES] }), {
      'accept-encoding': coding,
    });
    expect(small.headers['content-encoding']).toBeUndefined();
  });

  const infering = (body: unknown): [string, string, unknown] => ['POST', '/v2/models/iris/infer', body];
  it.each<[string, [string, string, unknown], Record<string, string>, number, RegExp]>([
    ['an unknown path', ['GET', '/v2/nothing', undefined], {}, 404, /\/v2\/nothing/],
    ['an unknown path below a model', ['POST', '/v2/models/iris/train', '{}'], {}, 404, /train/],
    ['a wrong method', ['GET', '/v2/models/iris/infer', undefined], {}, 405, /POST/],
    ['a wrong method for the server', ['DELETE', '/v2', undefined], {}, 405, /GET/],
    ['a path that cannot be decoded', ['GET', '/v2/models/%zz', undefined], {}, 404, /%zz/],
    ['an unknown model', ['POST', '/v2/models/nobody/infer', '{}'], {}, 404, /"nobody"/],
    [
      'a name that would leave the folder',
      ['POST', '/v2/models/..%2F..%2Fetc/infer', '{}'],
      {},
      404,
      /nothing at/,
    ],
    ['an unknown version', ['POST', '/v2/models/iris/versions/7/infer', '{}'], {}, 404, /"7"/],
    ["an unknown model's metadata", ['GET', '/v2/models/nobody', undefined], {}, 404, /"nobody"/],
    [
      "an unknown version's readiness",
      ['GET', '/v2/models/iris/versions/7/ready', undefined],
      {},
      404,
      /"7"/,
    ],
    ['malformed JSON', infering('{"inputs":[}'), {}, 400, /position 11/],
    ['an empty body', infering(''), {}, 400, /./],
    ['a header beyond the body', infering('{}'), { [HEADER]: '3' }, 400, /2 bytes/],
    ['a header that is no length', infering('{}'), { [HEADER]: '-1' }, 400, /"-1"/],
    ['an encoding that nobody knows', infering('{}'), { 'content-encoding': 'br' }, 415, /"br"/],
    [
      'a body that is not what its encoding says',
      infering('{}'),
      { 'content-encoding': 'gzip' },
      400,
      /gzip/,
    ],
    [
      'a bomb',
      infering(gzipSync(Buffer.alloc(100_000_000))),
      { 'content-encoding': 'gzip' },
      413,
      /BODY_LIMIT/,
    ],
    ['another content type', infering('{}'), { 'content-type': 'text/plain' }, 415, /text\/plain/],
    ['a client that takes none of the forms', infering('{}'), { accept: 'text/html' }, 406, /text\/html/],
    ['malformed JSON in an index call', ['POST', '/v2/repository/index', '{'], {}, 400, /./],
    ['a large body of an index call', ['POST', '/v2/repository/index', ' '.repeat(300_000)], {}, 413, /./],
    ['an index of something else', ['POST', '/v2/repository/index', '{"ready":1}'], {}, 400, /"ready"/],
    ['loading an unknown model', ['POST', '/v2/repository/models/nobody/load', ''], {}, 404, /"nobody"/],
    ['unloading an unknown model', ['POST', '/v2/repository/models/nobody/unload', ''], {}, 404, /"nobody"/],
    [
      'a configuration given with a load',
      ['POST', '/v2/repository/models/iris/load', '{"parameters":{"config":"{}"}}'],
      {},
      400,
      /config/,
    ],
  ])('refuses %s in the words of the protocol', async (_, [method, path, body], headers, status, message) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body as string | undefined,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const said = (await answer.json()) as { error: string };
    expect(Object.keys(said)).toEqual(['error']);
    expect(said.error).toMatch(message);
  });

  it('refuses a body that does not arrive in the words of the protocol', async () => {
    const said = await new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(server.port, '127.0.0.1', () =>
        socket.write(
          'POST /v2/models/iris/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{',
        ),
      );
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
    expect(said).toMatch(/^HTTP\/1.1 408 [^]*\r\n\r\n\{"error":"[^"]+"\}$/);
  });

  it('lists its calls and its models in the OpenAPI document, with examples that work', async () => {
    const { body } = await server.get<{
      paths: Record<string, { post?: { requestBody: { content: Record<string, { example: object }> } } }>;
    }>('/docs-json');
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['/v2', '/v2/models/{model}/versions/{version}/infer', '/v2/repository/index']),
    );
    for (const model of ['iris', 'digits']) {
      const { example } =
        body.paths[`/v2/models/${model}/infer`]!.post!.requestBody.content['application/json']!;
      expect((await server.post(`/v2/models/${model}/infer`, example)).status).toBe(200);
    }
  });

  it('unloads and loads a model on every worker', async () => {
    const control = (path: string, body = ''): ReturnType<typeof server.post> =>
      server.post(`/v2/repository/${path}`, body, {
        'content-type': 'application/json',
        connection: 'close',
      });
    const statuses = async (): Promise<Set<number>> => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          server.post('/v2/models/iris/infer', { inputs: [FEATURES] }, { connection: 'close' }),
        ),
      );
      return new Set(answers.map(({ status }) => status));
    };
    expect((await control('models/iris/unload')).status).toBe(200);
    expect(await statuses()).toEqual(new Set([503]));
    expect((await server.get('/v2/models/iris/ready')).status).toBe(503);
    expect((await control('index')).body).toEqual([
      { name: 'digits', version: '1', state: 'READY', reason: '' },
      {
        name: 'iris',
        version: '1',
        state: 'UNAVAILABLE',
        reason: expect.stringMatching(/unloaded/) as string,
      },
    ]);
    expect((await control('index', '{"ready":true}')).body).toMatchObject([{ name: 'digits' }]);
    expect((await control('models/iris/load')).status).toBe(200);
    expect(await statuses()).toEqual(new Set([200]));
    // Once more, which loads it anew beside itself.
    expect((await control('models/iris/load', '{}')).status).toBe(200);
    expect(await statuses()).toEqual(new Set([200]));
  });
});

describe('the Open Inference Protocol with models of all datatypes', () => {
  const models = temporaryFolder();
  const FORMS: Record<Datatype, [unknown[], Buffer]> = {
    BOOL: [[true, false], Buffer.of(1, 0)],
    UINT8: [[0, 255], tensorBytes(Uint8Array.of(0, 255))],
    UINT16: [[0, 65535], tensorBytes(Uint16Array.of(0, 65535))],
    UINT32: [[0, 4294967295], tensorBytes(Uint32Array.of(0, 4294967295))],
    UINT64: [[7, '18446744073709551615'], tensorBytes(BigUint64Array.of(7n, 2n ** 64n - 1n))],
    INT8: [[-128, 127], tensorBytes(Int8Array.of(-128, 127))],
    INT16: [[-32768, 32767], tensorBytes(Int16Array.of(-32768, 32767))],
    INT32: [[-2147483648, 2147483647], tensorBytes(Int32Array.of(-(2 ** 31), 2 ** 31 - 1))],
    INT64: [[-7, '9223372036854775807'], tensorBytes(BigInt64Array.of(-7n, 2n ** 63n - 1n))],
    FP16: [[], tensorBytes(Uint16Array.of(0x3c00, 0xfbff))],
    FP32: [[0.1, 'NaN'], tensorBytes(Float32Array.of(0.1, NaN))],
    FP64: [[0.1, '-Infinity'], tensorBytes(Float64Array.of(0.1, -Infinity))],
    BYTES: [['né', ''], tensorBytes(['né', ''])],
  };
  const datatypes = Object.keys(FORMS) as Datatype[];
  let server: TestServer;
  beforeAll(async () => {
    for (const datatype of datatypes) writeModel(models, datatype.toLowerCase(), identityModel(datatype));
    writeModel(models, 'add', addModel());
    writeModel(models, 'text', textModel());
    server = await startServer({ MODEL_DIR: models, MAX_RESIDENT_MODELS: '20' });
  });

  it.each(datatypes)('carries %s in JSON and in binary', async (datatype) => {
    const [values, bytes] = FORMS[datatype];
    const input = { name: 'x', shape: [1, 2], datatype };
    const model = datatype.toLowerCase();
    const binary = await infer(
      server,
      model,
      binaryBody(
        {
          inputs: [{ ...input, parameters: { binary_data_size: bytes.length } }],
          outputs: [{ name: 'y', parameters: { binary_data: true } }],
        },
        [bytes],
      ),
    );
    expect(binary.head.error).toBeUndefined();
    expect(binary.parts).toEqual([bytes]);
    const json = await server.post<Response & { error: string }>(`/v2/models/${model}/infer`, {
      inputs: [{ ...input, data: values }],
    });
    if (datatype === 'FP16') {
      expect(json.status).toBe(400);
      expect(json.body.error).toContain('binary');
    } else if (datatype === 'INT64' || datatype === 'UINT64') {
      // Exact literals, which `JSON.parse` would round.
      const exact = await fetch(`${server.url}/v2/models/${model}/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ ...input, data: values }] }),
      });
      expect(await exact.text()).toContain(`"datatype":"${datatype}","data":[${values.join(',')}]`);
    } else {
      expect(json.body.outputs).toEqual([{ name: 'y', shape: [1, 2], datatype, data: values }]);
    }
  });

  it('takes two inputs in any order, one in JSON and one in binary', async () => {
    const b = tensorBytes(Float32Array.of(10, 20));
    const answer = await infer(
      server,
      'add',
      binaryBody(
        {
          inputs: [
            { name: 'b', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } },
            { data: [[1, 2]], datatype: 'FP32', shape: [1, 2], name: 'a' },
          ],
        },
        [b],
      ),
    );
    expect(answer.head.outputs).toMatchObject([{ name: 'sum', data: [11, 22] }]);
  });

  it('takes one text as a request without JSON', async () => {
    const { parts } = await infer(server, 'text', { body: Buffer.from('né'), headerLength: 0 });
    expect(parts[0]).toEqual(tensorBytes(['né']));
  });
});

function jsonOf(value: unknown): V2Body {
  return { body: Buffer.from(JSON.stringify(value)), headerLength: undefined };
}

/** Posts bytes and gets bytes: `fetch` would undo codings, and ask for them. */
function exchange(
  { port }: TestServer,
  model: string,
  { body, headerLength }: V2Body,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: BinaryAnswer['headers']; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const lengths = headerLength === undefined ? {} : { [HEADER]: String(headerLength) };
    const path = `/v2/models/${model}/infer`;
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path,
      headers: { ...lengths, ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.end(body);
  });
}

async function infer(
  server: TestServer,
  model: string,
  body: V2Body,
  headers: Record<string, string> = {},
): Promise<BinaryAnswer> {
  const answer = await exchange(server, model, body, headers);
  const length = Number(answer.headers[HEADER] ?? answer.body.length);
  const head = JSON.parse(answer.body.subarray(0, length).toString()) as BinaryAnswer['head'];
  const parts: Buffer[] = [];
  let position = length;
  for (const { parameters } of head.outputs ?? []) {
    if (parameters === undefined) continue;
    parts.push(answer.body.subarray(position, (position += parameters.binary_data_size)));
  }
  expect(position).toBe(answer.body.length);
  return { status: answer.status, headers: answer.headers, head, parts };
}
