import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator } from 'playwright-core';
import { withBrowser } from './helpers/browser';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, identityModel, textModel } from './helpers/onnx-models';
import { describeWith } from './helpers/requirements-of-tests';
import { MODELS, spawnServer, startServer, type TestServer } from './helpers/server';

interface Operation {
  description?: string;
  parameters?: { name: string; example?: string }[];
  requestBody: { content: { 'application/json': { schema: Schema; example: Record<string, unknown> } } };
  responses: Record<string, { content: { 'application/json': { schema: Schema; example?: object } } }>;
}
interface Schema {
  type: string;
  required: string[];
  properties: Record<string, Schema>;
  description?: string;
  items?: Schema;
  minItems?: number;
}
interface Document {
  openapi: string;
  info: { description: string };
  servers?: { url: string }[];
  paths: Record<string, { get?: Operation; post?: Operation }>;
  components: { schemas: Record<string, unknown> };
}

async function documentOf(server: TestServer): Promise<Document> {
  const { status, body } = await server.get<Document>('/docs-json');
  expect(status).toBe(200);
  return body;
}

describeWith('chromium', 'the interactive documentation', (chromium) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  /** Executes a call whose form is open: its status, and its answer as it is shown. */
  async function execute<T>(call: Locator): Promise<{ status: string; answer: T }> {
    await call.locator('button.execute').click();
    const live = call.locator('.live-responses-table tbody .response').first();
    await live.waitFor();
    const status = (await live.locator('.response-col_status').innerText()).trim();
    const text = await live.locator('.response-col_description .highlight-code').first().innerText();
    return { status, answer: JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as T };
  }

  it('runs the digits example and shows its answer: a 3', async () => {
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(message.text());
      });
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('requestfailed', (request) => faults.push(`${request.url()} failed`));
      page.on('response', (response) => {
        if (response.status() >= 400) faults.push(`${response.url()} is ${response.status()}`);
      });
      // Nothing is fetched from anywhere else.
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
          faults.push(request.url());
      });

      await page.goto(`${server.url}/docs`);
      const call = page.locator('#operations-models-run_digits');
      await call.locator('.opblock-summary').click();
      const { status, answer } = await execute<{ result: { probabilities: number[][] } }>(call);
      expect(status).toMatch(/^200/);
      const [row = []] = answer.result.probabilities;
      expect(row.indexOf(Math.max(...row))).toBe(3);
      expect(faults).toEqual([]);
    });
  });

  it('sends a picture that is chosen as a file, and shows its label', async () => {
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      await page.goto(`${server.url}/docs`);
      const call = page.locator('#operations-models-run_digits');
      await call.locator('.opblock-summary').click();
      await call.locator('.body-param-content-type select').selectOption('multipart/form-data');
      await call.locator('input[type=file]').setInputFiles(join(MODELS, 'digits', 'three.png'));
      const { answer } = await execute(call);
      expect(answer).toMatchObject({ result: { digit: [{ label: '3' }, {}, {}] } });
    });
  });
});

