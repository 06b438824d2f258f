import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type TestServer } from './helpers/server';

interface Result {
  result: Record<string, never>;
  cached: boolean;
  processing_time: number;
  model: string;
  version: string;
}
interface Fault {
  statusCode: number;
  code: string;
  message: string;
  requestId: string;
}

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(join(__dirname, 'fixtures', name), 'utf8'));

describe('the native API with the shipped models', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  it('reads at least 97 % of the held-out digits right', async () => {
    const { images, labels } = fixture('digits-heldout.json') as { images: number[][][]; labels: number[] };
    expect(images.length).toBeGreaterThanOrEqual(300);
    const best = (row: number[]): number => row.indexOf(Math.max(...row));
    let right = 0;
    for (let i = 0; i < images.length; i += 20) {
      const { status, body } = await server.post<{ result: { probabilities: number[][] } }>(
        '/api/inference/digits',
        { image: images.slice(i, i + 20) },
      );
      expect(status).toBe(200);
      body.result.probabilities.forEach((row, j) => (right += Number(best(row) === labels[i + j])));
    }
    expect(right / images.length).toBeGreaterThanOrEqual(0.97);
  });

  it('answers two outputs of different datatypes', async () => {
    const { body, headers } = await server.post<Result>('/api/inference/iris', {
      features: [
        [5.1, 3.5, 1.4, 0.2],
        [6.7, 3.0, 5.2, 2.3],
      ],
    });
    expect(body.result).toEqual({
      label: [0, 2],
      probabilities: [expect.any(Array), expect.any(Array)],
    });
    expect(body).toMatchObject({ cached: false, model: 'iris', version: '1' });
    expect(body.processing_time).toBeGreaterThan(0);
    expect(headers.get('x-cache')).toMatch(/^(MISS|BYPASS)$/);
    expect(headers.get('x-request-id')).toBeTruthy();
  });

  it.each([
    ['a flat array, whose open dimension is inferred', { features: [5.1, 3.5, 1.4, 0.2] }],
    ['the bare nested array of the only input', [[5.1, 3.5, 1.4, 0.2]]],
    ['the bare flat array of the only input', [5.1, 3.5, 1.4, 0.2]],
  ])('takes %s', async (_, input) => {
    const { status, body } = await server.post<Result>('/api/inference/iris', input);
    expect([status, body.result]).toEqual([200, expect.objectContaining({ label: [0] })]);
  });

  it('answers a batch of no rows with no rows', async () => {
    const { body } = await server.post<Result>('/api/inference/iris', { features: [] });
    expect(body.result).toEqual({ label: [], probabilities: [] });
  });

  it('takes a version, and use_cache, and refuses what they cannot be', async () => {
    const features = [[5.1, 3.5, 1.4, 0.2]];
    const good = await server.post('/api/inference/iris?version=1&use_cache=false', { features });
    expect(good).toMatchObject({ status: 200, body: { cached: false, version: '1' } });
    const version = await server.post<Fault>('/api/inference/iris?version=7', { features });
    expect(version).toMatchObject({ status: 404, body: { code: 'version_not_found' } });
    expect(version.body.message).toContain('it has 1');
    const cache = await server.post<Fault>('/api/inference/iris?use_cache=maybe', { features });
    expect(cache).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it.each([
    ['use_cahce=false', /"use_cahce": there is none of that name; there are version, use_cache, raw/],
    ['use_cache[]=false', /"use_cache\[\]"/],
    ['use_cache=false&use_cache=true', /"use_cache": is given twice/],
    ['top_k=3', /"top_k": is for what a model declares/],
  ])('refuses %s in a query, rather than to answer something else', async (query, message) => {
    const { status, body } = await server.post<Fault>(`/api/inference/iris?${query}`, {
      features: [[5.1, 3.5, 1.4, 0.2]],
    });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.message).toMatch(message);
  });

  const iris = (body: unknown): [string, unknown] => ['/api/inference/iris', body];
  it.each<[string, [string, unknown], number, string, RegExp]>([
    ['an unknown model', ['/api/inference/nobody', {}], 404, 'model_not_found', /"nobody"/],
    [
      'a name that would leave the folder',
      ['/api/inference/..%2F..%2Fetc', {}],
      404,
      'route_not_found',
      /nothing at/,
    ],
    ['a missing input', iris({}), 400, 'missing_input', /"features"/],
    ['an unknown input', iris({ petals: [1] }), 400, 'unknown_input', /"petals".*"features"/],
    ['a wrong shape', iris({ features: [[1, 2, 3]] }), 400, 'shape_mismatch', /\[-1, 4\].*\[1, 3\]/],
    ['a flat array that does not divide', iris({ features: [1, 2, 3] }), 400, 'shape_mismatch', /"features"/],
    ['a ragged array', iris({ features: [[1, 2, 3, 4], [1]] }), 400, 'ragged_array', /"features"/],
    ['a wrong datatype', iris({ features: [['a', 2, 3, 4]] }), 400, 'wrong_datatype', /"features"/],
    ['null', iris({ features: null }), 400, 'wrong_datatype', /null/],
    [
      'an input given twice',
      iris('{"features":[1,2,3,4],"features":[1,2,3,4]}'),
      400,
      'invalid_json',
      /twice/,
    ],
    ['malformed JSON, by its position', iris('{"features": [1,2,,3]}'), 400, 'invalid_json', /position 18/],
    ['an empty body', iris(''), 400, 'invalid_json', /./],
    ['a truncated body', iris('{"features": [1,2'), 400, 'invalid_json', /./],
    ['a NaN literal, with a hint', iris('{"features": [NaN,1,2,3]}'), 400, 'invalid_json', /"NaN"/],
  ])('refuses %s', async (_, [path, body], status, code, message) => {
    const answer = await server.post<Fault>(path, body);
    expect(answer).toMatchObject({ status, body: { statusCode: status, code } });
    expect(answer.body.message).toMatch(message);
    expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
  });

  it('refuses other methods, content types, encodings and accepted types', async () => {
    const url = `${server.url}/api/inference/iris`;
    const put = await fetch(url, { method: 'PUT', body: '{}' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST']);
    const features = [[5.1, 3.5, 1.4, 0.2]];
    const type = await server.post(`/api/inference/iris`, { features }, { 'content-type': 'text/html' });
    expect(type).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    const encoding = await server.post(`/api/inference/iris`, { features }, { 'content-encoding': 'br' });
    expect(encoding).toMatchObject({ status: 415, body: { code: 'unsupported_encoding' } });
    const accept = await server.post(`/api/inference/iris`, { features }, { accept: 'text/html' });
    expect(accept).toMatchObject({ status: 406, body: { code: 'not_acceptable' } });
    const anything = await server.post(
      `/api/inference/iris`,
      { features },
      { accept: 'text/html, */*;q=0.1' },
    );
    expect(anything.status).toBe(200);
  });

  it('takes a deadline from a header and refuses what is none', async () => {
    const features = [[5.1, 3.5, 1.4, 0.2]];
    for (const bad of ['0', '-5', 'soon', '99999999999']) {
      const { status, body } = await server.post(
        '/api/inference/iris',
        { features },
        { 'x-request-timeout-ms': bad },
      );
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    }
    const good = await server.post('/api/inference/iris', { features }, { 'x-request-timeout-ms': '5000' });
    expect(good.status).toBe(200);
  });

  it('lists and describes its models, with an example that succeeds', async () => {
    const { body: list } = await server.get<{ models: { name: string; state: string }[] }>(
      '/api/inference/models',
    );
    expect(list.models.map(({ name, state }) => [name, state])).toEqual([
      ['digits', 'READY'],
      ['iris', 'READY'],
    ]);
    const { body } = await server.get<{ example: unknown }>('/api/inference/digits');
    expect(body).toMatchObject({
      name: 'digits',
      version: '1',
      versions: ['1'],
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 8, 8] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 10] }],
      batching: { enabled: true },
    });
    expect((await server.post('/api/inference/digits', body.example)).status).toBe(200);
    expect((await server.get('/api/inference/nobody')).status).toBe(404);
  });

  it('welcomes, and keeps a sane request id', async () => {
    const { body, headers } = await server.get('/', { 'x-request-id': 'abc-1' });
    expect(body).toEqual({
      message: expect.any(String) as unknown,
      version: expect.any(String) as unknown,
      docs: '/docs',
    });
    expect(headers.get('x-request-id')).toBe('abc-1');
    const replaced = await server.get('/', { 'x-request-id': 'a b\tc' });
    expect(replaced.headers.get('x-request-id')).not.toBe('a b\tc');
  });

  it('answers CORS, and carries its security headers on both ways', async () => {
    for (const path of ['/api/inference/nobody', '/']) {
      const method = path === '/' ? 'GET' : 'POST';
      const { headers } = await fetch(server.url + path, {
        method,
        headers: { origin: 'https://a.example' },
      });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
    }
    const preflight = await fetch(`${server.url}/api/inference/iris`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      expect.stringContaining('POST'),
    ]);
  });
});
