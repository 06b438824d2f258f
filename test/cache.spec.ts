import { request as httpRequest } from 'node:http';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Exposition } from './helpers/exposition';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import {
  biasModel,
  busyModel,
  gatherModel,
  identityModel,
  randomModel,
  widenModel,
} from './helpers/onnx-models';
import { TestRedis } from './helpers/redis';
import { describeWith } from './helpers/requirements-of-tests';
import { type Answer, freePort, startServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

interface Result {
  result: Record<string, unknown>;
  cached: boolean;
}
interface Statistics {
  workers: number;
  memory: Record<string, number>;
  redis: (Record<string, number> & { state: string }) | null;
}
interface Health {
  status: string;
  cache_connected: boolean;
}

/** With the cache as it is by default. */
const cached = (env: Record<string, string> = {}): Promise<TestServer> =>
  startServer({ CACHE_ENABLED: '', ...env });
const outcomeOf = ({ headers }: { headers: Headers }): string | null => headers.get('x-cache');
const iris = (first: number): object => ({ features: [[first, 3.5, 1.4, 0.2]] });

async function ask(server: TestServer, path: string, body: unknown, headers = {}): Promise<Answer<Result>> {
  const answer = await server.post<Result>(`/api/inference/${path}`, body, headers);
  expect(answer.status).toBe(200);
  return answer;
}

async function outcome(
  server: TestServer,
  path: string,
  body: unknown,
  headers = {},
): Promise<string | null> {
  return outcomeOf(await ask(server, path, body, headers));
}

async function statistics(server: TestServer): Promise<Statistics> {
  return (await server.get<Statistics>('/api/cache')).body;
}

async function metrics(server: TestServer): Promise<Exposition> {
  return new Exposition((await server.get<string>('/metrics')).body);
}

/** How many workers see Redis in this state. */
async function seen(server: TestServer, state: string): Promise<number> {
  return (await metrics(server)).sum('nestor_cache_redis_workers', { state });
}

describe('the prediction cache', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'bias', biasModel(Float32Array.of(1, 2)));
    writeModel(models, 'busy', busyModel());
    writeModel(models, 'random', randomModel());
    writeModel(models, 'gather', gatherModel());
    writeModel(models, 'wide', widenModel(300_000));
    writeModel(models, 'off', identityModel('FP32'), { yaml: 'cache: {enabled: false}' });
    writeModel(models, 'lot', identityModel('FP32'), { yaml: 'deterministic: false' });
    writeModel(models, 'brief', identityModel('FP32'), { yaml: 'cache: {ttl: 1}' });
    writeModel(models, 'cold', identityModel('FP32'), { yaml: 'cache: {warmup_file: warm.jsonl}' });
    writeFileSync(join(models, 'warm.jsonl'), '{"x":[[1,2]]}');
    server = await cached({ MODEL_DIR: models, MAX_RESIDENT_MODELS: '20', CACHE_WARMUP: 'off' });
  });
  afterAll(() => server.stop());

  const two = { x: [[1, 2]], y: [[0, 0.5]] };

  it('answers the second time from memory, and says so', async () => {
    const first = await ask(server, 'bias', two);
    const second = await ask(server, 'bias', two);
    expect([outcomeOf(first), first.body.cached, first.headers.get('age')]).toEqual(['MISS', false, null]);
    expect([outcomeOf(second), second.body.cached]).toEqual(['HIT', true]);
    expect(Number(second.headers.get('age'))).toBeGreaterThanOrEqual(0);
    expect(second.body.result).toEqual(first.body.result);
    expect(second.body.result).toEqual({ plus: [[2, 4.5]], minus: [[0, 0.5]] });
  });

  const v2 = (inputs: object[], outputs?: object[]): object => ({ inputs, ...(outputs && { outputs }) });
  const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] };
  const y = { name: 'y', shape: [1, 2], datatype: 'FP32', data: [0, 0.5] };

  it('knows a request again however it is written', async () => {
    await ask(server, 'bias', two);
    expect(await outcome(server, 'bias', '{ "y" : [[0.0, 5e-1]],\n"x":[[1.0,2]] }')).toBe('HIT');
    expect(await outcome(server, 'bias', { x: [1, 2], y: [0, 0.5] })).toBe('HIT');
    expect(await outcome(server, 'bias?version=1', two, { 'x-request-id': 'other', 'x-priority': '9' })).toBe(
      'HIT',
    );
    const nested = { ...y, data: [[0, 0.5]] };
    const answer = await server.post('/v2/models/bias/infer', { id: 'other', ...v2([nested, x]) });
    expect([answer.status, outcomeOf(answer)]).toEqual([200, 'HIT']);
    const binary = (tensor: object): object => ({
      ...tensor,
      data: undefined,
      parameters: { binary_data_size: 8 },
    });
    const json = Buffer.from(JSON.stringify(v2([binary(x), binary(y)])));
    const tensors = Buffer.from(Float32Array.of(1, 2, 0, 0.5).buffer);
    const asBytes = await server.post('/v2/models/bias/versions/1/infer', Buffer.concat([json, tensors]), {
      'inference-header-content-length': String(json.length),
      'content-type': 'application/octet-stream',
    });
    expect([asBytes.status, outcomeOf(asBytes)]).toEqual([200, 'HIT']);
  });

  it('keeps answers with other outputs apart, and gives outputs in the order asked for', async () => {
    const some = (...names: string[]): object =>
      v2(
        [x, y],
        names.map((name) => ({ name })),
      );
    const infer = (body: object) =>
      server.post<{ outputs: { name: string; data: number[] }[] }>('/v2/models/bias/infer', body);
    await infer(some('plus', 'minus'));
    const turned = await infer(some('minus', 'plus'));
    expect(outcomeOf(turned)).toBe('HIT');
    expect(turned.body.outputs.map(({ name, data }) => [name, data])).toEqual([
      ['minus', [0, 0.5]],
      ['plus', [2, 4.5]],
    ]);
    expect(outcomeOf(await infer(some('minus')))).toBe('MISS');
    const one = await infer(some('minus'));
    expect([outcomeOf(one), one.body.outputs.length]).toEqual(['HIT', 1]);
    const unknown = await server.post('/v2/models/bias/infer', some('none'));
    expect(unknown.status).toBe(400);
  });

  it('stays away when it is told to', async () => {
    const body = { x: [[7, 7]], y: [[7, 7]] };
    expect(await outcome(server, 'bias?use_cache=false', body)).toBe('BYPASS');
    expect(await outcome(server, 'bias', body, { 'cache-control': 'no-store' })).toBe('BYPASS');
    expect(await outcome(server, 'bias', body, { 'cache-control': 'max-age=0, NO-STORE, no-cache' })).toBe(
      'BYPASS',
    );
    expect(await outcome(server, 'bias', body)).toBe('MISS');
    const fresh = await ask(server, 'bias', body, { 'cache-control': 'no-cache' });
    expect([outcomeOf(fresh), fresh.body.cached]).toEqual(['BYPASS', false]);
    const other = { x: [[8, 8]], y: [[8, 8]] };
    expect(await outcome(server, 'bias', other, { 'cache-control': 'no-cache' })).toBe('BYPASS');
    expect(await outcome(server, 'bias', other)).toBe('HIT');
  });

  it.each(['off', 'lot', 'random'])('stays away from the model %s', async (model) => {
    const body = { x: [[1, 2]] };
    expect([await outcome(server, model, body), await outcome(server, model, body)]).toEqual([
      'BYPASS',
      'BYPASS',
    ]);
  });

  it('lets a random model be random', async () => {
    const draw = async (): Promise<unknown> => (await ask(server, 'random', { x: [[1, 2]] })).body.result;
    expect(await draw()).not.toEqual(await draw());
  });

  it("keeps a model's answers no longer than it allows", async () => {
    const body = { x: [[1, 2]] };
    expect([await outcome(server, 'brief', body), await outcome(server, 'brief', body)]).toEqual([
      'MISS',
      'HIT',
    ]);
    await until('the answer is too old', async () => (await outcome(server, 'brief', body)) === 'MISS');
  });

  it('keeps no answer that is too large, and no failure', async () => {
    const wide = { x: [[1]] };
    expect([await outcome(server, 'wide', wide), await outcome(server, 'wide', wide)]).toEqual([
      'MISS',
      'MISS',
    ]);
    const out = { index: [99] };
    for (let i = 0; i < 2; i++) expect((await server.post('/api/inference/gather', out)).status).toBe(400);
  });

  it('has equal requests that come together share a run', async () => {
    const before = await statistics(server);
    // Long enough that all have come before it is over.
    const body = { trips: 10_000 };
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(server, 'busy', body)));
    expect(answers.map(outcomeOf).sort()).toEqual(['MISS', ...Array<string>(5).fill('SHARED')]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body.result))).size).toBe(1);
    expect((await statistics(server)).memory.stored).toBe(before.memory.stored! + 1);
  });

  it('lets nobody suffer for the first one, who leaves', async () => {
    const body = JSON.stringify({ trips: 5000 });
    const left = new AbortController();
    const leader = fetch(`${server.url}/api/inference/busy`, { method: 'POST', body, signal: left.signal });
    leader.catch(() => undefined);
    await sleep(100);
    const followers = Array.from({ length: 4 }, () => ask(server, 'busy', body));
    await sleep(100);
    left.abort();
    const outcomes = (await Promise.all(followers)).map(outcomeOf).sort();
    // Where it left after its run had begun, one of them runs; the answer is right in either case.
    expect(outcomes.filter((one) => one === 'SHARED')).toHaveLength(outcomes.includes('MISS') ? 3 : 4);
  });

  it('keeps the deadline of each who waits for another', async () => {
    const body = { trips: 15_000 };
    const leader = ask(server, 'busy', body);
    await sleep(100);
    const late = await server.post('/api/inference/busy', body, { 'x-request-timeout-ms': '150' });
    expect(late.status).toBe(504);
    expect(outcomeOf(await leader)).toBe('MISS');
  });

  it('never meets old answers after a reload of other content', async () => {
    const body = { x: [[0, 0]], y: [[0, 0]] };
    await ask(server, 'bias', body);
    writeModel(models, 'bias', biasModel(Float32Array.of(1, 2.0000002)));
    expect((await server.post('/v2/repository/models/bias/load', {})).status).toBe(200);
    const after = await ask(server, 'bias', body);
    expect([outcomeOf(after), after.body.result.plus]).toEqual(['MISS', [[1, 2.0000002]]]);
    writeModel(models, 'bias', biasModel(Float32Array.of(1, 2)));
    expect((await server.post('/v2/repository/models/bias/load', {})).status).toBe(200);
    const back = await ask(server, 'bias', body);
    expect([outcomeOf(back), back.body.result.plus]).toEqual(['HIT', [[1, 2]]]);
  });

  it('counts by model and by tier what it did, and shows what it holds', async () => {
    const before = await metrics(server);
    const body = { x: [[3, 4]], y: [[5, 6]] };
    await ask(server, 'bias', body);
    for (let i = 0; i < 3; i++) await ask(server, 'bias', body);
    const after = await metrics(server);
    const gained = (name: string, labels: Record<string, string>): number =>
      after.sum(name, labels) - before.sum(name, labels);
    expect(gained('nestor_cache_hits_total', { model: 'bias', version: '1', tier: 'memory' })).toBe(3);
    expect(gained('nestor_cache_lookups_total', { tier: 'memory', result: 'hit' })).toBe(3);
    expect(gained('nestor_cache_lookups_total', { tier: 'memory', result: 'miss' })).toBe(1);
    expect(gained('nestor_cache_writes_total', { tier: 'memory', result: 'stored' })).toBe(1);
    expect(gained('nestor_cache_memory_entries', {})).toBe(1);
    expect(gained('nestor_cache_memory_bytes', {})).toBeGreaterThan(16);
    expect(after.sum('nestor_cache_memory_limit_bytes')).toBe(64 * 1024 * 1024);
    expect(after.sum('nestor_cache_memory_removals_total', { reason: 'expired' })).toBeGreaterThan(0);
    expect(after.sum('nestor_cache_redis_workers')).toBe(0);
  });

  it('runs no file of requests when that is switched off', async () => {
    expect(await outcome(server, 'cold', '[[1,2]]')).toBe('MISS');
    expect(server.output).not.toContain('warm-up');
  });

  it('has no Redis, and is healthy', async () => {
    const { body } = await server.get<Health>('/api/health');
    expect(body).toMatchObject({ status: 'healthy', cache_connected: false });
    expect((await statistics(server)).redis).toBeNull();
  });

  it.each([['[1]'], ['{"model":1}'], ['{"model":"../x"}'], ['{"all":true}'], ['"bias"']])(
    'refuses to clear %s',
    async (body) => {
      const answer = await server.post('/api/cache/clear', body);
      expect(answer.status).toBe(400);
    },
  );
});

