import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './helpers/model-folder';
import { MODELS, startServer, type TestServer } from './helpers/server';
import { SteadyLoad } from './helpers/steady-load';

const SETOSA = { features: [[5.1, 3.5, 1.4, 0.2]] };

/** Another version of iris, as good as the first. */
function addVersion(dir: string, version: string): void {
  mkdirSync(join(dir, 'iris', version), { recursive: true });
  cpSync(join(dir, 'iris', '1', 'model.onnx'), join(dir, 'iris', version, 'model.onnx'));
}

const loadIris = (server: TestServer) => server.post('/v2/repository/models/iris/load', '');

async function versionsServed(server: TestServer): Promise<Set<unknown>> {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => server.post('/api/inference/iris', SETOSA)),
  );
  return new Set(answers.map(({ status, body }) => (status === 200 ? body.version : status)));
}

describe('changes of models on a running server of two workers', () => {
  let dir: string;
  let server: TestServer;
  const version = (n: string): void => addVersion(dir, n);
  const load = () => loadIris(server);
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'nestor-models-'));
    cpSync(MODELS, dir, { recursive: true });
    server = await startServer({ MODEL_DIR: dir, WORKERS: '2', MODEL_NAMES: 'iris,digits' });
    await server.workersReady(2);
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    rmSync(dir, { recursive: true });
  });

  it('swaps in a new version on every worker without failing a request', async () => {
    const steady = new SteadyLoad(server, '/api/inference/iris', SETOSA);
    await steady.answered(20);
    for (const n of ['2', '3', '4']) {
      version(n);
      expect((await load()).status).toBe(200);
      expect(await versionsServed(server)).toEqual(new Set([n]));
    }
    await steady.answered(20);
    expect(await steady.stop()).toEqual({ failed: [] });
  });

  it('leaves the old version serving everywhere when the new one cannot be loaded, and says why', async () => {
    version('5');
    writeFileSync(join(dir, 'iris', '5', 'model.onnx'), 'no model');
    const answer = await load();
    expect(answer).toMatchObject({ status: 503, body: { error: /version 5/ } });
    expect(await versionsServed(server)).toEqual(new Set(['4']));
    rmSync(join(dir, 'iris', '5'), { recursive: true });
  });

  it('leaves the old version serving when the new one fails its golden cases', async () => {
    const yaml = join(dir, 'iris', 'model.yaml');
    const golden = (label: number): string =>
      `golden: [{inputs: {features: [[5.1, 3.5, 1.4, 0.2]]}, outputs: {label: [${label}]}}]\n`;
    writeFileSync(yaml, golden(2));
    version('6');
    expect(await load()).toMatchObject({ status: 503, body: { error: /golden case 1.*expected 2, got 0/ } });
    expect(await versionsServed(server)).toEqual(new Set(['4']));
    writeFileSync(yaml, golden(0));
    expect((await load()).status).toBe(200);
    expect(await versionsServed(server)).toEqual(new Set(['6']));
  });

  it('gives a worker that follows a dead one what the others have', async () => {
    await server.post('/v2/repository/models/digits/unload', '');
    const [dying = 0] = server.workers();
    process.kill(dying, 'SIGKILL');
    await server.until('there is a new worker', async () => {
      // The client's own pool still has connections to the dead one, which fail once.
      await versionsServed(server).catch(() => undefined);
      return server.workers().length === 2 && !server.workers().includes(dying);
    });
    await server.workersReady(2);
    expect(await versionsServed(server)).toEqual(new Set(['6']));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => server.post('/api/inference/digits', [])),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect((await server.post('/v2/repository/models/digits/load', '')).status).toBe(200);
  });

  it('gives requests the version that they name, whatever is under way', async () => {
    const naming = (version: string): SteadyLoad =>
      new SteadyLoad(
        server,
        `/api/inference/iris?version=${version}`,
        SETOSA,
        (answer) => answer.version === version,
      );
    version('7');
    const loads = [naming('6'), naming('7'), naming('1')];
    await Promise.all(loads.map((steady) => steady.answered(5)));
    expect((await load()).status).toBe(200);
    expect(await versionsServed(server)).toEqual(new Set(['7']));
    await Promise.all(loads.map((steady) => steady.answered(5)));
    for (const steady of loads) expect(await steady.stop()).toEqual({ failed: [] });
  });

  it('makes calls wait for each other, so that the last one decides on every worker', async () => {
    const unload = () => server.post('/v2/repository/models/iris/unload', '');
    const answers = await Promise.all([load(), unload(), load(), load(), unload(), load()]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await versionsServed(server)).size).toBe(1);
    expect((await load()).status).toBe(200);
    expect(await versionsServed(server)).toEqual(new Set(['7']));
  });

  it('replaces all workers on SIGHUP, with what the folder has then, without failing a request', async () => {
    const before = server.workers();
    const steady = new SteadyLoad(server, '/api/inference/iris', SETOSA);
    await steady.answered(20);
    version('8');
    server.process.kill('SIGHUP');
    await server.until('all workers are new', () => server.workers().every((pid) => !before.includes(pid)));
    await server.workersReady(2);
    await steady.answered(20);
    expect(await steady.stop()).toEqual({ failed: [] });
    expect(await versionsServed(server)).toEqual(new Set(['8']));
  });

  it('keeps workers on SIGHUP whose model is broken on disk by now', async () => {
    writeFileSync(join(dir, 'iris', '8', 'model.onnx'), 'no model');
    const before = server.workers();
    server.process.kill('SIGHUP');
    await server.until(
      'both stay',
      () => server.output.match(/the new worker lacks models, the old one stays/g)?.length === 2,
    );
    await server.until('the new ones have left', () => server.workers().length === 2);
    expect(server.workers().sort()).toEqual(before.sort());
    expect(await versionsServed(server)).toEqual(new Set(['8']));
  });
});

describe('a change of a model while a worker starts', () => {
  const dir = temporaryFolder();

  it('reaches the worker that has loaded its models and does not serve yet', async () => {
    cpSync(join(MODELS, 'iris'), join(dir, 'iris'), { recursive: true });
    const held = join(__dirname, 'helpers', 'late-worker.js');
    const server = await startServer({ MODEL_DIR: dir, WORKERS: '2', NODE_OPTIONS: `--require=${held}` });
    await server.said('is about to serve');
    const pid = Number(/pid (\d+) is about to serve/.exec(server.output)?.[1]);
    addVersion(dir, '2');
    expect((await loadIris(server)).status).toBe(200);
    process.kill(pid, 'SIGUSR2');
    await server.said('is ready at');
    expect(await versionsServed(server)).toEqual(new Set(['2']));
    expect(await server.stop()).toBe(0);
  });
});
