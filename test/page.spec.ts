import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Page as PageFiles } from '../src/admin/page';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, bfloat16Model, externalDataModel, sequenceModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const SITE = join(__dirname, '..', 'site');
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

interface Status {
  state: string;
  reasons: { model?: string; text: string }[];
  requests_total: number;
  workers: object;
  last_minute: { requests_per_second: number; series: Record<string, (number | null)[]> };
  models: {
    name: string;
    state: string;
    reason: { text: string; hint: string | null } | null;
    last_minute: object | null;
  }[];
}

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ CACHE_ENABLED: 'true' });
});
afterAll(() => server.stop());

describe('the page', () => {
  it('is small', () => {
    const files = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).map((name) =>
      statSync(join(SITE, name)),
    );
    const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
    expect(bytes).toBeLessThanOrEqual(150_000);
  });

  it('is HTML for browsers and JSON for programs', async () => {
    const page = await fetch(server.url, { headers: HTML });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
    expect(page.headers.get('vary')).toMatch(/accept/i);
    expect(await page.text()).toContain('<meta name="nestor-api" content="api" />');
    const known = { ...HTML, 'if-none-match': page.headers.get('etag') ?? '' };
    expect((await fetch(server.url, { headers: known })).status).toBe(304);

    const json = await server.get('/');
    expect(json).toMatchObject({ status: 200, body: { message: 'Welcome to Nestor', docs: '/docs' } });
    expect((await fetch(`${server.url}/ui/app.js`)).headers.get('content-type')).toMatch(/javascript/);
    for (const path of ['/ui/nothing.js', '/ui/..%2findex.html', '/ui/', '/ui'])
      expect((await fetch(server.url + path)).status).toBe(404);
  });

  it('knows where the calls of the server begin', () => {
    const html = new PageFiles('/models/v1').index.body.toString();
    expect(html).toContain('<meta name="nestor-api" content="models/v1" />');
  });

  it('is not there with PAGE=off', async () => {
    const server = await startServer({ PAGE: 'off' });
    const root = await fetch(server.url, { headers: HTML });
    expect(root.headers.get('content-type')).toMatch(/json/);
    expect((await fetch(`${server.url}/ui/app.js`)).status).toBe(404);
    await server.stop();
  });
});

describe('the status', () => {
  const folder = temporaryFolder();

  it('names what serves, what does not and why, and what happened', async () => {
    writeModel(folder, 'broken', Buffer.from('no model'), { version: '1' });
    writeModel(folder, 'adds', addModel(4), { version: '1' });
    writeModel(folder, 'typed', bfloat16Model(), { version: '1' });
    writeModel(folder, 'listed', sequenceModel(), { version: '1' });
    writeModel(folder, 'odd', addModel(4), { version: '1', yaml: 'instanzes: 2\n' });
    writeModel(folder, 'parted', { ...externalDataModel([4, 4]), dataFiles: {} }, { version: '1' });
    const server = await startServer({ WORKERS: '2', MODEL_DIR: folder });
    const first = await server.get<Status>('/api/status');
    expect(first).toMatchObject({ status: 200, body: { state: 'degraded', requests_total: 0 } });
    expect(first.body.workers).toMatchObject({
      ready: expect.any(Number) as number,
      configured: 2,
      restarts: 0,
    });
    expect(first.body.reasons.map(({ model }) => model)).toEqual([
      'broken',
      'listed',
      'odd',
      'parted',
      'typed',
    ]);
    const said = first.body.models.map(({ name, state, reason }) => [name, state, reason?.hint]);
    expect(said).toEqual([
      ['adds', 'ready', undefined],
      ['broken', 'failed', expect.stringMatching(/^Copy the file again/) as string],
      ['listed', 'failed', expect.stringMatching(/tensors alone/) as string],
      ['odd', 'failed', expect.stringMatching(/^Mend model.yaml/) as string],
      ['parted', 'failed', expect.stringMatching(/^Copy the data files/) as string],
      ['typed', 'failed', expect.stringMatching(/FP32 or FP16/) as string],
    ]);
    expect(first.body.models[0]).toMatchObject({ takes: '2 × 4 numbers', gives: '4 numbers' });
    // The log says the same, and so does the list of models.
    const isLogged = (...words: string[]): boolean =>
      server.output.split('\n').some((line) => words.every((word) => line.includes(word)));
    expect(isLogged('model could not be loaded', 'Mend model.yaml')).toBe(true);
    expect(isLogged('model loaded', '2 × 4 numbers')).toBe(true);
    const { body: list } = await server.get<{ models: object[] }>('/api/inference/models');
    expect(list.models[2]).toMatchObject({
      name: 'listed',
      hint: expect.stringMatching(/tensors alone/) as string,
    });

    const { body: example } = await server.get<{ example: unknown }>('/api/inference/adds');
    for (let i = 0; i < 5; i++) await server.post('/api/inference/adds', example.example);
    await server.until('the calls show', async () => {
      const { body } = await server.get<Status>('/api/status');
      return body.requests_total === 5 && body.models[0]?.last_minute !== null;
    });
    const { body } = await server.get<Status>('/api/status');
    expect(body.last_minute.requests_per_second).toBeGreaterThan(0);
    expect(body.last_minute.series.requests).toHaveLength(60);
    await server.stop();
  });
});

