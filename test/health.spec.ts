import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Exposition } from './helpers/exposition';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { freePort, spawnServer, startServer } from './helpers/server';

describe('health', () => {
  const partlyBroken = temporaryFolder();
  const empty = temporaryFolder();
  beforeAll(() => {
    writeModel(partlyBroken, 'same', identityModel('FP32'));
    writeFileSync(join(partlyBroken, 'broken.onnx'), 'this is no protobuf');
  });

  it('is live, ready and healthy with every required model', async () => {
    const server = await startServer();
    const { status, body } = await server.get('/api/health');
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ status: 'healthy', models_loaded: true, cache_connected: false }),
    ]);
    expect(body.threads).toMatchObject({ workers: 1, slots: expect.any(Number) as unknown });
    expect((await server.get('/api/health/live')).body).toEqual({ status: 'ok' });
    const ready = await server.get('/api/health/ready');
    expect(ready).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        details: {
          models: { status: 'up', models: { digits: { state: 'READY' } } },
          server: { status: 'up' },
        },
      },
    });
    expect(await server.stop()).toBe(0);
  });

  it('is live and degraded, but not ready, without a required model', async () => {
    const port = await freePort();
    const server = await spawnServer({ MODEL_NAMES: 'iris,absent', MANAGEMENT_PORT: String(port) });
    await server.said(`is NOT ready, at ${server.url}`);
    const reason = 'it is not in the model folder';
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'error', error: { models: { models: { absent: { state: 'UNAVAILABLE', reason } } } } },
    });
    expect((await server.get('/v2/health/ready')).status).toBe(503);
    expect((await server.get('/api/health')).body).toMatchObject({
      status: 'degraded',
      models_loaded: true,
      models_unavailable: { absent: reason },
    });
    await server.said(`models: iris 1, unavailable: absent (${reason}), pid`);
    await server.until('the supervisor says so, too', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      const body = (await answer.json()) as { unavailable?: Record<string, string> };
      return answer.status === 503 && body.unavailable?.absent === reason;
    });
    // The rest is served.
    expect((await server.post('/api/inference/iris', [5.1, 3.5, 1.4, 0.2])).status).toBe(200);
    await server.stop();
  });

  it('is ready without what nobody requires, and names it everywhere', async () => {
    const port = await freePort();
    const server = await startServer({
      MODEL_DIR: partlyBroken,
      MANAGEMENT_PORT: String(port),
      WORKERS: '2',
    });
    await server.workersReady(2);
    const reason = expect.stringContaining('broken.onnx cannot be used') as string;
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 200,
      body: { details: { models: { status: 'up', degraded: { broken: reason } } } },
    });
    expect((await server.get('/v2/health/ready')).status).toBe(200);
    expect((await server.get('/api/health')).body).toMatchObject({
      status: 'degraded',
      models_unavailable: { broken: reason },
    });
    await server.until('the supervisor says so, too', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      const body = (await answer.json()) as { degraded: Record<string, string> };
      return answer.status === 200 && body.degraded.broken?.includes('cannot be used') === true;
    });
    await server.said(/is ready at .* models: same 1, unavailable: broken \(broken\.onnx/);
    const shown = new Exposition(await (await fetch(`${server.url}/metrics`)).text());
    const available = shown.series.filter(({ name }) => name === 'nestor_model_available');
    expect(available.map(({ labels: { model }, value }) => [model, value])).toEqual([
      ['same', 1],
      ['broken', 0],
    ]);
    // Each load, and each that fails, is one line for the server.
    expect(server.output.match(/"msg":"model loaded"/g)).toHaveLength(1);
    expect(server.output.match(/"msg":"model could not be loaded"/g)).toHaveLength(1);

    // What is taken out of service on purpose is no fault, but a server of nothing is not ready.
    await server.post('/v2/repository/models/same/unload', '');
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 503,
      body: { error: { models: { degraded: { broken: reason } } } },
    });
    await server.stop();
  });

  it('is never ready without any model, and says so', async () => {
    const server = await spawnServer({ MODEL_DIR: empty });
    await server.said(/is NOT ready.*no models \(one goes into MODEL_DIR as <name>\/1\/model\.onnx\)/);
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 503,
      body: { error: { models: { reason: 'there is no model in the model folder' } } },
    });
    await server.stop();
  });

  it('is not ready when a required model was unloaded, until it is back', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris', WORKERS: '0' });
    await server.post('/v2/repository/models/iris/unload', '');
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 503,
      body: { error: { models: { models: { iris: { reason: 'it was unloaded by a call' } } } } },
    });
    await server.post('/v2/repository/models/iris/load', '');
    expect((await server.get('/api/health/ready')).status).toBe(200);
    await server.stop();
  });

  it('says why a corrupt model is not served, without a path', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nestor-models-'));
    writeFileSync(join(dir, 'broken.onnx'), 'this is no protobuf');
    const server = await spawnServer({ MODEL_DIR: dir });
    await server.said('is NOT ready');
    expect((await server.get('/api/health')).body).toMatchObject({
      status: 'degraded',
      models_loaded: false,
    });
    const { body } = await server.get<{ models: { state: string; reason: string }[] }>(
      '/api/inference/models',
    );
    expect(body.models).toMatchObject([
      { name: 'broken', state: 'UNAVAILABLE', reason: expect.any(String) as unknown },
    ]);
    const answer = await server.post('/api/inference/broken', {});
    expect(answer).toMatchObject({ status: 503, body: { code: 'model_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(JSON.stringify([body, answer.body])).not.toContain(dir);
    await server.said('model could not be loaded');
    await server.stop();
  });
});
