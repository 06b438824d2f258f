import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnServer, startServer, type TestServer } from './helpers/server';

const IRIS = { features: [[5.1, 3.5, 1.4, 0.2]] };
const ON = { REHEARSAL: 'true', LOG_LEVEL: 'debug' };

jest.setTimeout(120_000);

const logged = (server: TestServer, name: string): string => {
  const file = join(server.logDir, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe('a server that rehearses', () => {
  it.each(['0', '1'])('counts and logs nothing of it, with %s workers', async (workers) => {
    const server = await startServer({ ...ON, WORKERS: workers });
    await server.said('rehearsal is over');
    expect(server.output).not.toContain('ended early');
    const { body } = await server.get<string>('/metrics');
    expect(body).toMatch(/^nestor_requests_total\{model="iris".*outcome="success"\} 0$/m);
    expect(body).not.toMatch(/^nestor_requests_total.* [1-9]/m);
    expect(body).not.toContain('"rehearsal"');
    expect(await server.stop()).toBe(0);
    const lines = logged(server, 'access.log').trim().split('\n');
    expect(lines.filter((line) => !/"path":"\/(api\/health\/ready|metrics)"/.test(line))).toEqual([]);
    expect(logged(server, 'error.log')).toBe('');
  });

  it('answers real requests meanwhile', async () => {
    const server = await startServer(ON);
    for (let i = 0; i < 50; i++) expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
    await server.said('rehearsal is over');
    const { body } = await server.get<string>('/metrics');
    expect(body).toMatch(/^nestor_requests_total\{model="iris".*protocol="native",outcome="success"\} 50$/m);
  });

  it.each(['0', '2'])(
    'stops promptly and cleanly right after its start, with %s workers',
    async (workers) => {
      const server = await spawnServer({ ...ON, WORKERS: workers });
      await server.said('is ready at');
      const startMs = performance.now();
      expect(await server.stop()).toBe(0);
      expect(performance.now() - startMs).toBeLessThan(5000);
      expect(logged(server, 'error.log')).toBe('');
    },
  );
});

it('does not rehearse with REHEARSAL=false', async () => {
  const server = await startServer({ REHEARSAL: 'false', LOG_LEVEL: 'debug' });
  for (let i = 0; i < 3; i++) expect((await server.post('/api/inference/iris', IRIS)).status).toBe(200);
  await server.stop();
  expect(server.output).not.toMatch(/rehearsal (is over|ended)/);
});