describeWith('chromium', 'a page of another origin', (chromium) => {
  it('calls a model, reads the headers of the answer, and is refused where it is not allowed', async () => {
    const site = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html>'));
    await once(site.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const servers = await Promise.all(
      ['*', origin, 'https://app.example.com'].map((allowed) =>
        startServer({ MODEL_NAMES: 'iris', CORS_ORIGINS: allowed }),
      ),
    );
    try {
      const answers = await withBrowser(chromium, async (browser) => {
        const page = await browser.newPage();
        await page.goto(origin);
        // What it sends makes the browser ask first.
        const call = (url: string): Promise<unknown> =>
          fetch(`${url}/api/inference/iris`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'x-priority': '1', 'x-request-id': 'page-1' },
            body: '[5.1, 3.5, 1.4, 0.2]',
          }).then(
            (answer) => [answer.status, answer.headers.get('x-request-id')],
            (error: unknown) => String(error),
          );
        return Promise.all(servers.map(({ url }) => page.evaluate(call, url)));
      });
      expect(answers).toEqual([[200, 'page-1'], [200, 'page-1'], 'TypeError: Failed to fetch']);
    } finally {
      site.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
});

describeWith('chromium', 'behind a proxy that takes a path off', (chromium) => {
  it('the documentation shows itself in 390 pixels, and calls the right place', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris', TRUST_FORWARDED_PREFIX: 'true' });
    const proxy = createServer((req, res) => {
      const path = /^\/ml(\/.*)$/.exec(req.url ?? '')?.[1];
      if (path === undefined) {
        res.writeHead(404).end();
        return;
      }
      const headers = { ...req.headers, 'x-forwarded-prefix': '/ml' };
      const call = request(server.url + path, { method: req.method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      });
      req.pipe(call);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const { port } = proxy.address() as AddressInfo;
    try {
      await withBrowser(chromium, async (browser) => {
        const page = await browser.newPage();
        await page.setViewportSize({ width: 390, height: 800 });
        await page.goto(`http://127.0.0.1:${port}/ml/docs`);
        const call = page.locator('#operations-models-run_iris');
        await call.locator('.opblock-summary').click();
        await call.locator('button.execute').click();
        const live = call.locator('.live-responses-table tbody .response').first();
        await live.waitFor();
        expect((await live.locator('.response-col_status').innerText()).trim()).toMatch(/^200/);
        expect(await page.locator('meta[name=viewport]').getAttribute('content')).toContain(
          'width=device-width',
        );
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      });
    } finally {
      proxy.closeAllConnections();
      proxy.close();
      await server.stop();
    }
  });
});

describe('the path that a proxy took off', () => {
  it('is believed where a setting says so, and only a path', async () => {
    const servers = await Promise.all(
      ['true', 'false'].map((trust) => startServer({ MODEL_NAMES: 'iris', TRUST_FORWARDED_PREFIX: trust })),
    );
    const urlsOf = async (server: TestServer, prefix: string): Promise<unknown> => {
      const { body } = await server.get<Document>('/docs-json', { 'x-forwarded-prefix': prefix });
      return body.servers;
    };
    const [trusting, other] = servers as [TestServer, TestServer];
    expect(await urlsOf(trusting, '/ml/nestor/')).toEqual([{ url: '/ml/nestor' }]);
    for (const prefix of ['//evil.example.com', 'https://evil.example.com', '/a b', '/', '/"x']) {
      expect(await urlsOf(trusting, prefix)).toEqual([]);
    }
    expect(await urlsOf(other, '/ml')).toEqual([]);
  });
});

describeWith('curl', 'the command for a model whose inputs are large', () => {
  const models = temporaryFolder();

  it('works as it stands there', async () => {
    writeModel(models, 'wide', identityModel('FP32', ['N', 5000]));
    const server = await startServer({ MODEL_DIR: models });
    const { paths } = await documentOf(server);
    const { description = '' } = Object.entries(paths).find(([path]) =>
      path.startsWith('/v2/models/wide'),
    )![1].post!;
    const [, command = ''] = /```sh\n([^]*?)\n```/.exec(description) ?? [];
    expect(command).toContain(`http://localhost:${server.port}/`);
    const here = command.replace('localhost', '127.0.0.1');
    await promisify(execFile)('bash', ['-ec', `set -o pipefail\n${here} --fail`], { cwd: server.folder });
    const answer = readFileSync(join(server.folder, 'answer.bin'));
    expect(answer.subarray(-20_000)).toEqual(Buffer.alloc(20_000));
    expect(answer.length).toBeGreaterThan(20_000);
  });
});

describe('the OpenAPI document', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'sum', addModel(3), { version: '2', yaml: 'description: a + b' });
    writeModel(models, 'text', textModel());
    writeModel(models, 'large', identityModel('INT64', [2, 'N']));
    writeModel(models, 'later', identityModel('BOOL'));
    writeModel(models, 'broken', Buffer.from('no model'));
    writeModel(models, 'wide', identityModel('FP32', ['N', 5000]));
    writeModel(models, 'pixels', identityModel('FP32', ['N', 3, 'H', 'W']));
    writeModel(models, 'photo', identityModel('UINT8', ['N', 48, 48, 3]), {
      yaml: 'input: { image: { type: image, resize: { width: 48, height: 48 } } }',
    });
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'sum,text,large,wide,pixels,photo',
      MAX_RESIDENT_MODELS: '7',
    });
  });

  it('describes each loaded model with its own request and answer', async () => {
    const { openapi, paths } = await documentOf(server);
    expect(openapi).toMatch(/^3\./);
    const { requestBody, responses } = paths['/api/inference/sum']?.post ?? ({} as Operation);
    const request = requestBody.content['application/json'].schema;
    expect(request.required).toEqual(['a', 'b']);
    expect(request.properties.a).toMatchObject({
      type: 'array',
      description: 'FP32 [-1, 3]',
      items: { type: 'array', minItems: 3, maxItems: 3 },
    });
    const answer = responses['200']?.content['application/json'].schema;
    expect(answer?.properties.result?.properties.sum).toMatchObject({ description: 'FP32 [-1, 3]' });
    expect(paths['/api/inference/text']?.post?.requestBody.content['application/json'].schema).toMatchObject({
      properties: { text: { items: { type: 'string' } } },
    });
  });

  it('has an example for each that succeeds when it is posted', async () => {
    const { paths } = await documentOf(server);
    for (const name of ['sum', 'text', 'large']) {
      const path = `/api/inference/${name}`;
      const example = paths[path]?.post?.requestBody.content['application/json'].example;
      expect(example).toBeDefined();
      expect(await server.post(path, example)).toMatchObject({ status: 200 });
    }
  });

  it('shows as its answer what the warm-up gave', async () => {
    const { paths } = await documentOf(server);
    const { requestBody, responses } = paths['/api/inference/sum']!.post!;
    const answer = await server.post<{ result: object }>(
      '/api/inference/sum',
      requestBody.content['application/json'].example,
    );
    expect(responses['200']?.content['application/json'].example).toMatchObject({
      result: answer.body.result,
      model: 'sum',
      version: '2',
    });
    const v2 = paths['/v2/models/sum/infer']!.post!;
    const { body } = await server.post(
      '/v2/models/sum/infer',
      v2.requestBody.content['application/json'].example,
    );
    expect(v2.responses['200']?.content['application/json'].example).toEqual(body);
  });

  it('shows a picture where a model declares one, in both protocols, and what pictures of any size may be', async () => {
    const { paths } = await documentOf(server);
    for (const path of ['/api/inference/photo', '/v2/models/photo/infer']) {
      const { example } = paths[path]!.post!.requestBody.content['application/json'];
      expect(JSON.stringify(example).length).toBeLessThan(4096);
      expect(await server.post(path, example)).toMatchObject({ status: 200 });
    }
    const { body } = await server.get<{ example: { x: number[][][][] } }>('/api/inference/pixels');
    const [[[line = []] = []] = []] = body.example.x;
    expect(line).toHaveLength(32);
  });

  it('asks for a file where a model takes more than can be read', async () => {
    const document = await documentOf(server);
    const { post } = document.paths['/api/inference/wide']!;
    expect(post!.requestBody.content['application/json']).toEqual({
      schema: { type: 'string', format: 'binary' },
    });
    const v2 = document.paths['/v2/models/wide/infer']!.post!;
    expect(Object.keys(v2.requestBody.content)[0]).toBe('application/octet-stream');
    expect(JSON.stringify(document).length).toBeLessThan(400_000);
  });

  it('names the models that are not served, and why', async () => {
    const { info } = await documentOf(server);
    expect(info.description).toMatch(/- `broken`: \S/);
    expect(info.description).toContain('- `later`: not loaded yet');
  });

  it('has calls of any model that succeed as they stand there', async () => {
    const { paths } = await documentOf(server);
    const called: string[] = [];
    for (const [path, item] of Object.entries(paths)) {
      if (!/\{(model|version)\}/.test(path)) continue;
      for (const [method, operation] of Object.entries(item)) {
        if (operation === undefined || path.startsWith('/v2/repository')) continue;
        const values = new Map(operation.parameters?.map(({ name, example }) => [name, example]));
        const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values.get(name)));
        const example = operation.requestBody?.content['application/json'].example;
        const { status } = method === 'get' ? await server.get(url) : await server.post(url, example);
        called.push(`${method} ${path} ${status}`);
      }
    }
    expect(called.length).toBeGreaterThan(8);
    expect(called.filter((call) => !call.endsWith(' 200'))).toEqual([]);
  });

  it('refers to nothing that it does not have', async () => {
    const document = await documentOf(server);
    const references = JSON.stringify(document).match(/#\/components\/schemas\/[^"]+/g) ?? [];
    expect(references.length).toBeGreaterThan(0);
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect(references.filter((reference) => !known.includes(reference))).toEqual([]);
  });

  it('follows loads', async () => {
    expect(Object.keys((await documentOf(server)).paths)).not.toContain('/api/inference/later');
    const { body } = await server.post('/api/inference/later', [[true, false]]);
    expect(body).toMatchObject({ result: { y: [[true, false]] } });
    expect(Object.keys((await documentOf(server)).paths)).toContain('/api/inference/later');
  });

  it('follows unloads', async () => {
    writeModel(models, 'last', identityModel('BOOL'));
    expect((await server.post('/api/inference/last', [[true, false]])).status).toBe(200);
    const paths = Object.keys((await documentOf(server)).paths);
    expect(paths).toContain('/api/inference/last');
    expect(paths).not.toContain('/api/inference/later');
  });

  it('stands under the prefix that is set', async () => {
    const other = await spawnServer({ API_PREFIX: '/' });
    await other.said('is ready at');
    const { paths } = await documentOf(other);
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/inference/digits', '/health/live', '/']));
    expect((await other.post('/inference/iris', [5.1, 3.5, 1.4, 0.2])).status).toBe(200);
  });
});
