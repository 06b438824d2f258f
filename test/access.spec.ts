import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { makeApiKey, type NewApiKey } from '../src/access/credentials/api-key';
import { temporaryFolder } from './helpers/model-folder';
import { freePort, spawnServer, startServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

const API_KEY = 'api-1f0c7e8fd3a14f4b9d0e6a5b';
const ADMIN_KEY = 'adm-8c1d2e3f4a5b6c7d8e9f0a1b2c3d';
const SECRET_KEY = '5e1bb6a44c2f4ad0a6d1c9f27c0b7e93d1f0';
const KEYS = { API_KEY: `${API_KEY}-first-minutes`, ADMIN_KEY, SECRET_KEY };
const IRIS = [5.1, 3.5, 1.4, 0.2];
const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

interface Sent {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends headers as they stand, several of a name included, from wherever it is told. */
function send(
  port: number,
  method: string,
  path: string,
  headers: readonly string[] = [],
  body = '',
  localAddress = '127.0.0.1',
): Promise<Sent> {
  const own = headers.some((name) => name.toLowerCase() === 'host') ? [] : ['host', `127.0.0.1:${port}`];
  const all = [...own, ...headers, 'content-type', 'application/json', 'content-length', `${body.length}`];
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        localAddress,
        timeout: 5000,
        setHost: false,
        headers: all,
      },
      (res) => {
        let text = '';
        res.on('data', (piece: Buffer) => (text += piece.toString()));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer in time'))).on('error', reject);
    call.end(body);
  });
}

function linesOf(server: TestServer, log: string): Record<string, unknown>[] {
  return readFileSync(join(server.logDir, log), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a server without keys', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ SECRET_KEY, WORKERS: '1' });
  });

  const change = (headers: readonly string[] = [], localAddress?: string): Promise<Sent> =>
    send(server.port, 'POST', '/v2/repository/models/iris/load', headers, '', localAddress);

  it('lets everybody infer and look, whatever they send as a credential', async () => {
    expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
    for (const path of ['/v2/models', '/metrics', '/docs-json', '/api/health', '/v2/health/ready'])
      expect((await server.get(path, bearer('whatever'))).status).toBe(200);
  });

  it('lets this machine change it', async () => {
    expect((await change()).status).toBe(200);
    expect((await change(['host', `localhost:${server.port}`])).status).toBe(200);
    expect((await change(['origin', `http://127.0.0.1:${server.port}`])).status).toBe(200);
    expect((await server.post('/api/cache/clear', {})).status).toBe(200);
  });

  it.each([
    ['a page', ['origin', 'https://evil.example'], /origin/],
    ['a page that hides', ['origin', 'null'], /origin/],
    ['a proxy', ['x-forwarded-for', '10.0.0.1'], /proxy/],
  ])('does not let %s change it, and says what would', async (_, headers, reason) => {
    const { status, body, headers: answered } = await change(headers);
    expect(status).toBe(403);
    expect((JSON.parse(body) as { error: string }).error).toMatch(reason);
    for (const way of ['docker exec', 'ADMIN_KEY', 'AUTH=off']) expect(body).toContain(way);
    expect(answered).not.toHaveProperty('access-control-allow-origin');
  });

  it('answers a preflight of a change to nobody, and of inference to all', async () => {
    const preflight = (path: string): Promise<Sent> =>
      send(server.port, 'OPTIONS', path, [
        'origin',
        'https://a.example',
        'access-control-request-method',
        'POST',
      ]);
    const load = await preflight('/v2/repository/models/iris/load');
    expect(load.headers).not.toHaveProperty('access-control-allow-origin');
    expect(load.headers).not.toHaveProperty('access-control-allow-methods');
    const infer = await preflight('/api/inference/iris');
    expect(infer.headers['access-control-allow-origin']).toBe('*');
  });

  it('listens on a loopback address, and so answers to no foreign name', async () => {
    for (const path of ['/', '/v2/models', '/api/health/live', '/nothing']) {
      const { status, body } = await send(server.port, 'GET', path, ['host', 'rebound.example']);
      expect([path, status]).toEqual([path, 421]);
      expect(body).toContain('ALLOWED_HOSTS');
    }
    expect((await send(server.port, 'GET', 'http://rebound.example/v2/models')).status).toBe(421);
    expect((await send(server.port, 'GET', '/', ['host', 'localhost', 'host', 'localhost'])).status).toBe(
      400,
    );
  });

  it('takes a token of SECRET_KEY for a change from elsewhere, and no other', async () => {
    const token = (secret: string): string => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const head = `${part({ alg: 'HS256' })}.${part({ sub: 'ops', scope: 'models:write', exp: Date.now() / 1000 + 60 })}`;
      return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
    };
    const proxied = ['x-forwarded-for', '10.0.0.1'];
    expect((await change([...proxied, 'authorization', `Bearer ${token(SECRET_KEY)}`])).status).toBe(200);
    expect((await change([...proxied, 'authorization', `Bearer ${token('x'.repeat(40))}`])).status).toBe(401);
  });
});

