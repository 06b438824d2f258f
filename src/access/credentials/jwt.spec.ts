import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { DomainError } from '../../errors/domain-error';
import { Jwt, type JwtRules } from './jwt';
import { type PublicJwk, readJwks, readPublicKeys } from './jwt-keys';

const SECRET = 'x'.repeat(20) + 'yz'.repeat(30);
const RULES: JwtRules = {
  secretKey: SECRET,
  algorithm: 'HS256',
  publicKeyAlgorithms: ['RS256', 'ES256', 'EdDSA'],
  leewaySeconds: 30,
};
const now = (): number => Math.floor(Date.now() / 1000);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Tokens are made by hand here, so that what checks them is not checked by itself. */
function hmacToken(
  header: object,
  payload: object,
  secret: string | Buffer = SECRET,
  hash = 'sha256',
): string {
  const head = `${part(header)}.${part(payload)}`;
  return `${head}.${createHmac(hash, secret).update(head).digest('base64url')}`;
}

function signedToken(header: { alg: string; kid?: string }, payload: object, key: KeyObject): string {
  const head = `${part(header)}.${part(payload)}`;
  const hash = header.alg === 'EdDSA' ? undefined : 'sha256';
  const bytes = signBytes(hash, Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' });
  return `${head}.${bytes.toString('base64url')}`;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const jwk = (key: KeyObject, fields: object = {}): PublicJwk =>
  ({ ...key.export({ format: 'jwk' }), ...fields }) as PublicJwk;
const nobody = (): Promise<void> => Promise.resolve();

function checker(rules: Partial<JwtRules> = {}): Jwt {
  return new Jwt({ ...RULES, ...rules }, nobody, false);
}

const good = { sub: 'alice', scope: 'infer models:read', exp: now() + 60 };
const HS = { alg: 'HS256', typ: 'JWT' };

async function faultOf(jwt: Jwt, token: string): Promise<DomainError> {
  const fault = await jwt.verify(token).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(DomainError);
  return fault as DomainError;
}

describe('a token of a shared secret', () => {
  it('says who sent it, what it may do and how long', async () => {
    expect(await checker().verify(hmacToken(HS, { ...good, scp: ['metrics:read', 7] }))).toEqual({
      subject: 'alice',
      scopes: ['infer', 'models:read', 'metrics:read'],
      expiresAtMs: good.exp * 1000,
      keyId: undefined,
    });
  });

  it.each([
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ] as const)('may be %s', async (algorithm, hash) => {
    const token = hmacToken({ alg: algorithm }, good, SECRET, hash);
    expect((await checker({ algorithm }).verify(token)).subject).toBe('alice');
    expect((await faultOf(checker(), token)).message).toMatch(/algorithm is not one/);
  });

  it('is made here and read back', async () => {
    const jwt = checker({ issuer: 'https://nestor.example', audience: 'nestor' });
    const expiresAtMs = (now() + 90) * 1000;
    const token = await jwt.sign('ci', 'a1b2c3d4', ['infer:iris'], expiresAtMs);
    expect(await jwt.verify(token)).toEqual({
      subject: 'ci',
      scopes: ['infer:iris'],
      expiresAtMs,
      keyId: 'a1b2c3d4',
    });
    expect((await faultOf(checker({ audience: 'other' }), token)).code).toBe('unauthorized');
  });

  it.each<[string, string]>([
    ['expired', hmacToken(HS, { ...good, exp: now() - 31 })],
    ['not yet valid', hmacToken(HS, { ...good, nbf: now() + 40 })],
    ['without an end', hmacToken(HS, { sub: 'alice', scope: 'admin' })],
    ['with an end that is no number', hmacToken(HS, { ...good, exp: '2099' })],
    ['of another secret', hmacToken(HS, good, `${SECRET}.`)],
    ['of no secret', hmacToken(HS, good, '')],
    ['of no algorithm', `${part({ alg: 'none' })}.${part(good)}.`],
    ['of no algorithm, in other letters', `${part({ alg: 'nOnE' })}.${part(good)}.`],
    ['without the signature', hmacToken(HS, good).replace(/[^.]+$/, '')],
    ['cut off', hmacToken(HS, good).slice(0, -1)],
    ['changed', hmacToken(HS, good).replace('.', '.e')],
    ['encrypted', 'a.b.c.d.e'],
    ['of a critical header nobody knows', hmacToken({ ...HS, crit: ['b64'], b64: false }, good)],
    ['no token', 'hello'],
    ['empty', ''],
    ['no object', `${part(HS)}.${Buffer.from('7').toString('base64url')}.x`],
    ['gigantic', 'a'.repeat(16_000)],
    ['deep', hmacToken(HS, { ...good, x: JSON.parse('['.repeat(2000) + ']'.repeat(2000)) as unknown })],
  ])('that is %s is refused, or harmless', async (what, token) => {
    if (what === 'deep') expect((await checker().verify(token)).subject).toBe('alice');
    else expect((await faultOf(checker(), token)).code).toBe('unauthorized');
  });

  it('may be half a minute late, as clocks differ', async () => {
    expect((await checker().verify(hmacToken(HS, { ...good, exp: now() - 20 }))).subject).toBe('alice');
  });

  it.each([
    ['issuer', { issuer: 'https://a.example' }, { iss: 'https://a.example' }, { iss: 'https://b.example' }],
    ['audience', { audience: 'nestor' }, { aud: ['x', 'nestor'] }, { aud: 'x' }],
  ])('must have the %s that is set', async (_, rules, right, wrong) => {
    const jwt = checker(rules);
    expect((await jwt.verify(hmacToken(HS, { ...good, ...right }))).subject).toBe('alice');
    expect((await faultOf(jwt, hmacToken(HS, { ...good, ...wrong }))).code).toBe('unauthorized');
    expect((await faultOf(jwt, hmacToken(HS, good))).code).toBe('unauthorized');
  });
});

describe('a token of a public key', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const)('of %s is checked by a key of the file', async (alg, { privateKey }) => {
    const jwt = checker();
    jwt.useFile(readPublicKeys([otherRsa, rsa, ec, ed].map(({ publicKey }) => pem(publicKey)).join('\n')));
    expect((await jwt.verify(signedToken({ alg, kid: 'whatever' }, good, privateKey))).subject).toBe('alice');
    const expired = signedToken({ alg }, { ...good, exp: 1 }, privateKey);
    expect((await faultOf(jwt, expired)).message).toBe('The token has expired.');
  });

  it('cannot be forged with the public key as a secret', async () => {
    const text = pem(rsa.publicKey);
    for (const secretKey of [SECRET, undefined]) {
      const jwt = checker({ secretKey });
      jwt.useFile(readPublicKeys(text));
      for (const secret of [text, text.trim(), rsa.publicKey.export({ type: 'spki', format: 'der' })])
        expect((await faultOf(jwt, hmacToken(HS, good, secret))).code).toBe('unauthorized');
    }
  });

  it('is refused when its algorithm is not among those that are set', async () => {
    const jwt = checker({ publicKeyAlgorithms: ['RS256'] });
    jwt.useFile(readPublicKeys(pem(ec.publicKey)));
    const fault = await faultOf(jwt, signedToken({ alg: 'ES256' }, good, ec.privateKey));
    expect(fault.message).toMatch(/algorithm is not one/);
  });

  it('of a foreign key is refused, and so is one without keys here', async () => {
    const token = signedToken({ alg: 'RS256' }, good, otherRsa.privateKey);
    const jwt = checker();
    expect((await faultOf(jwt, token)).code).toBe('unauthorized');
    jwt.useFile(readPublicKeys(pem(rsa.publicKey)));
    expect((await faultOf(jwt, token)).message).toMatch(/signature is wrong/);
  });

  it('finds its key in a set by its name, and without one by trying', async () => {
    const jwt = checker();
    const keys = [jwk(otherRsa.publicKey, { kid: 'a' }), jwk(rsa.publicKey, { kid: 'b' })];
    jwt.useFile(readPublicKeys(JSON.stringify({ keys })));
    for (const kid of ['b', undefined])
      expect((await jwt.verify(signedToken({ alg: 'RS256', kid }, good, rsa.privateKey))).subject).toBe(
        'alice',
      );
    for (const kid of ['a', 'c'])
      expect((await faultOf(jwt, signedToken({ alg: 'RS256', kid }, good, rsa.privateKey))).code).toBe(
        'unauthorized',
      );
  });

  it('asks its issuer for a key that is new, once', async () => {
    let asked = 0;
    const jwt: Jwt = new Jwt(
      RULES,
      () => {
        asked++;
        jwt.useRemote({ keys: [jwk(rsa.publicKey, { kid: 'new' })], goodUntilMs: Date.now() + 1000 });
        return Promise.resolve();
      },
      true,
    );
    jwt.useRemote({ keys: [jwk(otherRsa.publicKey, { kid: 'old' })], goodUntilMs: Date.now() + 1000 });
    const token = signedToken({ alg: 'RS256', kid: 'new' }, good, rsa.privateKey);
    expect((await jwt.verify(token)).subject).toBe('alice');
    expect((await jwt.verify(token)).subject).toBe('alice');
    expect(asked).toBe(1);
    expect(
      (await faultOf(jwt, signedToken({ alg: 'RS256', kid: 'none' }, good, rsa.privateKey))).message,
    ).toMatch(/not known here/);
  });

  it('is neither good nor bad while its issuer has not been reached for too long', async () => {
    const jwt = new Jwt(RULES, nobody, true);
    const token = signedToken({ alg: 'RS256', kid: 'a' }, good, rsa.privateKey);
    expect(await faultOf(jwt, token)).toMatchObject({ code: 'not_ready', retryAfterSeconds: 5 });
    jwt.useRemote({ keys: [jwk(rsa.publicKey, { kid: 'a' })], goodUntilMs: Date.now() - 1 });
    expect((await faultOf(jwt, token)).code).toBe('not_ready');
    expect((await jwt.verify(hmacToken(HS, good))).subject).toBe('alice');
  });
});