/** One request on a connection of its own. */
function postAlone(url: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = httpRequest(url, { method: 'POST', agent: false, headers }, (answer) => {
      answer.resume().once('end', resolve);
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });
}

describe('the prediction cache of several workers', () => {
  it('is cleared in all of them, by model or whole', async () => {
    const server = await cached({ WORKERS: '2' });
    const digits = { image: new Array<number>(64).fill(1) };
    // Connections of their own, one after the other, go to the workers in turn: three reach both.
    const onEach = async (model: string, body: object): Promise<void> => {
      for (let i = 0; i < 3; i++) await postAlone(`${server.url}/api/inference/${model}`, body);
    };
    const fill = (): Promise<void> =>
      server.until('both workers have both answers', async () => {
        await onEach('iris', iris(1));
        await onEach('digits', digits);
        return (await statistics(server)).memory.entries === 4;
      });
    await fill();
    expect(await statistics(server)).toMatchObject({ workers: 2, redis: null });
    const ofIris = await server.post('/api/cache/clear', { model: 'iris' });
    expect([ofIris.status, ofIris.body]).toEqual([200, { memory: 2, redis: null }]);
    await fill();
    expect((await server.post('/api/cache/clear', '')).body).toEqual({ memory: 4, redis: null });
    expect(await outcome(server, 'iris', iris(1))).toBe('MISS');
    await server.stop();
  });

  it('is as if it were not there, when it is switched off', async () => {
    const server = await cached({ CACHE_ENABLED: 'false', REDIS_URL: 'redis://127.0.0.1:1' });
    expect([await outcome(server, 'iris', iris(1)), await outcome(server, 'iris', iris(1))]).toEqual([
      'BYPASS',
      'BYPASS',
    ]);
    expect((await server.get<Health>('/api/health')).body.status).toBe('healthy');
    await server.stop();
  });
});

