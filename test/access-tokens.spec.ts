import { once } from 'node:events';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer, type TestServer } from './helpers/server';
import { until } from './helpers/until';

const ISSUER = 'https://issuer.test';
const rsa = { modulusLength: 2048 };

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const keyNamed = (kid: string): Key => ({ kid, ...generateKeyPairSync('rsa', rsa) });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function token({ kid, privateKey }: Key, claims: object = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const payload = { iss: ISSUER, aud: 'nestor', sub: 'alice', scope: 'openid infer:iris', exp, ...claims };
  const head = `${part({ alg: 'RS256', kid })}.${part(payload)}`;
  return `${head}.${sign('sha256', Buffer.from(head), privateKey).toString('base64url')}`;
}

describe("a server that takes an issuer's tokens", () => {
  const [first, second, third] = [keyNamed('first'), keyNamed('second'), keyNamed('third')];
  let issuer: Server;
  let answer: RequestListener;
  let asked = 0;
  let server: TestServer;

  const hand =
    (...keys: Key[]): RequestListener =>
    (_, res) => {
      const jwks = keys.map(({ kid, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid,
        use: 'sig',
      }));
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks }));
    };

  const infer = async (bearer: string, model = 'iris'): Promise<number> => {
    const headers = { authorization: `Bearer ${bearer}` };
    return (await server.post(`/api/inference/${model}`, [5.1, 3.5, 1.4, 0.2], headers)).status;
  };

  beforeAll(async () => {
    answer = hand(first);
    issuer = createServer((req, res) => {
      asked++;
      answer(req, res);
    });
    await once(issuer.listen(0, '127.0.0.1'), 'listening');
    server = await startServer({
      WORKERS: '2',
      JWT_JWKS_URL: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`,
      JWT_AUDIENCE: 'nestor',
      JWT_ISSUER: ISSUER,
      CALLER_REQUESTS_PER_SECOND: '10000',
    });
  });

  afterAll(() => {
    issuer.close();
    issuer.closeAllConnections();
  });

  it('lets in who has one, with the scopes in it', async () => {
    expect(await infer(token(first))).toBe(200);
    expect(await infer(token(first), 'digits')).toBe(403);
    expect(await infer(token(first, { scope: 'openid' }))).toBe(403);
    expect(await infer(token(first, { scope: undefined, scp: ['infer'] }))).toBe(200);
    expect(asked).toBe(1);
  });

  it.each<[string, () => string]>([
    ['expired', () => token(first, { exp: 1 })],
    ['for somebody else', () => token(first, { aud: 'other' })],
    ["somebody else's", () => token(first, { iss: 'https://evil.test' })],
    ['not yet good', () => token(first, { nbf: 4e9 })],
    ['of a stolen name', () => token({ ...second, kid: 'first' })],
    ['cut off', () => token(first).slice(0, -2)],
    ['for nobody', () => token(first, { sub: undefined })],
    ['without a signature', () => `${part({ alg: 'none' })}.${token(first).split('.')[1]}.`],
    [
      'signed with the public key',
      () => token(first).replace(/^[^.]+/, part({ alg: 'HS256', kid: 'first' })),
    ],
  ])('lets nobody in whose token is %s', async (_, make) => expect(await infer(make())).toBe(401));

  it('finds a key that is new, and asks once for both workers, whatever many ask for', async () => {
    answer = hand(first, second);
    const before = asked;
    const strangers = Array.from({ length: 200 }, (_, i) => infer(token({ ...third, kid: `made-up-${i}` })));
    const statuses = await Promise.all([
      ...Array.from({ length: 20 }, () => infer(token(second))),
      ...strangers,
    ]);
    expect(statuses.slice(0, 20)).toEqual(Array<number>(20).fill(200));
    expect(statuses.slice(20).every((status) => status === 401 || status === 429)).toBe(true);
    expect(asked - before).toBeLessThanOrEqual(4);
  });

  it('goes on with the keys it has while the issuer hangs or is gone, and answers everybody', async () => {
    answer = () => undefined;
    const known = Array.from({ length: 20 }, (_, i) => infer(token(first, { sub: `user-${i}` })));
    expect(new Set(await Promise.all(known))).toEqual(new Set([200]));
    expect(await infer(token(third))).toBe(401);
    answer = (req) => req.socket.destroy();
    expect(await infer(token(second))).toBe(200);
    expect(await infer(token(third, { sub: 'again' }))).toBe(401);
    await server.said('JWT_JWKS_URL cannot be read');
    answer = hand(third);
    await until('the issuer is back', async () => (await infer(token(third))) === 200);
    await until(
      'the keys that it no longer has are worth nothing',
      async () => (await infer(token(first))) === 401,
    );
  });

  it('stands a thousand callers at once, each with a token of its own', async () => {
    const tokens = Array.from({ length: 1000 }, (_, i) => token(third, { sub: `caller-${i}` }));
    for (let round = 0; round < 2; round++)
      expect(new Set(await Promise.all(tokens.map((each) => infer(each))))).toEqual(new Set([200]));
  });
});

describe('a server whose issuer is away when it starts', () => {
  it('starts, says 503 to its tokens, and takes them when the issuer is there', async () => {
    const key = keyNamed('only');
    let away = true;
    const issuer = createServer((_, res) => {
      if (away) res.writeHead(500).end();
      else res.end(JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'only' }] }));
    });
    await once(issuer.listen(0, '127.0.0.1'), 'listening');
    const { port } = issuer.address() as AddressInfo;
    const server = await startServer({
      WORKERS: '0',
      JWT_JWKS_URL: `http://127.0.0.1:${port}/`,
      JWT_AUDIENCE: 'nestor',
    });
    const list = () => server.get('/v2/models', { authorization: `Bearer ${token(key)}` });
    const refused = await list();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    away = false;
    await until('the token is good', async () => (await list()).status === 200);
    await server.stop();
    issuer.close();
  });
});
