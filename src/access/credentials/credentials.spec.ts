import { createHmac } from 'node:crypto';
import { DomainError } from '../../errors/domain-error';
import { makeApiKey, type NewApiKey } from './api-key';
import { Credentials, type Identity } from './credentials';
import { Jwt } from './jwt';
import type { KeyEntry } from './key-entry';

const SECRET = 'a-secret-of-more-than-32-bytes-for-HS256';
const LIMITS = { requestsPerSecond: 10, bodyBytes: 1000 };

const entryOf = ({ id, sha256 }: NewApiKey, name: string, fields: Partial<KeyEntry> = {}): KeyEntry => ({
  name,
  proof: { kind: 'key', id, sha256 },
  scopes: ['infer'],
  limits: {},
  ...fields,
});

const jwt = new Jwt(
  { secretKey: SECRET, algorithm: 'HS256', publicKeyAlgorithms: [], leewaySeconds: 30 },
  () => Promise.resolve(),
  false,
);

function token(payload: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = `${part({ alg: 'HS256' })}.${part({ exp: Date.now() / 1000 + 60, ...payload })}`;
  return `${head}.${createHmac('sha256', SECRET).update(head).digest('base64url')}`;
}

function open(checks: Pick<Jwt, 'verify'> | undefined = jwt): Credentials {
  return new Credentials({
    fixed: [
      { name: 'API_KEY', secret: 'api.key.of-the-first-five-minutes', scopes: ['infer', 'models:read'] },
      { name: 'ADMIN_KEY', secret: 'admin-key-of-the-first-five-minutes', scopes: ['admin'] },
    ],
    defaultLimits: LIMITS,
    maxKnown: 100,
    jwt: checks,
  });
}

async function outcome(identify: () => Identity | Promise<Identity>): Promise<Identity | string> {
  try {
    return await identify();
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    return (error as DomainError).message;
  }
}

