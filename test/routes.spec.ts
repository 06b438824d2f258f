import { request } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApplication } from '../src/bootstrap';
import { parseSettings } from '../src/config/settings';
import { Router } from '../src/http/router';
import { startServer, type TestServer } from './helpers/server';

/** The part of Express' router that tells which routes it has. */
interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
}

it('are all in the table, whoever answers them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestor-routes-'));
  const app = await createApplication(
    parseSettings({ MODEL_DIR: folder, LOG_DIR: '', LOG_LEVEL: 'fatal', WORKERS: '0' }),
  );
  try {
    const { router } = app.getHttpAdapter().getInstance() as { router: { stack: Layer[] } };
    const routes = router.stack.flatMap(({ route }) => {
      // Middleware is bound to every method.
      if (route === undefined || route.methods.trace) return [];
      return Object.keys(route.methods).map((method) => [method.toUpperCase(), route.path] as const);
    });
    expect(routes.length).toBeGreaterThan(25);
    const table = app.get(Router);
    const missing = routes.filter(([method, path]) => {
      return table.find(method, path.replaceAll(/:\w+/g, 'x')) === undefined;
    });
    expect(missing).toEqual([]);
  } finally {
    await app.close();
    rmSync(folder, { recursive: true });
  }
});

describe('a request that spells its target', () => {
  const FEATURES = [5.1, 3.5, 1.4, 0.2];
  const NATIVE = JSON.stringify({ features: [FEATURES] });
  const V2 = JSON.stringify({
    inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 4], data: FEATURES }],
  });
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ MODEL_NAMES: 'iris' });
  });

  interface Spelt {
    readonly status: number;
    readonly allow: string | undefined;
    readonly body: string;
  }

  /** Sends a target as it stands; whoever waits longer than two seconds for the answer has none. */
  function send(method: string, path: string, body: string | undefined): Promise<Spelt> {
    return new Promise((resolve, reject) => {
      const call = request(
        { host: '127.0.0.1', port: server.port, method, path, timeout: 2000, agent: false },
        (res) => {
          let text = '';
          res.on('data', (piece: Buffer) => (text += piece.toString()));
          res.on('end', () => resolve({ status: res.statusCode!, allow: res.headers.allow, body: text }));
        },
      );
      call.on('timeout', () => call.destroy(new Error('no answer in time'))).on('error', reject);
      if (body !== undefined) call.setHeader('content-type', 'application/json');
      call.end(body);
    });
  }

  it.each([
    ['POST', '/api/inference/iris', 200],
    ['POST', '/api/inference/iris/', 200],
    ['POST', '/api/inference/iris?use_cache=false', 200],
    ['POST', '/api/inference/iris/?version=1', 200],
    ['POST', 'http://localhost/api/inference/iris', 200],
    ['POST', 'HTTP://localhost/api/inference/iris/', 200],
    ['POST', '/API/inference/iris', 404],
    ['POST', '/api/Inference/iris', 404],
    ['POST', '/api/inference/Iris', 404],
    ['POST', '/api//inference/iris', 404],
    ['POST', '//api/inference/iris', 404],
    ['POST', '/api/inference/iris//', 404],
    ['POST', '/api/inference/iris;v=1', 404],
    ['POST', '/api/inference/%69ris', 404],
    ['POST', '/api/inference/iris%00', 404],
    ['POST', '/api/inference/iris%2f', 404],
    ['POST', '/api/./inference/iris', 404],
    ['POST', '/api/inference/../inference/iris', 404],
    ['POST', '/api/inference/', 404],
    ['PUT', '/api/inference/iris', 405],
    ['DELETE', '/api/inference/iris/', 405],
    ['POST', '/v2/models/iris/infer', 200],
    ['POST', '/v2/models/iris/infer/', 200],
    ['POST', '/v2/models/iris/infer/?a=b', 200],
    ['POST', '/v2/models/iris/versions/1/infer/', 200],
    ['POST', 'http://localhost/v2/models/iris/infer', 200],
    ['POST', '/v2/models/iris/INFER', 404],
    ['POST', '/V2/models/iris/infer', 404],
    ['POST', '/v2/models/iris/infers', 404],
    ['POST', '/v2/models/%69ris/infer', 404],
    ['POST', '/v1/models/iris:predict', 404],
    ['POST', '/V2/repository/index', 404],
    ['POST', '/v2/repository/index/', 200],
    ['POST', '/v2/repository/models/%69ris/unload', 404],
    ['POST', '/v2/repository/models/iris/load/', 200],
    ['GET', '/v2/models/iris/', 200],
    ['GET', '/v2/models/%69ris', 404],
    ['GET', '/V2/models/iris', 404],
    ['GET', 'http://localhost/v2/models/iris?a=b', 200],
    ['GET', '/api/inference/models/', 200],
    ['POST', '/api/inference/models/', 405],
    ['POST', '/v2/models', 405],
    ['POST', '/api/status', 405],
    ['GET', '/api/health/live/', 200],
    ['GET', '/API/health/live', 404],
    ['GET', '/metrics/', 200],
    ['GET', '/', 200],
    ['GET', '//', 404],
    ['GET', '/?a=b', 200],
    ['GET', '/docs', 200],
    ['GET', '/docs/', 200],
    ['GET', '/docs/swagger-ui.css', 200],
    ['GET', '/docs/nothing.css', 404],
    ['GET', '/docs/..%2fpackage.json', 404],
    ['POST', '/docs/', 405],
    ['TRACE', '/v2', 405],
    ['OPTIONS', '*', 404],
  ])('%s %s: %i, in time', async (method, target, status) => {
    const native = target.includes('/inference/');
    const body = native ? NATIVE : target.includes('/infer') ? V2 : '{}';
    const carries = method === 'POST' || method === 'PUT';
    expect((await send(method, target, carries ? body : undefined)).status).toBe(status);
  });

  it('is told which methods there are', async () => {
    expect(await send('PUT', '/api/inference/iris', NATIVE)).toMatchObject({
      status: 405,
      allow: 'GET, POST',
    });
    expect(await send('GET', '/v2/models/iris/infer', undefined)).toMatchObject({
      status: 405,
      allow: 'POST',
    });
    // Where a model might be, but none is.
    expect(await send('POST', '/api/inference/models', NATIVE)).toMatchObject({
      status: 405,
      allow: 'GET',
      body: expect.stringContaining('use GET.') as string,
    });
  });

  it('is refused before its body is read, however long and broken that is', async () => {
    const long = `{"instances":[${'1,'.repeat(200_000)}`;
    for (const path of ['/v1/models/iris:predict', '/api/nothing', '/v2/models/iris/train']) {
      expect((await send('POST', path, long)).status).toBe(404);
      expect((await send('POST', path, '{"a":')).status).toBe(404);
    }
    expect((await send('PUT', '/v2', long)).status).toBe(405);
  });

  it('is answered in the words of its protocol', async () => {
    const answer = await send('POST', 'http://localhost/v2/models/nobody/infer/', '{}');
    expect(JSON.parse(answer.body)).toEqual({ error: 'There is no model "nobody".' });
  });
});
