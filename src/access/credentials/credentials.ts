import { hash, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../../errors/domain-error';
import { BoundedMap } from '../bounded-map';
import type { Limits } from '../limits';
import { Grants } from '../scopes';
import { idOf } from './api-key';
import type { KeyEntry } from './key-entry';
import type { Jwt } from './jwt';

/** Who has proved who it is. */
export interface Identity {
  /** Of the keys file; `API_KEY`, `ADMIN_KEY`; `jwt:` and the subject of somebody else's token. */
  readonly name: string;
  readonly grants: Grants;
  readonly limits: Limits;
  /** Of `Date.now()`. */
  readonly expiresAtMs: number;
  /** What tokens of this server are made from: an API key has one, a token does not. */
  readonly keyId: string | undefined;
}

export interface CredentialsOptions {
  /** Everything that is to be known by its text alone, from the environment. */
  readonly fixed: readonly {
    readonly name: string;
    readonly secret: string;
    readonly scopes: readonly string[];
  }[];
  /** Of callers that have none of their own, field by field. */
  readonly defaultLimits: Limits;
  /** Credentials that need not be looked at again, at most. */
  readonly maxKnown: number;
  /** Left out: there is nothing by which a token could be checked. */
  readonly jwt: Pick<Jwt, 'verify'> | undefined;
}

interface Held {
  readonly identity: Identity;
  readonly sha256: Buffer;
}

/** Longer ones are none: this is four times what issuers with many claims send. */
const MAX_CREDENTIAL = 8192;
const MAX_SUBJECT = 256;
const BEARER = /^bearer +(\S+) *$/i;
const NOBODY = Buffer.alloc(32);

/** Finds out who sends a key or a token. What was found sound is known from then on, until it expires or keys change. */
export class Credentials {
  private readonly known: BoundedMap<Identity>;
  private readonly pending = new Map<string, Promise<Identity>>();
  private readonly fixed: readonly Held[];
  private byId = new Map<string, Held>();
  private byCertificate = new Map<string, Identity>();

  constructor(private readonly options: CredentialsOptions) {
    this.known = new BoundedMap(options.maxKnown);
    this.fixed = options.fixed.map(({ name, secret, scopes }) => ({
      sha256: digestOf(secret),
      identity: this.identityOf(name, scopes, {}, Infinity, name),
    }));
    this.replaceKeys([]);
  }

  /** From now on these are the keys; who is known by another one has to prove it again. */
  replaceKeys(entries: readonly KeyEntry[]): void {
    this.byId = new Map();
    this.byCertificate = new Map();
    for (const { name, proof, scopes, limits, expiresAtMs = Infinity } of entries) {
      if (proof.kind === 'key') {
        const identity = this.identityOf(name, scopes, limits, expiresAtMs, proof.id);
        this.byId.set(proof.id, { identity, sha256: Buffer.from(proof.sha256, 'hex') });
      } else {
        this.byCertificate.set(proof.subject, this.identityOf(name, scopes, limits, expiresAtMs, undefined));
      }
    }
    this.forget();
  }

  /** Everybody has to prove anew who they are. */
  forget(): void {
    this.known.clear();
    this.pending.clear();
  }

  /**
   * @param header as it came: of `Authorization` with its scheme, or of `X-API-Key`
   * @throws unauthorized, also by rejecting; what checking a token throws
   */
  identify(
    header: string,
    kind: 'authorization' | 'api-key',
    nowMs = Date.now(),
  ): Identity | Promise<Identity> {
    const known = this.known.get(header);
    if (known !== undefined) {
      if (nowMs < known.expiresAtMs) return known;
      this.known.delete(header);
    }
    const credential = kind === 'api-key' ? header : BEARER.exec(header)?.[1];
    if (credential === undefined)
      throw new DomainError(
        'unauthorized',
        'The Authorization header must be "Bearer" and a key or a token.',
      );
    if (credential.length > MAX_CREDENTIAL) throw unknownCredential();
    const holder = this.holderOf(credential);
    if (holder !== undefined) return this.remember(header, fresh(holder, nowMs));
    return this.identifyToken(header, credential);
  }

  /** Who has a client certificate, by its names; undefined: nobody that is known. */
  identifyCertificate(subjects: readonly string[], nowMs = Date.now()): Identity | undefined {
    for (const subject of subjects) {
      const identity = this.byCertificate.get(subject);
      if (identity !== undefined && nowMs < identity.expiresAtMs) return identity;
    }
    return undefined;
  }

  /** Takes the same time whatever is wrong with a key: how much of it is right cannot be told from outside. */
  private holderOf(credential: string): Identity | undefined {
    const sha256 = digestOf(credential);
    const byId = this.byId.get(idOf(credential) ?? '');
    let found: Identity | undefined;
    for (const held of this.fixed) if (timingSafeEqual(held.sha256, sha256)) found = held.identity;
    if (timingSafeEqual(byId?.sha256 ?? NOBODY, sha256)) found = byId?.identity;
    return found;
  }

  private identifyToken(header: string, token: string): Promise<Identity> {
    const { jwt } = this.options;
    if (jwt === undefined || idOf(token) !== undefined) throw unknownCredential();
    const pending = this.pending.get(header);
    if (pending !== undefined) return pending;
    const verified: Promise<Identity> = this.verify(jwt, token)
      .then((identity) => {
        // Keys that changed meanwhile may have ended it.
        return this.pending.get(header) === verified ? this.remember(header, identity) : identity;
      })
      .finally(() => {
        if (this.pending.get(header) === verified) this.pending.delete(header);
      });
    this.pending.set(header, verified);
    return verified;
  }

  private async verify(jwt: Pick<Jwt, 'verify'>, token: string): Promise<Identity> {
    const { subject, scopes, expiresAtMs, keyId } = await jwt.verify(token);
    if (keyId !== undefined) return this.narrowed(keyId, scopes, expiresAtMs);
    if (subject === undefined || subject === '' || subject.length > MAX_SUBJECT)
      throw new DomainError(
        'unauthorized',
        `The token must name its subject, in at most ${MAX_SUBJECT} characters.`,
      );
    return this.identityOf(`jwt:${subject}`, scopes, undefined, expiresAtMs, undefined);
  }

  /** A token that was made from a key is worth what the key is worth by now, and no more than it says. */
  private narrowed(keyId: string, scopes: readonly string[], expiresAtMs: number): Identity {
    const held = this.byId.get(keyId) ?? this.fixed.find(({ identity }) => identity.keyId === keyId);
    if (held === undefined)
      throw new DomainError('unauthorized', 'The key that the token was made from is gone.');
    const { name, grants, limits, expiresAtMs: keyExpiresAtMs } = fresh(held.identity, Date.now());
    return {
      name,
      grants: new Grants(scopes.filter((scope) => grants.cover(scope))),
      limits,
      expiresAtMs: Math.min(expiresAtMs, keyExpiresAtMs),
      keyId: undefined,
    };
  }

  private remember(header: string, identity: Identity): Identity {
    this.known.set(header, identity);
    return identity;
  }

  private identityOf(
    name: string,
    scopes: readonly string[],
    limits: Limits | undefined,
    expiresAtMs: number,
    keyId: string | undefined,
  ): Identity {
    const { defaultLimits } = this.options;
    return {
      name,
      grants: new Grants(scopes),
      limits: limits === undefined ? defaultLimits : { ...defaultLimits, ...limits },
      expiresAtMs,
      keyId,
    };
  }
}

function fresh(identity: Identity, nowMs: number): Identity {
  if (nowMs < identity.expiresAtMs) return identity;
  throw new DomainError('unauthorized', 'The key has expired.');
}

function unknownCredential(): DomainError {
  return new DomainError('unauthorized', 'The key or token is not known here.');
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
