import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Exposition } from './helpers/exposition';
import { temporaryFolder } from './helpers/model-folder';
import { type Behaviour, goodAnswer, json, RemoteServer } from './helpers/remote-server';
import { type Answer, freePort, startServer, spawnServer, type TestServer } from './helpers/server';
import { SteadyLoad } from './helpers/steady-load';
import { until } from './helpers/until';

const FEATURES = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.0, 5.2, 2.3],
];

interface Health {
  details: { models: { models: Record<string, { state: string; reason?: string }> } };
}

const FOLDERS = temporaryFolder('remote');
const modelFolder = (): string => mkdtempSync(join(FOLDERS, 'models-'));

/** Declares a remote model in a model folder. */
function declare(folder: string, name: string, yaml: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'model.yaml'), `runtime: remote\n${yaml}`);
}

function logged(server: TestServer, file: string): string {
  return readFileSync(join(server.logDir, file), 'utf8');
}

describe('one Nestor in front of two', () => {
  let behind: TestServer[];
  let front: TestServer;
  beforeAll(async () => {
    behind = await Promise.all([startServer(), startServer()]);
    const folder = modelFolder();
    const urls = behind.map(({ url }) => url).join(', ');
    declare(folder, 'iris', `urls: [${urls}]\nbatching: true\nretries: 2`);
    declare(
      folder,
      'once',
      `urls: [${behind.map(({ url }) => `${url}/v2/models/iris`).join(', ')}]\nretries: 0`,
    );
    declare(folder, 'numbers', `urls: ${behind[0]!.url}/v2/models/digits/versions/1\nprotocol: v2-json`);
    front = await startServer({
      MODEL_DIR: folder,
      MODEL_NAMES: 'iris,once,numbers,external',
      EXTERNAL_API_URL: `${behind[1]!.url}/v2/models/digits`,
    });
  });

  it('answers as they do, in both protocols', async () => {
    const [one] = behind;
    const { body: direct } = await one!.post('/api/inference/iris', { features: FEATURES });
    const { status, body } = await front.post('/api/inference/iris', { features: FEATURES });
    expect([status, body]).toEqual([200, { ...direct, processing_time: expect.any(Number) as number }]);
    const inputs = [{ name: 'features', datatype: 'FP32', shape: [2, 4], data: FEATURES }];
    const v2 = await front.post('/v2/models/iris/infer', { inputs });
    expect(v2.body).toEqual((await one!.post('/v2/models/iris/infer', { inputs })).body);
  });

  it('knows what they take and give, and shows a request that works', async () => {
    for (const [model, there] of [
      ['iris', 'iris'],
      ['numbers', 'digits'],
      ['external', 'digits'],
    ] as const) {
      const { body } = await front.get<{ inputs: unknown; example: unknown }>(`/api/inference/${model}`);
      const { body: original } = await behind[0]!.get<{ inputs: object[] }>(`/api/inference/${there}`);
      // The protocol does not carry names of dimensions.
      const known = original.inputs.map((input) => ({ ...input, dimensions: undefined }));
      expect(body.inputs).toEqual(known);
      expect((await front.post(`/api/inference/${model}`, body.example)).status).toBe(200);
    }
    expect((await front.get('/v2/models/iris')).body).toMatchObject({ platform: 'remote', versions: ['1'] });
  });

  it('refuses what they would refuse, without asking them', async () => {
    const { status, body } = await front.post('/api/inference/iris', { features: [[1, 2, 3]] });
    expect([status, body.code]).toEqual([400, 'shape_mismatch']);
  });

  it('hands the request id on', async () => {
    const headers = { 'x-request-id': 'over-two-servers' };
    await front.post('/api/inference/iris', { features: FEATURES }, headers);
    await until('a server behind has logged it', () =>
      behind.some((server) => logged(server, 'access.log').includes('over-two-servers')),
    );
  });

  it('joins requests, where that is declared', async () => {
    const { body } = await front.get('/api/inference/iris');
    expect(body.batching).toEqual({ enabled: true, max_batch_rows: 64 });
    const answers = await Promise.all(
      FEATURES.flatMap((row) =>
        Array.from({ length: 20 }, () =>
          front.post<{ result: { label: number[] } }>('/api/inference/iris', { features: [row] }),
        ),
      ),
    );
    expect(answers.map(({ body: { result } }) => result.label[0])).toEqual([
      ...Array<number>(20).fill(0),
      ...Array<number>(20).fill(2),
    ]);
    const metrics = new Exposition((await front.get<string>('/metrics')).body);
    const model = { model: 'iris', version: '1' };
    expect(metrics.sum('nestor_batch_rows_sum', model)).toBeGreaterThan(
      metrics.sum('nestor_batch_rows_count', model),
    );
  });

  it('counts by remote', async () => {
    await front.post('/api/inference/numbers', { image: Array<number>(64).fill(0) });
    const remote = new URL(behind[0]!.url).host;
    const metrics = new Exposition((await front.get<string>('/metrics')).body);
    const labels = { model: 'numbers', remote };
    expect(metrics.sum('nestor_remote_calls_total', { ...labels, outcome: 'success' })).toBeGreaterThan(0);
    expect(metrics.sum('nestor_remote_sent_bytes_total', labels)).toBeGreaterThan(0);
    expect(metrics.sum('nestor_remote_ejected', labels)).toBe(0);
  });

  // The last one: one of them does not come back.
  it('fails no request when one of them is killed under load, and without retries none once it is out of use', async () => {
    const body = { features: FEATURES };
    const retried = new SteadyLoad(front, '/api/inference/iris', body);
    const once = new SteadyLoad(front, '/api/inference/once', body);
    await Promise.all([retried.answered(100), once.answered(100)]);
    const killed = { model: 'once', remote: new URL(behind[0]!.url).host };
    await behind[0]!.remove();
    await front.until('it is out of use, and no call is under way there', async () => {
      const metrics = new Exposition((await front.get<string>('/metrics')).body);
      const outstanding = metrics.sum('nestor_remote_outstanding_calls', killed);
      return metrics.sum('nestor_remote_ejected', killed) === 1 && outstanding === 0;
    });
    const { failed } = await once.stop();
    const since = new SteadyLoad(front, '/api/inference/once', body);
    await Promise.all([retried.answered(200), since.answered(200)]);
    expect([await retried.stop(), await since.stop()]).toEqual([{ failed: [] }, { failed: [] }]);
    // Those that noticed it.
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter((failure) => !/^50[23] .*(bad_upstream|model_unavailable)/.test(failure))).toEqual(
      [],
    );
    const ready = async (path: string): Promise<boolean> => (await front.get(path)).status === 200;
    // The model that was on that one alone.
    await front.until('it is not ready', async () => !(await ready('/v2/models/numbers/ready')));
    expect(await ready('/v2/models/iris/ready')).toBe(true);
    await front.until('the server is not ready', async () => !(await ready('/api/health/ready')));
    expect(await front.stop()).toBe(0);
  });
});