describe('credentials', () => {
  const ci = makeApiKey();
  const other = makeApiKey();

  it('know keys of the file by Bearer and by X-API-Key, at once', () => {
    const credentials = open();
    credentials.replaceKeys([entryOf(ci, 'ci', { limits: { requestsPerSecond: 2 } })]);
    for (const [header, kind] of [
      [`Bearer ${ci.key}`, 'authorization'],
      [`bearer  ${ci.key}`, 'authorization'],
      [`BEARER ${ci.key}`, 'authorization'],
      [ci.key, 'api-key'],
    ] as const) {
      const identity = credentials.identify(header, kind);
      expect(identity).toMatchObject({
        name: 'ci',
        keyId: ci.id,
        limits: { requestsPerSecond: 2, bodyBytes: 1000 },
      });
      expect(credentials.identify(header, kind)).toBe(identity);
    }
  });

  it('know the two keys of the environment, whatever characters they have', () => {
    const credentials = open();
    expect(credentials.identify('api.key.of-the-first-five-minutes', 'api-key')).toMatchObject({
      name: 'API_KEY',
    });
    const admin = credentials.identify(
      'Bearer admin-key-of-the-first-five-minutes',
      'authorization',
    ) as Identity;
    expect(admin.grants.has('models:write')).toBe(true);
  });

  it.each<[string, string, 'authorization' | 'api-key']>([
    ['of the right id and another secret', `Bearer nk_${ci.id}_${'x'.repeat(43)}`, 'authorization'],
    ['in capitals', `Bearer ${ci.key.toUpperCase()}`, 'authorization'],
    ['cut off', `Bearer ${ci.key.slice(0, -1)}`, 'authorization'],
    ['too long', `Bearer ${ci.key}x`, 'authorization'],
    ['sent twice', `Bearer ${ci.key}, Bearer ${ci.key}`, 'authorization'],
    ['sent twice as a key', `${ci.key}, ${ci.key}`, 'api-key'],
    ['of another scheme', `Basic ${Buffer.from(ci.key).toString('base64')}`, 'authorization'],
    ['without a scheme', ci.key, 'authorization'],
    ['without anything', 'Bearer ', 'authorization'],
    ['empty', '', 'api-key'],
    ['its own digest', ci.sha256, 'api-key'],
    ['gigantic', `Bearer ${'x'.repeat(15_000)}`, 'authorization'],
    ['nobody has', other.key, 'api-key'],
  ])('do not know one that is %s', async (_, header, kind) => {
    for (const checks of [jwt, undefined]) {
      const credentials = open(checks);
      credentials.replaceKeys([entryOf(ci, 'ci')]);
      const found = await outcome(() => credentials.identify(header, kind));
      expect(typeof found).toBe('string');
      expect(found).not.toContain(ci.key.slice(0, 20));
    }
  });

  it('end with a key that expires, is changed or removed', async () => {
    const credentials = open();
    credentials.replaceKeys([entryOf(ci, 'ci', { expiresAtMs: 2000 }), entryOf(other, 'other')]);
    expect(credentials.identify(ci.key, 'api-key', 1999)).toMatchObject({ name: 'ci' });
    expect(await outcome(() => credentials.identify(ci.key, 'api-key', 2000))).toBe('The key has expired.');
    expect(credentials.identify(other.key, 'api-key')).toMatchObject({ name: 'other' });
    credentials.replaceKeys([entryOf({ ...other, sha256: ci.sha256 }, 'other')]);
    expect(await outcome(() => credentials.identify(other.key, 'api-key'))).toMatch(/not known/);
    credentials.replaceKeys([]);
    expect(await outcome(() => credentials.identify(ci.key, 'api-key'))).toMatch(/not known/);
  });

  it("check a token once, and let somebody else's name nobody of the file", async () => {
    let checks = 0;
    const credentials = open({
      verify: (text) => {
        checks++;
        return jwt.verify(text);
      },
    });
    const header = `Bearer ${token({ sub: 'ci', scope: 'infer:iris' })}`;
    const found = await Promise.all(
      Array.from({ length: 50 }, async () => credentials.identify(header, 'authorization')),
    );
    expect(found[0]).toMatchObject({ name: 'jwt:ci', limits: LIMITS, keyId: undefined });
    expect(credentials.identify(header, 'authorization')).toBe(found[0]);
    expect(checks).toBe(1);
    credentials.forget();
    await credentials.identify(header, 'authorization');
    expect(checks).toBe(2);
  });

  it.each([
    ['without a subject', { scope: 'admin' }],
    ['of an empty one', { sub: '' }],
    ['of a subject that is none', { sub: 'x'.repeat(257) }],
  ])('do not take a token %s', async (_, payload) => {
    expect(await outcome(() => open().identify(`Bearer ${token(payload)}`, 'authorization'))).toMatch(
      /subject/,
    );
  });

  it('let a token of a key do no more than both, for no longer, and not without the key', async () => {
    const credentials = open();
    const expiresAtMs = Date.now() + 5000;
    credentials.replaceKeys([entryOf(ci, 'ci', { scopes: ['infer:fraud-*', 'models:read'], expiresAtMs })]);
    const header = `Bearer ${token({ sub: 'ci', nestor_key: ci.id, scope: 'infer:fraud-eu infer:iris admin' })}`;
    const identity = await credentials.identify(header, 'authorization');
    expect(identity).toMatchObject({ name: 'ci', keyId: undefined, expiresAtMs });
    expect(identity.grants.scopes).toEqual(['infer:fraud-eu']);
    credentials.replaceKeys([]);
    expect(await outcome(() => credentials.identify(header, 'authorization'))).toMatch(/is gone/);
  });

  it('do not remember a token that was checked while keys changed', async () => {
    const credentials = open();
    const header = `Bearer ${token({ nestor_key: ci.id, scope: 'infer' })}`;
    credentials.replaceKeys([entryOf(ci, 'ci')]);
    const checked = credentials.identify(header, 'authorization');
    credentials.replaceKeys([]);
    await outcome(() => checked);
    expect(await outcome(() => credentials.identify(header, 'authorization'))).toMatch(/is gone/);
  });

  it('know certificates by their names', () => {
    const credentials = open();
    const proof = { kind: 'certificate', subject: 'gateway.internal' } as const;
    credentials.replaceKeys([entryOf(ci, 'gateway', { proof, expiresAtMs: 1000 })]);
    expect(credentials.identifyCertificate(['other', 'gateway.internal'], 999)?.name).toBe('gateway');
    expect(credentials.identifyCertificate(['gateway.internal'], 1000)).toBeUndefined();
    expect(credentials.identifyCertificate(['gateway'], 0)).toBeUndefined();
  });

  it('hold no more than they may of what they know', async () => {
    const credentials = open();
    for (let i = 0; i < 300; i++)
      await credentials.identify(`Bearer ${token({ sub: `u${i}` })}`, 'authorization');
    expect((credentials as unknown as { known: { size: number } }).known.size).toBe(100);
  });
});