describe('warming the cache up', () => {
  const models = temporaryFolder();
  const lines = ['{"x":[[1,2]]}', '', '{"x":[[1', '[[3,4]]', '{"z":1}', '{"x":[[1,2]]}'].join('\n');
  beforeAll(() => {
    writeModel(models, 'same', identityModel('FP32'), {
      version: '1',
      yaml: 'cache: {warmup_file: warm.jsonl}',
    });
    writeFileSync(join(models, 'same', 'warm.jsonl'), lines);
    writeModel(models, 'flat', identityModel('FP32'), { yaml: 'cache: {warmup_file: nowhere.jsonl}' });
  });

  async function isWarm(server: TestServer): Promise<void> {
    await server.said('"msg":"cache warm-up is done","model":"same","version":"1","requests":5,"failed":2');
    expect([await outcome(server, 'same', '[[1,2]]'), await outcome(server, 'same', '[3,4]')]).toEqual([
      'HIT',
      'HIT',
    ]);
    await server.said(/a cache warm-up request failed.*"line":3/);
    await server.said(/cache warm-up failed.*"model":"flat".*nowhere\.jsonl is not a file/);
  }

  it('has run it when the server is ready, where that is wanted', async () => {
    const server = await cached({ MODEL_DIR: models, CACHE_WARMUP: 'before-ready' });
    expect(await outcome(server, 'same', '[[1,2]]')).toBe('HIT');
    await isWarm(server);
    await server.stop();
  });

  it('runs the file that a model names, and again when other content is loaded', async () => {
    const server = await cached({ MODEL_DIR: models });
    await isWarm(server);
    writeModel(models, 'same', identityModel('FP32', ['M', 2]), { version: '1' });
    await server.post('/v2/repository/models/same/load', {});
    await server.until('it is warm again', () => server.output.split('cache warm-up is done').length === 3);
    expect(await outcome(server, 'same', '[[1,2]]')).toBe('HIT');
    await server.stop();
  });
});

