import type { KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as Jose from 'jose';
import type { CryptoKey, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import type { Algorithm } from '../../config/secret-strength';
import { DomainError } from '../../errors/domain-error';
import { fits, type KeyFile, type PublicJwk } from './jwt-keys';

/** What tokens must be like. */
export interface JwtRules {
  /** Signs and checks this server's own tokens, and others' that were signed with it. */
  readonly secretKey?: string;
  readonly algorithm: Algorithm;
  /** Of tokens that public keys check. */
  readonly publicKeyAlgorithms: readonly string[];
  readonly issuer?: string;
  readonly audience?: string;
  readonly leewaySeconds: number;
}

/** What a sound token says. */
export interface Claims {
  readonly subject: string | undefined;
  readonly scopes: readonly string[];
  /** Of `Date.now()`. */
  readonly expiresAtMs: number;
  /** Of one of this server's own tokens: the API key that it was made from, without which it is worth nothing. */
  readonly keyId: string | undefined;
}

/** A token's keys that are handed out by whoever issues it. */
export interface RemoteKeys {
  readonly keys: readonly PublicJwk[];
  /** Of `Date.now()`: whoever issues tokens has not been reached for too long then. */
  readonly goodUntilMs: number;
}

/** In a token of this server: the id of the API key that it was made from. */
const KEY_CLAIM = 'nestor_key';
const NO_MATCHING_KEY = 'ERR_JWKS_NO_MATCHING_KEY';
const MULTIPLE_KEYS = 'ERR_JWKS_MULTIPLE_MATCHING_KEYS';
const BAD_SIGNATURE = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';

const FAULTS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JWT_CLAIM_VALIDATION_FAILED:
    'The token is not meant for this server now: its time, issuer or audience are others.',
  [BAD_SIGNATURE]: "The token's signature is wrong.",
  [NO_MATCHING_KEY]: 'The token was signed with a key that is not known here.',
};

/** Checks and makes JSON Web Tokens (RFC 7519), each with the algorithms that its kind of key may be used with. */
export class Jwt {
  private secret: Promise<CryptoKey> | undefined;
  private file: KeyFile | undefined;
  private fileSet: JWTVerifyGetKey | undefined;
  private remote: { readonly find: JWTVerifyGetKey; readonly goodUntilMs: number } | undefined;

  /**
   * @param findNewKeys called when a token names a key that is not known: its issuer may have a new one. Resolves when
   * the issuer has been asked since.
   */
  constructor(
    private readonly rules: JwtRules,
    private readonly findNewKeys: () => Promise<void>,
    private readonly usesRemoteKeys: boolean,
  ) {}

  useFile(file: KeyFile | undefined): void {
    this.file = file;
    this.fileSet = file?.kind === 'jwks' ? jose().createLocalJWKSet({ keys: [...file.keys] }) : undefined;
  }

  useRemote(remote: RemoteKeys | undefined): void {
    this.remote =
      remote === undefined
        ? undefined
        : { find: jose().createLocalJWKSet({ keys: [...remote.keys] }), goodUntilMs: remote.goodUntilMs };
  }

  /** @throws unauthorized with what is wrong; not_ready when the keys of whoever issues tokens cannot be had */
  async verify(token: string): Promise<Claims> {
    try {
      return claimsOf(await this.payloadOf(token));
    } catch (error) {
      if (error instanceof DomainError) throw error;
      throw new DomainError('unauthorized', FAULTS[codeOf(error)] ?? 'The token is not valid.', {
        cause: error,
      });
    }
  }

  /** A token of this server's own. @throws Error without a `SECRET_KEY` */
  async sign(
    subject: string,
    keyId: string,
    scopes: readonly string[],
    expiresAtMs: number,
  ): Promise<string> {
    const { SignJWT } = jose();
    const { algorithm, issuer, audience } = this.rules;
    const token = new SignJWT({ scope: scopes.join(' '), [KEY_CLAIM]: keyId })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(Math.floor(expiresAtMs / 1000));
    if (issuer !== undefined) token.setIssuer(issuer);
    if (audience !== undefined) token.setAudience(audience);
    return token.sign(await this.secretKey());
  }

  private async payloadOf(token: string): Promise<JWTPayload> {
    const { alg } = jose().decodeProtectedHeader(token);
    const { secretKey, algorithm, publicKeyAlgorithms } = this.rules;
    if (alg === undefined) throw new DomainError('unauthorized', 'The token names no algorithm.');
    // A key checks what was signed in its own way alone: whoever knows a public key must not sign with it as a secret.
    if (secretKey !== undefined && alg === algorithm) return this.check(token, alg, await this.secretKey());
    const hasPublicKeys = this.file !== undefined || this.usesRemoteKeys;
    if (!hasPublicKeys || !publicKeyAlgorithms.includes(alg))
      throw new DomainError('unauthorized', "The token's algorithm is not one that is accepted here.");
    if (this.file === undefined) return this.checkByRemote(token, alg);
    try {
      return await this.checkByFile(token, alg, this.file);
    } catch (error) {
      const isForeign = [NO_MATCHING_KEY, BAD_SIGNATURE].includes(codeOf(error));
      if (!isForeign || !this.usesRemoteKeys) throw error;
      return this.checkByRemote(token, alg);
    }
  }

  private async checkByFile(token: string, alg: string, file: KeyFile): Promise<JWTPayload> {
    if (this.fileSet !== undefined) return this.checkBySet(token, alg, this.fileSet);
    const keys = file.kind === 'pem' ? file.keys.filter((key) => fits(key, alg)) : [];
    return firstThatChecks(keys, (key) => this.check(token, alg, key));
  }

  private async checkByRemote(token: string, alg: string): Promise<JWTPayload> {
    try {
      return await this.checkBySet(token, alg, this.remoteKeys());
    } catch (error) {
      if (this.remote !== undefined && codeOf(error) !== NO_MATCHING_KEY) throw error;
      await this.findNewKeys();
      return this.checkBySet(token, alg, this.remoteKeys());
    }
  }

  private remoteKeys(): JWTVerifyGetKey {
    if (this.remote !== undefined && Date.now() < this.remote.goodUntilMs) return this.remote.find;
    throw new DomainError('not_ready', "The keys of the tokens' issuer cannot be had at the moment.", {
      retryAfterSeconds: 5,
    });
  }

  /** Where the token does not say which of several keys it is, each may be it. */
  private async checkBySet(token: string, alg: string, find: JWTVerifyGetKey): Promise<JWTPayload> {
    try {
      const { payload } = await jose().jwtVerify(token, find, this.options(alg));
      return payload;
    } catch (error) {
      if (codeOf(error) !== MULTIPLE_KEYS) throw error;
      const candidates: CryptoKey[] = [];
      for await (const key of error as AsyncIterable<CryptoKey>) candidates.push(key);
      return firstThatChecks(candidates, (key) => this.check(token, alg, key));
    }
  }

  private async check(token: string, alg: string, key: KeyObject | CryptoKey): Promise<JWTPayload> {
    const { payload } = await jose().jwtVerify(token, key, this.options(alg));
    return payload;
  }

  private options(alg: string): JWTVerifyOptions {
    const { issuer, audience, leewaySeconds } = this.rules;
    return { algorithms: [alg], issuer, audience, clockTolerance: leewaySeconds, requiredClaims: ['exp'] };
  }

  private secretKey(): Promise<CryptoKey> {
    const { secretKey, algorithm } = this.rules;
    if (secretKey === undefined) throw new Error('There is no SECRET_KEY.');
    const hash = algorithm.replace('HS', 'SHA-');
    return (this.secret ??= crypto.subtle.importKey(
      'raw',
      Buffer.from(secretKey),
      { name: 'HMAC', hash },
      false,
      ['sign', 'verify'],
    ));
  }
}

const requireHere = createRequire(__filename);
let loaded: typeof Jose | undefined;

/** The library is loaded when it is first needed: its forty milliseconds are a tenth of a worker's start. */
function jose(): typeof Jose {
  return (loaded ??= requireHere('jose') as typeof Jose);
}

async function firstThatChecks<Key>(
  keys: readonly Key[],
  check: (key: Key) => Promise<JWTPayload>,
): Promise<JWTPayload> {
  let last: unknown = Object.assign(new Error('no key fits'), { code: NO_MATCHING_KEY });
  for (const key of keys) {
    try {
      return await check(key);
    } catch (error) {
      last = error;
      if (codeOf(error) !== BAD_SIGNATURE) break;
    }
  }
  throw last;
}

function claimsOf(payload: JWTPayload): Claims {
  const { sub, exp = 0, scope, scp, client_id: client, [KEY_CLAIM]: keyId } = payload;
  const subject = sub ?? client;
  return {
    subject: typeof subject === 'string' ? subject : undefined,
    scopes: [...words(scope), ...words(scp)],
    expiresAtMs: exp * 1000,
    keyId: typeof keyId === 'string' ? keyId : undefined,
  };
}

/** Scopes as words with spaces between (RFC 8693, 4.2), or as a list, which some issuers write. */
function words(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : [];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