describe('keys from outside', () => {
  it('are taken from a set without secrets, and without what does not check signatures', () => {
    const keys = readJwks(
      JSON.stringify({
        keys: [
          { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256', use: 'sig', x5c: ['x'] },
          { kty: 'oct', k: 'c2VjcmV0', kid: 'b', alg: 'HS256' },
          jwk(ec.publicKey, { use: 'enc' }),
          null,
          'key',
        ],
      }),
    );
    expect(keys).toEqual([jwk(rsa.publicKey, { kid: 'a', alg: 'RS256', use: 'sig' })]);
  });

  it.each([
    ['', 'is not JSON'],
    ['<html>', 'is not JSON'],
    ['null', 'has no list "keys"'],
    ['{"keys":{}}', 'has no list "keys"'],
    ['{"keys":[]}', 'has no key that checks signatures'],
    ['{"keys":[{"kty":"oct","k":"eA"}]}', 'has no key that checks signatures'],
    [JSON.stringify({ keys: Array.from({ length: 101 }, () => ({})) }), 'has more than 100 keys'],
  ])('are refused: %s', (text, reason) => expect(() => readJwks(text)).toThrow(reason));

  it.each([
    ['hello', 'has neither PEM blocks nor a JWK Set'],
    [
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'has a PRIVATE KEY where only public keys',
    ],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'has a PUBLIC KEY that cannot be read'],
  ])('are refused in a file: %#', (text, reason) => expect(() => readPublicKeys(text)).toThrow(reason));
});
