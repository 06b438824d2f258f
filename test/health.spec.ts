import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnServer, startServer } from './helpers/server';

describe('health', () => {
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
    const server = await spawnServer({ MODEL_NAMES: 'iris,absent' });
    await server.live();
    expect(await server.get('/api/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'error', error: { models: { models: { absent: { state: 'UNAVAILABLE' } } } } },
    });
    // The rest is served.
    expect((await server.post('/api/inference/iris', [5.1, 3.5, 1.4, 0.2])).status).toBe(200);
    await server.stop();
  });

  it('says why a corrupt model is not served, without a path', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nestor-models-'));
    writeFileSync(join(dir, 'broken.onnx'), 'this is no protobuf');
    const server = await spawnServer({ MODEL_DIR: dir });
    await server.live();
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
    expect(server.output).toContain('model could not be loaded');
    await server.stop();
  });
});