/** Models of one server, each on a remote of its own. */
const MODELS = {
  plain: 'retries: 0\ntimeout_ms: 300',
  patient: 'timeout_ms: 60000',
  cached: 'timeout_ms: 60000\ncache: { enabled: true }',
  narrow: 'max_connections: 1',
  batched: 'batching: true\nmax_connections: 1\nidempotent: false',
  secret: "headers: { authorization: { env: VENDOR_TOKEN, prefix: 'Bearer ' } }\nretries: 0",
  template: `protocol: template
headers: { x-token: { env: VENDOR_TOKEN } }
inputs: [{ name: text, datatype: BYTES, shape: [-1] }]
outputs:
  - { name: score, datatype: FP32, shape: [-1] }
  - { name: label, datatype: BYTES, shape: [-1] }
request: { instances: { $rows: { content: $text } }, parameters: { top_k: 1 } }
response: { score: 'predictions[*].score', label: 'predictions[*].label' }
batching: true`,
};
type ModelName = keyof typeof MODELS;

describe('a remote model of a server', () => {
  const remotes = new Map<ModelName, RemoteServer>();
  let server: TestServer;
  beforeAll(async () => {
    const folder = modelFolder();
    for (const [name, yaml] of Object.entries(MODELS) as [ModelName, string][]) {
      const remote = await RemoteServer.start();
      remotes.set(name, remote);
      const cache = yaml.includes('cache:') ? '' : '\ncache: { enabled: false }';
      declare(folder, name, `urls: ${remote.url}\n${yaml}${cache}`);
    }
    server = await startServer({
      MODEL_DIR: folder,
      MAX_QUEUE_REQUESTS: '2',
      MAX_RESIDENT_MODELS: '10',
      CACHE_ENABLED: 'true',
      LOG_LEVEL: 'trace',
      VENDOR_TOKEN: 'tok-98765',
      REMOTE_SECRET_NAMES: 'VENDOR_TOKEN',
      // So small a queue may refuse a warm-up at the start: the probe has it tried again.
      MODEL_NAMES: Object.keys(MODELS).join(),
    });
  });
  afterAll(() => Promise.all([...remotes.values()].map((remote) => remote.stop())));

  const remoteOf = (name: ModelName): RemoteServer => remotes.get(name)!;
  const infer = (name: ModelName, x = [1, 2], headers: Record<string, string> = {}): Promise<Answer> =>
    server.post(`/api/inference/${name}`, { x }, headers);

  /** Holds back the next call of a model that makes one at a time, until told to let go. */
  async function hold(name: ModelName): Promise<() => void> {
    let letGo: (() => void) | undefined;
    remoteOf(name).infer = (res, request) => (letGo = () => json(goodAnswer())(res, request));
    void infer(name);
    await until('the call is there', () => letGo !== undefined);
    return letGo!;
  }

  async function waiting(count: number): Promise<void> {
    await until(`${count} calls wait`, async () => {
      const metrics = new Exposition((await server.get<string>('/metrics')).body);
      return metrics.sum('nestor_queue_requests') === count;
    });
  }

  it('turns what goes wrong there into clear errors here', async () => {
    const remote = remoteOf('plain');
    const cases: [Behaviour, number, string][] = [
      [json({ error: 'odd' }, 400), 502, 'bad_upstream'],
      [json({}, 500), 502, 'bad_upstream'],
      [json('nonsense'), 502, 'bad_upstream'],
      [json({}, 503, { 'retry-after': '3' }), 503, 'model_unavailable'],
      [() => undefined, 504, 'deadline_exceeded'],
    ];
    for (const [behaviour, status, code] of cases) {
      remote.infer = behaviour;
      const answer = await infer('plain');
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.headers.get('retry-after')).toBe(status === 503 ? '3' : null);
      remote.infer = json(goodAnswer());
      for (let i = 0; i < 2; i++) expect((await infer('plain')).status).toBe(200);
    }
  });

  it.each(['patient', 'cached'] as const)(
    'stops a call whose client left, and one whose time is up (%s)',
    async (name) => {
      const remote = remoteOf(name);
      const calls = remote.calls.length;
      let left = 0;
      remote.infer = (res) => res.on('close', () => left++);
      const abort = new AbortController();
      const client = fetch(`${server.url}/api/inference/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"x": [1, 2]}',
        signal: abort.signal,
      });
      client.catch(() => undefined);
      await until('the call is there', () => remote.calls.length > calls);
      abort.abort();
      await until('it has been broken off', () => left === 1);
      const late = await infer(name, [3, 4], { 'x-request-timeout-ms': '200' });
      expect([late.status, late.body.code]).toEqual([504, 'deadline_exceeded']);
      // A deadline may pass before the call has left.
      await until('it has been broken off too', () => left === remote.calls.length - calls);
      for (const { headers } of remote.calls.slice(calls + 1)) {
        expect(Number(headers['x-request-timeout-ms'])).toBeLessThanOrEqual(200);
      }
    },
  );

  it('is admitted like any other: what finds the queue full is refused at once', async () => {
    const letGo = await hold('narrow');
    const queued = [infer('narrow'), infer('narrow')];
    await waiting(2);
    const refused = await infer('narrow');
    expect([refused.status, refused.body.code]).toEqual([503, 'overloaded']);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    remoteOf('narrow').infer = json(goodAnswer());
    letGo();
    expect((await Promise.all(queued)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each<[string, Behaviour, number]>([
    ['sent one by one where only one of them may be to blame', json({ error: 'odd' }, 400), 3],
    ['not sent again where they may have been carried out', (res) => res.socket?.destroy(), 1],
  ])('has the requests of a batch that failed %s', async (_, behaviour, calls) => {
    const letGo = await hold('batched');
    const queued = [infer('batched', [1, 2]), infer('batched', [3, 4])];
    await waiting(2);
    const remote = remoteOf('batched');
    const before = remote.calls.length;
    remote.infer = behaviour;
    letGo();
    for (const { status, body } of await Promise.all(queued)) {
      expect([status, body.code]).toEqual([502, 'bad_upstream']);
    }
    expect(remote.calls.length - before).toBe(calls);
  });

  it('is cached like any other', async () => {
    remoteOf('cached').infer = json(goodAnswer());
    const outcomes: (string | null)[] = [];
    for (let i = 0; i < 2; i++) outcomes.push((await infer('cached')).headers.get('x-cache'));
    expect(outcomes).toEqual(['MISS', 'HIT']);
  });

  it('may speak another JSON API', async () => {
    const remote = remoteOf('template');
    // Whoever gave no example is not sent a guess.
    expect(remote.calls).toEqual([]);
    remote.infer = (res, request) => {
      const { instances } = JSON.parse(request.body.toString()) as { instances: { content: string }[] };
      const predictions = instances.map(({ content }) => ({
        label: content.toUpperCase(),
        score: content.length,
      }));
      json({ predictions })(res, request);
    };
    const { status, body } = await server.post('/api/inference/template', { text: ['good', 'bad'] });
    expect([status, body.result]).toEqual([200, { score: [4, 3], label: ['GOOD', 'BAD'] }]);
    const [call] = remote.calls;
    expect(call?.path).toBe('/');
    expect(JSON.parse(call!.body.toString())).toEqual({
      instances: [{ content: 'good' }, { content: 'bad' }],
      parameters: { top_k: 1 },
    });
  });

  // The last one: it stops the server.
  it('sends its secrets, and never shows them', async () => {
    const remote = remoteOf('secret');
    const said = { error: `${new URL(remote.url).host} says that tok-98765 (user:tok%2D98765) has expired` };
    remote.infer = json(said, 401);
    const { body: refused } = await infer('secret');
    remote.infer = json(said, 400);
    const { body } = await infer('secret');
    expect(body.message).toContain('[remote] says that [secret] (user:[secret]) has expired');
    const encoded = Buffer.from('user:tok-98765').toString('base64');
    const labels = ['tok-98765', encoded, 'tok-9'];
    remoteOf('template').infer = json({ predictions: labels.map((label) => ({ score: 1, label })) });
    const echoed = await server.post('/api/inference/template', { text: ['a', 'b', 'c'] });
    expect(echoed.body.result).toMatchObject({
      label: ['[secret]', expect.stringContaining('[secret]'), 'tok-9'],
    });
    expect(JSON.stringify(echoed.body)).not.toContain(encoded);
    remote.infer = (res) => res.socket?.destroy();
    await infer('secret');
    expect(remote.calls.at(-1)?.headers.authorization).toBe('Bearer tok-98765');
    expect(await server.stop()).toBe(0);
    const log = server.output + logged(server, 'app.log');
    expect(log).toContain('"model":"secret"');
    expect(log + JSON.stringify([refused, body])).not.toContain('tok-98765');
  });
});

describe('changes of a remote model', () => {
  it('are made without a gap, and the calls then go elsewhere', async () => {
    const [remote, other] = [await RemoteServer.start(), await RemoteServer.start()];
    remote.infer = json(goodAnswer(1, 10));
    other.infer = json(goodAnswer(1, 20));
    const folder = modelFolder();
    declare(folder, 'm', `urls: ${remote.url}`);
    const server = await startServer({ MODEL_DIR: folder, WORKERS: '2' });
    const load = new SteadyLoad(server, '/api/inference/m', { x: [1, 2] });
    await load.answered(20);
    declare(folder, 'm', `urls: ${other.url}`);
    expect((await server.post('/v2/repository/models/m/load', {})).status).toBe(200);
    await load.answered(20);
    const calls = remote.calls.length;
    await load.answered(20);
    expect(await load.stop()).toEqual({ failed: [] });
    const { body } = await server.post('/api/inference/m', { x: [1, 2] });
    expect([body.result, remote.calls.length]).toEqual([{ y: [[20, 21]] }, calls]);
    await server.stop();
    await Promise.all([remote.stop(), other.stop()]);
  });
});

describe('readiness of a server with a remote model', () => {
  it('follows the remote, from one that is not up yet on, without a request', async () => {
    const port = await freePort();
    const folder = modelFolder();
    declare(folder, 'm', `urls: http://127.0.0.1:${port}`);
    const server = await spawnServer({ MODEL_DIR: folder });
    await server.said('is NOT ready');
    const { status, body } = await server.get<Health>('/api/health/ready');
    expect(status).toBe(503);
    expect(body.details.models.models.m).toMatchObject({
      state: 'UNAVAILABLE',
      reason: expect.stringContaining('cannot be reached') as string,
    });
    const call = await server.post('/api/inference/m', { x: [1, 2] });
    expect([call.status, call.body.code]).toEqual([503, 'model_unavailable']);

    const remote = await RemoteServer.start(port);
    await server.ready();
    expect((await server.post('/api/inference/m', { x: [1, 2] })).status).toBe(200);
    const asked = remote.seen.length;
    for (let i = 0; i < 50; i++) await server.get('/api/health/ready');
    // It is asked now and then, and not by each of them.
    expect(remote.seen.length - asked).toBeLessThan(25);

    await remote.stop();
    await server.until('it is not ready', async () => (await server.get('/api/health/ready')).status === 503);
    expect((await server.get('/api/health/live')).status).toBe(200);
  });
});