describeWith('redis-server', 'the prediction cache with Redis', (program) => {
  let redis: TestRedis;
  let one: TestServer;
  let other: TestServer;
  beforeAll(async () => {
    redis = await TestRedis.start(program);
    // Enough for a slow machine, and little where it hangs.
    const settings = { REDIS_URL: redis.url, CACHE_REDIS_TIMEOUT_MS: '500' };
    [one, other] = await Promise.all([cached(settings), cached(settings)]);
    for (const server of [one, other]) await server.until('Redis is connected', () => isHealthy(server));
  });
  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await redis.kill();
  });

  async function isHealthy(server: TestServer): Promise<boolean> {
    const { body } = await server.get<Health>('/api/health');
    return body.status === 'healthy' && body.cache_connected;
  }

  /** Waits until what the servers have to write is written. */
  async function stored(server: TestServer, count: number): Promise<void> {
    await server.until(`${count} entries are in Redis`, async () => (await redis.keys()).length === count);
  }

  it('shares answers between servers, to the last bit', async () => {
    const body = iris(2.25);
    const first = await ask(one, 'iris', body);
    await stored(one, 1);
    const second = await ask(other, 'iris', body);
    const third = await ask(other, 'iris', body);
    expect([first, second, third].map(outcomeOf)).toEqual(['MISS', 'HIT', 'HIT']);
    expect(second.body).toMatchObject({ cached: true, result: first.body.result });
    expect(third.body.result).toEqual(first.body.result);
    expect((await redis.keys())[0]).toMatch(/^nestor:iris:[\w-]{43}$/);
    expect((await statistics(other)).redis).toMatchObject({ state: 'connected', hits: 1 });
    const shown = await metrics(other);
    const hits = (tier: string): number => shown.sum('nestor_cache_hits_total', { model: 'iris', tier });
    expect([hits('redis'), hits('memory')]).toEqual([1, 1]);
    expect(shown.sum('nestor_cache_lookups_total', { tier: 'redis', result: 'hit' })).toBe(1);
    expect((await metrics(one)).sum('nestor_cache_writes_total', { tier: 'redis', result: 'stored' })).toBe(
      1,
    );
  });

  it('is cleared for all servers as far as Redis goes', async () => {
    await redis.command('SET', 'nestor-other:iris:key', 'x');
    await redis.command('SET', 'nestor:digits:key', 'x');
    expect((await one.post('/api/cache/clear', { model: 'iris' })).body).toEqual({ memory: 1, redis: 1 });
    expect((await redis.keys()).sort()).toEqual(['nestor-other:iris:key', 'nestor:digits:key']);
    expect((await one.post('/api/cache/clear', {})).body).toEqual({ memory: 0, redis: 1 });
    expect(await redis.keys()).toEqual(['nestor-other:iris:key']);
    await redis.command('FLUSHALL');
  });

  it('goes on without it, tells, and uses it again', async () => {
    await redis.kill();
    await one.until('it is noticed', async () => !(await isHealthy(one)));
    const health = await one.get<Health>('/api/health');
    expect([health.status, health.body.status, health.body.cache_connected]).toEqual([
      200,
      'degraded',
      false,
    ]);
    expect((await one.get('/api/health/ready')).status).toBe(200);
    expect([await seen(one, 'unreachable'), await seen(one, 'connected')]).toEqual([1, 0]);
    for (let i = 0; i < 20; i++) expect(await outcome(one, 'iris', iris(10 + i))).toBe('MISS');
    expect(await outcome(one, 'iris', iris(10))).toBe('HIT');
    const clear = await one.post('/api/cache/clear', {});
    expect([clear.status, clear.headers.get('retry-after')]).toEqual([503, '1']);
    await one.said('Redis cannot be used fully');
    await redis.begin();
    await one.until('it is used again', () => isHealthy(one));
    expect(await outcome(one, 'iris', iris(40))).toBe('MISS');
    await stored(one, 1);
  });

  it('serves nothing wrong, and nothing late, while it is stopped', async () => {
    redis.freeze();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(one, 'iris', iris(50 + i))));
    expect(new Set(answers.map(outcomeOf))).toEqual(new Set(['MISS']));
    await one.until('it is noticed', async () => !(await isHealthy(one)));
    const { redis: before } = await statistics(one);
    for (let i = 0; i < 50; i++) await ask(one, 'iris', iris(150 + i));
    const { redis: after } = await statistics(one);
    // Not one of them waited for it.
    expect(after!.readTimeouts).toBe(before!.readTimeouts);
    expect(after!.skipped).toBe(before!.skipped! + 50);
    const shown = await metrics(one);
    const faults = shown.sum('nestor_cache_redis_faults_total', { operation: 'read', kind: 'timeout' });
    expect(faults).toBe(after!.readTimeouts);
    expect(shown.sum('nestor_cache_redis_circuit_openings_total')).toBeGreaterThan(0);
    redis.thaw();
    await one.until('it is used again', () => isHealthy(one));
  });

  it('says so when it takes no writes', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    for (let i = 0; i < 5; i++) expect(await outcome(one, 'iris', iris(300 + i))).toBe('MISS');
    await one.until('it is noticed', async () => (await statistics(one)).redis?.state === 'read-only');
    const { body } = await one.get<Health>('/api/health');
    expect(body).toMatchObject({ status: 'degraded', cache_connected: true });
    expect(await seen(one, 'read-only')).toBe(1);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await one.until('it is used again', () => isHealthy(one));
  });
});

