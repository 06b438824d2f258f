import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { Authority, type Certificate } from './helpers/certificates';
import { temporaryFolder } from './helpers/model-folder';
import { describeWith } from './helpers/requirements-of-tests';
import { spawnServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

const IRIS = '[5.1, 3.5, 1.4, 0.2]';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  readonly certificate: PeerCertificate;
}

describeWith('openssl', 'a server with a certificate', (openssl) => {
  const folder = temporaryFolder('tls');
  let authority: Authority;
  let clients: Authority;
  let first: Certificate;
  let second: Certificate;
  const served = { certFile: join(folder, 'served.crt'), keyFile: join(folder, 'served.key') };

  beforeAll(() => {
    authority = new Authority(openssl, folder, 'authority');
    clients = new Authority(openssl, folder, 'clients');
    first = authority.sign('first', 'DNS:localhost', 'IP:127.0.0.1');
    second = authority.sign('second', 'DNS:localhost', 'IP:127.0.0.1');
    serve(first);
  });

  function serve({ certFile, keyFile }: Certificate): void {
    copyFileSync(certFile, served.certFile);
    copyFileSync(keyFile, served.keyFile);
  }

  async function start(env: Record<string, string> = {}): Promise<TestServer> {
    const server = await spawnServer({
      TLS_CERT_FILE: served.certFile,
      TLS_KEY_FILE: served.keyFile,
      AUTH_RELOAD_INTERVAL_MS: '50',
      ...env,
    });
    await server.said('is ready at https://');
    return server;
  }

  function call(
    server: TestServer,
    path: string,
    options: RequestOptions = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: server.port,
          path,
          ca: readFileSync(authority.certFile),
          timeout: 5000,
          ...options,
        },
        (res) => {
          const certificate = (res.socket as TLSSocket).getPeerCertificate();
          let text = '';
          res.on('data', (piece: Buffer) => (text += piece.toString()));
          res.on('end', () =>
            resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text, certificate }),
          );
        },
      );
      sent.on('timeout', () => sent.destroy(new Error('no answer in time'))).on('error', reject);
      if (body !== undefined) sent.setHeader('content-type', 'application/json');
      sent.end(body);
    });
  }

  const infer = (server: TestServer, options: RequestOptions = {}, body = IRIS): Promise<Answer> =>
    call(server, '/api/inference/iris', { method: 'POST', ...options }, body);

  it('serves over TLS alone, from 1.2 up, and tells browsers to stay with it', async () => {
    const server = await start();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { status, headers } = await infer(server, { maxVersion, agent: false });
      expect([status, headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    }
    await expect(
      infer(server, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', agent: false }),
    ).rejects.toThrow();
    expect((await call(server, '/docs')).headers['strict-transport-security']).toBe('max-age=31536000');
    // Plain HTTP gets no answer that a client could mistake, and does no harm.
    const plain = connectPlain(server.port, '127.0.0.1');
    let said = '';
    plain.on('data', (piece: Buffer) => (said += piece.toString('latin1'))).on('error', () => undefined);
    plain.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => plain.once('close', resolve));
    expect(said).not.toMatch(/nestor_|200 OK/);
    // Bodies come whole, whatever their size.
    const rows = Array.from({ length: 20_000 }, () => [5.1, 3.5, 1.4, 0.2]);
    const large = await infer(server, {}, JSON.stringify({ features: rows }));
    expect((JSON.parse(large.body) as { result: { label: number[] } }).result.label).toEqual(
      rows.map(() => 0),
    );
    expect(await server.stop()).toBe(0);
  });

  it('takes a new certificate while requests pass, on connections that stay, and keeps it when one is broken', async () => {
    const server = await start({ WORKERS: '2' });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const name = async (): Promise<string> =>
      String((await call(server, '/api/health/live', { agent: false })).certificate.subject.CN);
    expect(await name()).toBe('first');
    const statuses: number[] = [];
    let loading = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (loading) statuses.push((await infer(server, { agent })).status);
      }),
    );
    serve(second);
    // Each of the workers has to have seen it.
    let inARow = 0;
    await until('new connections get the second', async () => {
      inARow = (await name()) === 'second' ? inARow + 1 : 0;
      return inARow === 10;
    });
    writeFileSync(served.certFile, 'broken');
    await server.said('the TLS files cannot be used as they are now');
    expect(await name()).toBe('second');
    copyFileSync(first.certFile, served.certFile);
    await server.said('key values mismatch');
    expect(await name()).toBe('second');
    loading = false;
    await load;
    agent.destroy();
    expect(statuses.length).toBeGreaterThan(50);
    expect(new Set(statuses)).toEqual(new Set([200]));
    serve(first);
    await server.stop();
  });

  it('knows a caller by the name in its certificate, and lets no page use that', async () => {
    const keys = join(folder, 'keys.yaml');
    writeFileSync(
      keys,
      `keys:
  - { name: gateway, certificate: gateway.internal, scopes: [infer, models:write] }
  - { name: job, certificate: 'spiffe://cluster/job,one', scopes: [models:read] }
`,
    );
    const server = await start({
      AUTH_KEYS_FILE: keys,
      TLS_CLIENT_AUTH: 'want',
      TLS_CLIENT_CA_FILE: clients.certFile,
    });
    const as = ({ certFile, keyFile }: Certificate) => ({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      agent: false as const,
    });
    const gateway = as(clients.sign('gateway', 'DNS:other', 'DNS:gateway.internal'));
    const job = as(clients.sign('job', 'URI:spiffe://cluster/job,one'));
    const stranger = as(clients.sign('stranger', 'DNS:nobody'));
    const forged = as(authority.sign('forged', 'DNS:gateway.internal'));
    expect((await infer(server, gateway)).status).toBe(200);
    expect((await infer(server, job)).status).toBe(403);
    for (const options of [stranger, forged, { agent: false }] as const)
      expect((await infer(server, options)).status).toBe(401);
    expect((await call(server, '/api/health/ready', { agent: false })).status).toBe(200);
    const load = (headers: Record<string, string>): Promise<Answer> =>
      call(server, '/v2/repository/models/iris/load', { method: 'POST', headers, ...gateway }, '{}');
    expect((await load({})).status).toBe(200);
    expect((await load({ origin: 'https://evil.example' })).status).toBe(403);
    // A connection that is taken up again is still the same caller's.
    const agent = new Agent({ cert: gateway.cert, key: gateway.key, maxCachedSessions: 10 });
    for (let i = 0; i < 3; i++) expect((await infer(server, { ...gateway, agent })).status).toBe(200);
    // Keys that change end it on a connection that is open.
    const kept = new Agent({ cert: gateway.cert, key: gateway.key, keepAlive: true, maxSockets: 1 });
    expect((await infer(server, { ...gateway, agent: kept })).status).toBe(200);
    writeFileSync(keys, 'keys: []');
    await until(
      'it is nobody any more',
      async () => (await infer(server, { ...gateway, agent: kept })).status === 401,
    );
    kept.destroy();
    await server.stop();
  });

  it('refuses at the door who has no certificate, where one is required', async () => {
    const server = await start({
      TLS_CLIENT_AUTH: 'require',
      TLS_CLIENT_CA_FILE: clients.certFile,
      AUTH: 'off',
    });
    const { certFile, keyFile } = clients.sign('anybody', 'DNS:anybody');
    const own = { cert: readFileSync(certFile), key: readFileSync(keyFile), agent: false } as const;
    expect((await infer(server, own)).status).toBe(200);
    await expect(infer(server, { agent: false })).rejects.toThrow();
    // Many that never finish to agree on how to speak take nothing from the others.
    const silent = Array.from({ length: 50 }, () =>
      connectPlain(server.port, '127.0.0.1').on('error', () => undefined),
    );
    const odd = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }).on(
      'error',
      () => undefined,
    );
    expect((await infer(server, own)).status).toBe(200);
    for (const socket of silent) socket.destroy();
    odd.destroy();
    await server.stop();
  });

  it.each(['0', '1'])('does not start with a key of another certificate: WORKERS=%s', async (WORKERS) => {
    const server = await spawnServer({
      WORKERS,
      TLS_CERT_FILE: first.certFile,
      TLS_KEY_FILE: second.keyFile,
    });
    expect(await server.exited).toBe(1);
    expect(server.output).toMatch(/TLS_CERT_FILE.*key values mismatch/);
  });
});