describe('the status of a server with keys', () => {
  const ADMIN = 'an-admin-key-of-at-least-32-characters';
  const CALLER = 'a-caller-key-of-at-least-32-characters';

  it('says what its caller may do, and nothing to strangers', async () => {
    const server = await startServer({ API_KEY: CALLER, ADMIN_KEY: ADMIN });
    const may = async (key: string): Promise<unknown> =>
      (await server.get<{ auth: unknown }>('/api/status', { authorization: `Bearer ${key}` })).body.auth;
    expect(await may(ADMIN)).toEqual({ required: true, may: ['infer', 'load', 'unload'] });
    expect(await may(CALLER)).toEqual({ required: true, may: ['infer'] });
    expect((await server.get('/api/status')).status).toBe(401);
    // The page itself is open: it asks for the key.
    expect((await fetch(server.url, { headers: HTML })).status).toBe(200);
    await server.stop();
  });
});

describe('the status of a server without keys', () => {
  it('offers no changes to who comes through a proxy', async () => {
    const { body } = await server.get<{ auth: unknown }>('/api/status', { 'x-forwarded-for': '192.0.2.1' });
    expect(body.auth).toEqual({ required: false, may: ['infer'] });
  });
});

describe('the times of a call', () => {
  it('come with the answer to who asks, whichever the protocol, and without a run where the cache has it', async () => {
    const { body: details } = await server.get<{ example: object }>('/api/inference/iris');
    const asked = { 'x-server-timing': '1' };
    const timing = async (path: string, body: object, headers = {}): Promise<string | null> =>
      (await server.post(path, body, headers)).headers.get('server-timing');
    const all = /^queue;dur=[\d.]+, decode;dur=[\d.]+, run;dur=[\d.]+, encode;dur=[\d.]+$/;
    expect(await timing('/api/inference/iris', details.example)).toBeNull();
    expect(await timing('/api/inference/iris?use_cache=false', details.example, asked)).toMatch(all);
    expect(await timing('/api/inference/iris', details.example, asked)).toMatch(
      /^decode;dur=[\d.]+, encode;dur=[\d.]+$/,
    );
    const inputs = [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.25] }];
    expect(await timing('/v2/models/iris/infer', { inputs }, asked)).toMatch(all);
  });
});

describe('an example of what a model declares', () => {
  it('is a picture of its folder with its bytes, or a body that succeeds', async () => {
    interface Details {
      takes: string;
      gives: string;
      pipeline: { example: { path: string; type: string; body: object } };
    }
    const { body: digits } = await server.get<Details>('/api/inference/digits');
    expect(digits).toMatchObject({ takes: 'grey picture 8 × 8', gives: '10 labels' });
    const { path, type } = digits.pipeline.example;
    expect([path, type]).toEqual(['inference/digits/example', 'image/png']);
    const picture = await fetch(`${server.url}/api/${path}`);
    expect(picture.headers.get('content-type')).toBe('image/png');
    const answer = await fetch(`${server.url}/api/inference/digits`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: await picture.arrayBuffer(),
    });
    expect(await answer.json()).toMatchObject({ result: { digit: [{ label: '3' }, {}, {}] } });

    const { body: iris } = await server.get<Details>('/api/inference/iris');
    const { body } = iris.pipeline.example;
    expect(body).toEqual({
      flower: { sepal_length: 5.4, sepal_width: 3.9, petal_length: 1.7, petal_width: 0.4 },
    });
    expect((await server.post('/api/inference/iris', body)).status).toBe(200);
    expect((await server.get('/api/inference/iris/example')).status).toBe(404);
  });
});