describe('a server that is reached from elsewhere, without keys', () => {
  it('lets nobody but its own machine change it, by its own names', async () => {
    const server = await startServer({
      HOST: '0.0.0.0',
      ALLOWED_HOSTS: 'nestor.test',
      SECRET_KEY: 'your-secret-key-here',
      NODE_ENV: 'development',
    });
    const load = (host: string): Promise<Sent> =>
      send(server.port, 'POST', '/v2/repository/models/iris/load', ['host', host]);
    expect((await send(server.port, 'GET', '/v2/models', ['host', 'any.example'])).status).toBe(200);
    expect((await load('any.example')).status).toBe(403);
    expect((await load('nestor.test:80')).status).toBe(200);
    // A secret that everybody knows signs nothing.
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = `${part({ alg: 'HS256' })}.${part({ sub: 'x', scope: 'admin', exp: 4e9 })}`;
    const forged = `${head}.${createHmac('sha256', 'your-secret-key-here').update(head).digest('base64url')}`;
    const answer = await send(server.port, 'POST', '/v2/repository/models/iris/unload', [
      ...['host', 'any.example', 'authorization', `Bearer ${forged}`],
    ]);
    expect(answer.status).toBe(403);
    await server.stop();
    expect(server.output).toContain('SECRET_KEY is a placeholder');
  });

  it('is as it was with AUTH=off', async () => {
    const server = await startServer({ AUTH: 'off' });
    const foreign = ['host', 'any.example', 'origin', 'https://a.example', 'x-forwarded-for', '10.0.0.1'];
    expect((await send(server.port, 'POST', '/v2/repository/models/iris/load', foreign)).status).toBe(200);
    await server.stop();
  });
});

