import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Figures } from './figures';
import { load } from './http-load';

const BODY = Buffer.from('{"x": 1}');

async function loadOn(listener: RequestListener, signal = new AbortController().signal): Promise<Figures> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/api/inference/m?use_cache=false`);
  try {
    // On a busy machine nothing may be answered within so short a time.
    for (let seconds = 0.1; ; seconds *= 2) {
      const request = { url, headers: { 'x-a': 'b' }, body: BODY };
      const figures = await load(request, { connections: 3, seconds, signal });
      if (figures.requests_per_second > 0 || Object.keys(figures.failed).length > 0) return figures;
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('load over HTTP', () => {
  it('sends the whole request, and counts answers of any size that come in pieces', async () => {
    const seen = new Set<string>();
    const figures = await loadOn((req, res) => {
      const parts: Buffer[] = [];
      req.on('data', (part: Buffer) => parts.push(part));
      req.on('end', () => {
        seen.add(
          `${req.method} ${req.url} ${req.headers['x-a'] as string} ${Buffer.concat(parts).toString()}`,
        );
        const answer = Buffer.alloc(300_000, 'a');
        res.writeHead(200, { 'content-length': answer.length });
        res.write(answer.subarray(0, 100));
        res.end(answer.subarray(100));
      });
    });
    expect([...seen]).toEqual(['POST /api/inference/m?use_cache=false b {"x": 1}']);
    expect(figures.requests_per_second).toBeGreaterThan(0);
    expect(figures.failed).toEqual({});
  });

  it('tells answers that are no success, connections that break, and answers without a length', async () => {
    const refused = await loadOn((_, res) => res.writeHead(503, { 'content-length': 0 }).end());
    expect(refused).toMatchObject({ requests_per_second: 0, p50_ms: null });
    expect(Object.keys(refused.failed)).toEqual(['status 503']);
    expect(Object.keys((await loadOn((req) => req.socket.destroy())).failed)).toEqual([
      'the connection broke',
    ]);
    const endless = await loadOn((_, res) => res.write('{') && res.end('}'));
    expect(Object.keys(endless.failed)).toEqual(['an answer without a length']);
  });

  it('ends at once when it is interrupted', async () => {
    const stop = new AbortController();
    await expect(loadOn(() => stop.abort(new Error('enough')), stop.signal)).rejects.toThrow('enough');
  });
});
