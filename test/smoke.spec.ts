import { startServer } from './helpers/server';

it('starts two workers, serves both models and its documents, and stops', async () => {
  const server = await startServer({ WORKERS: '2' });
  await server.said('2 workers, models: digits 1, iris 1');
  expect(server.workers()).toHaveLength(2);

  const health = await server.get('/api/health');
  expect(health).toMatchObject({ status: 200, body: { status: 'healthy', models_loaded: true } });

  for (const model of ['digits', 'iris']) {
    const { body } = await server.get<{ example: unknown }>(`/api/inference/${model}`);
    const answer = await server.post(`/api/inference/${model}`, body.example);
    expect(answer).toMatchObject({ status: 200, body: { model, version: '1' } });
  }

  const docs = await server.get<{ openapi: string; paths: Record<string, unknown> }>('/docs-json');
  expect(docs.body.openapi).toMatch(/^3\./);
  expect(docs.body.paths).toHaveProperty(['/api/inference/iris']);

  expect(await server.stop()).toBe(0);
});