describe('a server with keys', () => {
  const folder = temporaryFolder();
  const keysFile = join(folder, 'keys.yaml');
  const made = {} as Record<'infer' | 'fraud' | 'reader' | 'slow' | 'expired' | 'small', NewApiKey>;
  let server: TestServer;
  let managementPort: number;

  function writeKeys(without: readonly string[] = []): void {
    const entries = {
      infer: 'scopes: [infer]',
      fraud: "scopes: ['infer:ir*']",
      reader: 'scopes: [models:read, metrics:read]',
      slow: 'scopes: [infer], limits: { requests_per_second: 3, rows_per_second: 20 }',
      small: 'scopes: [infer], limits: { body_bytes: 100 }',
      expired: 'scopes: [admin], expires: 2020-01-01',
    };
    const lines = Object.entries(entries)
      .filter(([name]) => !without.includes(name))
      .map(([name, rest]) => {
        const { id, sha256 } = (made[name as keyof typeof made] ??= makeApiKey());
        return `  - { name: ${name}, id: ${id}, sha256: '${sha256}', ${rest} }\n`;
      });
    writeFileSync(keysFile, `keys:\n${lines.join('')}`);
  }

  beforeAll(async () => {
    writeKeys();
    managementPort = await freePort();
    server = await startServer({
      ...KEYS,
      AUTH_KEYS_FILE: keysFile,
      AUTH_RELOAD_INTERVAL_MS: '50',
      METRICS_BY_CALLER: 'true',
      MANAGEMENT_PORT: String(managementPort),
      WORKERS: '2',
    });
    await server.until('both workers are ready', async () => {
      const { body } = await server.get<string>('/metrics', bearer(ADMIN_KEY));
      return /^nestor_workers\{state="ready"\} 2$/m.test(body);
    });
  });

  const infer = (key: string, model = 'iris', body: unknown = IRIS): ReturnType<TestServer['post']> =>
    server.post(`/api/inference/${model}`, body, bearer(key));

  it('lets nobody in without one, but for probes, documentation and the front page', async () => {
    for (const path of [
      '/',
      '/v2',
      '/docs',
      '/docs/swagger-ui.css',
      '/docs-json',
      '/api/health',
      '/api/health/live',
      '/api/health/ready',
      '/v2/health/live',
      '/v2/health/ready',
    ])
      expect([path, (await server.get(path)).status]).toEqual([path, 200]);
    for (const path of [
      '/metrics',
      '/v2/models',
      '/v2/models/iris',
      '/v2/models/iris/ready',
      '/api/inference/models',
      '/api/inference/iris',
      '/api/cache',
      '/v2/models/stats',
    ])
      expect([path, (await server.get(path)).status]).toEqual([path, 401]);
    for (const path of [
      '/api/inference/iris',
      '/v2/models/iris/infer',
      '/v2/repository/index',
      '/v2/repository/models/iris/load',
      '/api/cache/clear',
      '/api/auth/token',
    ])
      expect([path, (await server.post(path, {})).status]).toEqual([path, 401]);
  });

  it('says by the book how it wants to be asked, in the words of each protocol', async () => {
    const native = await server.post('/api/inference/iris', IRIS);
    expect(native.headers.get('www-authenticate')).toBe('Bearer realm="nestor"');
    expect(native.body).toMatchObject({ statusCode: 401, code: 'unauthorized' });
    const v2 = await server.get('/v2/models', bearer(`nk_abcdefgh_${'x'.repeat(43)}`));
    expect(v2.headers.get('www-authenticate')).toMatch(/^Bearer realm="nestor", error="invalid_token"/);
    expect(Object.keys(v2.body)).toEqual(['error']);
    const scope = await server.post('/v2/repository/models/iris/load', {}, bearer(KEYS.API_KEY));
    expect(scope.status).toBe(403);
    expect(scope.headers.get('www-authenticate')).toBe(
      'Bearer realm="nestor", error="insufficient_scope", scope="models:write"',
    );
  });

  it('takes a key in either header, once', async () => {
    const key = made.infer.key;
    const call = (...headers: string[]): Promise<Sent> =>
      send(server.port, 'POST', '/api/inference/iris', headers, JSON.stringify(IRIS));
    expect((await call('authorization', `Bearer ${key}`)).status).toBe(200);
    expect((await call('AUTHORIZATION', `bearer ${key}`)).status).toBe(200);
    expect((await call('x-api-key', key)).status).toBe(200);
    expect((await call('authorization', `Bearer ${key}`, 'authorization', 'Bearer x')).status).toBe(400);
    expect((await call('authorization', 'Bearer x', 'Authorization', `Bearer ${key}`)).status).toBe(400);
    expect((await call('x-api-key', key, 'X-Api-Key', key)).status).toBe(400);
    expect((await call('x-api-key', key, 'authorization', `Bearer ${key}`)).status).toBe(400);
    expect((await call('authorization', `Bearer ${'x'.repeat(12_000)}`)).status).toBe(401);
    expect((await call('authorization', `Bearer ${'x'.repeat(20_000)}`)).status).toBe(431);
    expect((await call('authorization', `Basic ${Buffer.from(`x:${key}`).toString('base64')}`)).status).toBe(
      401,
    );
    expect((await infer(made.expired.key)).status).toBe(401);
  });

  it('lets each do what its scopes say, and see what it may call', async () => {
    expect((await infer(made.fraud.key)).status).toBe(200);
    const other = await infer(made.fraud.key, 'digits', {});
    expect([other.status, other.headers.get('www-authenticate')]).toEqual([
      403,
      'Bearer realm="nestor", error="insufficient_scope", scope="infer:digits"',
    ]);
    expect((await infer(made.fraud.key, 'nobody', {})).status).toBe(403);
    expect((await infer(made.reader.key)).status).toBe(403);
    const names = async (key: string): Promise<unknown[]> => {
      const v2 = await server.get<{ models: string[] }>('/v2/models', bearer(key));
      const native = await server.get<{ models: { name: string }[] }>('/api/inference/models', bearer(key));
      const index = await server.post<{ name: string }[]>('/v2/repository/index', {}, bearer(key));
      return [v2.body.models, native.body.models.map(({ name }) => name), index.body.map(({ name }) => name)];
    };
    expect(await names(made.fraud.key)).toEqual([['iris'], ['iris'], ['iris']]);
    expect(await names(made.reader.key)).toEqual([
      ['digits', 'iris'],
      ['digits', 'iris'],
      ['digits', 'iris'],
    ]);
    expect((await server.get('/v2/models/digits', bearer(made.fraud.key))).status).toBe(403);
    expect((await server.get('/v2/models/iris', bearer(made.fraud.key))).status).toBe(200);
    expect((await server.get('/metrics', bearer(made.fraud.key))).status).toBe(403);
    expect((await server.get('/metrics', bearer(KEYS.API_KEY))).status).toBe(200);
    const document = JSON.stringify((await server.get('/docs-json')).body);
    expect(document).not.toMatch(/\/iris|\/digits/);
  });

  it('makes a short token of a key, that does no more and dies with it', async () => {
    type Token = { access_token: string; token_type: string; expires_in: number; scope: string };
    const make = (key: string, body: unknown = {}) =>
      server.post<Token>('/api/auth/token', body, bearer(key));
    const { status, body, headers } = await make(made.fraud.key);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 1800, scope: 'infer:ir*' });
    expect((await infer(body.access_token)).status).toBe(200);
    expect((await infer(body.access_token, 'digits', {})).status).toBe(403);
    expect((await make(body.access_token)).status).toBe(403);
    expect((await make(made.fraud.key, { scope: 'infer:iris' })).body.scope).toBe('infer:iris');
    expect((await make(made.fraud.key, { scope: 'admin' })).status).toBe(400);
    expect((await make(made.fraud.key, { scopes: [] })).status).toBe(400);
    writeKeys(['fraud']);
    await until('the token is worth nothing', async () => (await infer(body.access_token)).status === 401);
    writeKeys();
    await until('it is worth something again', async () => (await infer(body.access_token)).status === 200);
  });

  it('keeps to the limits of a caller, over both workers', async () => {
    const { key } = made.slow;
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await infer(key)).status));
    const passed = statuses.filter((status) => status === 200).length;
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
    expect(passed).toBeGreaterThanOrEqual(3);
    expect(passed).toBeLessThanOrEqual(6);
    const refused = await infer(key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('ratelimit-policy')).toBe('"requests";q=3;w=1');
    expect((await infer(made.infer.key)).status).toBe(200);
    // Rows count when they are known: a batch larger than a second's worth passes, and the next one waits.
    const batch = { features: Array.from({ length: 60 }, () => IRIS) };
    await until('it may call again', async () => (await infer(key, 'iris', batch)).status === 200);
    await until(
      'its rows are spent',
      async () => (await infer(key, 'iris', batch)).headers.get('ratelimit-policy') === '"rows";q=20;w=1',
    );
  });

  it('keeps to the body that a caller may send', async () => {
    expect((await infer(made.small.key)).status).toBe(200);
    const large = { features: Array.from({ length: 20 }, () => IRIS) };
    expect((await infer(made.small.key, 'iris', large)).status).toBe(413);
    expect((await infer(made.infer.key, 'iris', large)).status).toBe(200);
  });

  it('stands a thousand wrong keys a second, and lets the right one in meanwhile', async () => {
    const wrong = Array.from({ length: 1000 }, async (_, i) => {
      const key = `nk_${made.infer.id}_${String(i).padStart(43, 'x')}`;
      return (await infer(key)).status;
    });
    const right = Array.from({ length: 50 }, async () => (await infer(made.infer.key)).status);
    const statuses = await Promise.all(wrong);
    expect(statuses.every((status) => status === 401 || status === 429)).toBe(true);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(500);
    expect(new Set(await Promise.all(right))).toEqual(new Set([200]));
  });

  it('reads its keys again when they change, keeps them when they break, and counts that', async () => {
    const { key } = made.reader;
    const look = async (): Promise<number> => (await server.get('/v2/models', bearer(key))).status;
    writeFileSync(keysFile, 'keys: [{ name: broken }]');
    await server.said('AUTH_KEYS_FILE cannot be used as it is now');
    expect(await look()).toBe(200);
    await until('it is counted', async () => {
      const { body } = await server.get<string>('/metrics', bearer(ADMIN_KEY));
      return /^nestor_access_reload_failures_total 1$/m.test(body);
    });
    writeKeys(['reader']);
    await until('the key is gone', async () => (await look()) === 401);
    writeKeys();
    await until('the key is back', async () => (await look()) === 200);
  });

  it('has its management port ask for keys, but not for probes', async () => {
    const get = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(`http://127.0.0.1:${managementPort}${path}`, { headers })).status;
    expect(
      await Promise.all(['/health/live', '/health/ready', '/workers', '/metrics'].map((path) => get(path))),
    ).toEqual([200, 200, 401, 401]);
    expect(await get('/metrics', bearer(made.infer.key))).toBe(403);
    expect(await get('/metrics', bearer(made.reader.key))).toBe(200);
    expect(await get('/workers', { 'x-api-key': ADMIN_KEY })).toBe(200);
  });

  it('tells callers apart in its metrics, where that is wanted', async () => {
    const { body } = await server.get<string>('/metrics', bearer(ADMIN_KEY));
    expect(body).toMatch(/^nestor_caller_requests_total\{caller="slow",outcome="refused"\} [1-9]/m);
    expect(body).toMatch(/^nestor_caller_requests_total\{caller="infer",outcome="done"\} [1-9]/m);
    expect(body).toMatch(/^nestor_caller_rows_total\{caller="slow"\} [1-9]/m);
    expect(body).not.toMatch(/caller="(ip:|nobody)/);
  });

  it('says who called, and who changed what in a log of its own, and tells no secret', async () => {
    await server.post('/v2/repository/models/iris/load', {}, bearer(ADMIN_KEY));
    await server.post('/v2/repository/models/iris/unload', {}, bearer(made.reader.key));
    await server.post('/api/cache/clear', {});
    await until('it is written', () =>
      linesOf(server, 'audit.log').some(({ call }) => call === 'POST /api/cache/clear'),
    );
    const audit = linesOf(server, 'audit.log').map(({ caller, call, target, outcome }) => [
      caller,
      call,
      target,
      outcome,
    ]);
    expect(audit).toContainEqual(['ADMIN_KEY', 'POST /v2/repository/models/iris/load', 'iris', 'done']);
    expect(audit).toContainEqual(['reader', 'POST /v2/repository/models/iris/unload', 'iris', 'refused']);
    expect(audit).toContainEqual(['nobody', 'POST /api/cache/clear', undefined, 'refused']);
    expect(audit).toContainEqual(['fraud', 'POST /api/auth/token', undefined, 'done']);
    const callers = ['infer', 'fraud', 'reader', 'slow', 'API_KEY', 'ADMIN_KEY'];
    await until(`the access log names ${callers.join(', ')}`, () => {
      const named = new Set(linesOf(server, 'access.log').map(({ caller }) => caller));
      return callers.every((caller) => named.has(caller));
    });
    const all =
      server.output +
      ['app.log', 'access.log', 'audit.log', 'error.log']
        .map((log) => readFileSync(join(server.logDir, log), 'utf8'))
        .join('');
    const secrets = [
      ...Object.values(KEYS),
      ...Object.values(made).flatMap(({ key, sha256 }) => [key.slice(12), sha256]),
    ];
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    expect(all).not.toMatch(/eyJ[\w-]{10}/);
  });
});