describeWith('redis-server', 'the prediction cache with Redis behind TLS', (program) => {
  const folder = temporaryFolder('tls');

  describeWith('openssl', 'and a password', (openssl) => {
    it('takes rediss:// with the right one, and logs neither that nor a wrong one', async () => {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
      const request = ['req', '-x509', ...curve, '-nodes', '-days', '2', '-subj', '/CN=redis'];
      const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync(openssl, [...request, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      const port = String(await freePort());
      const tls = [
        '--tls-port',
        port,
        '--tls-cert-file',
        cert,
        '--tls-key-file',
        key,
        '--tls-ca-cert-file',
        cert,
      ];
      const redis = await TestRedis.start(
        program,
        ...tls,
        '--tls-auth-clients',
        'no',
        '--requirepass',
        's3cret-w0rd',
      );
      const served = (word: string): Promise<TestServer> =>
        cached({
          REDIS_URL: `rediss://:${word}@127.0.0.1:${port}`,
          NODE_EXTRA_CA_CERTS: cert,
          LOG_LEVEL: 'trace',
        });
      const [right, wrong] = await Promise.all([served('s3cret-w0rd'), served('wr0ng-w0rd')]);
      await right.said('Redis is connected');
      await wrong.said('Redis cannot be used fully');
      expect((await right.get<Health>('/api/health')).body.cache_connected).toBe(true);
      expect((await wrong.get<Health>('/api/health')).body.cache_connected).toBe(false);
      expect(await outcome(wrong, 'iris', iris(1))).toBe('MISS');
      expect(right.output + wrong.output).not.toMatch(/s3cret|wr0ng|rediss:/);
      await Promise.all([right.stop(), wrong.stop()]);
      await redis.kill();
    });
  });
});