describe('a server with keys of one process', () => {
  const folder = temporaryFolder();

  it('knows callers as one with workers does', async () => {
    const { id, sha256, key } = makeApiKey();
    const file = join(folder, 'keys.yaml');
    writeFileSync(
      file,
      `keys: [{ name: ci, id: ${id}, sha256: '${sha256}', scopes: [infer], limits: { requests_per_second: 2 } }]`,
    );
    const server = await startServer({ WORKERS: '0', AUTH_KEYS_FILE: file, AUTH_RELOAD_INTERVAL_MS: '50' });
    const statuses = await Promise.all(
      Array.from(
        { length: 10 },
        async () => (await server.post('/api/inference/iris', IRIS, bearer(key))).status,
      ),
    );
    expect(statuses.sort()).toEqual([200, 200, ...Array<number>(8).fill(429)]);
    writeFileSync(file, 'keys: []');
    await until(
      'the key is gone',
      async () => (await server.post('/api/inference/iris', IRIS, bearer(key))).status === 401,
    );
    await server.stop();
  });

  it.each(['0', '1'])(
    'does not start with a keys file that is wrong, and lists what is: WORKERS=%s',
    async (WORKERS) => {
      const file = join(folder, 'keys.yaml');
      writeFileSync(file, 'keys: [{ name: a b, scopes: [infer] }, { name: x, scopes: [all] }]');
      const server = await spawnServer({ WORKERS, AUTH_KEYS_FILE: file });
      expect(await server.exited).toBe(1);
      for (const fault of [
        'AUTH_KEYS_FILE: keys: 1: name: must be',
        'AUTH_KEYS_FILE: keys: 2: scopes: 1: must be one of',
      ])
        expect(server.output).toContain(fault);
    },
  );
});
