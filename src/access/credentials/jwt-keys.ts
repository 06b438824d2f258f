import { createPublicKey, type KeyObject } from 'node:crypto';
import { reasonOf } from '../../errors/domain-error';

/** A public key as a JWK Set has it (RFC 7517), without anything else that stood there. */
export type PublicJwk = Readonly<Record<string, string>> & { readonly kty: string };

export const MAX_JWKS_BYTES = 1024 * 1024;
const MAX_KEYS = 100;
const PUBLIC_FIELDS = ['kty', 'kid', 'alg', 'use', 'crv', 'n', 'e', 'x', 'y'];
/** `oct` is none of them: a shared secret in a set that everybody may read would let everybody sign. */
const PUBLIC_TYPES = ['RSA', 'EC', 'OKP'];

/**
 * The keys of a JWK Set that check signatures. What is something else is left out, as RFC 7517 (5) wants it.
 * @throws Error when it is no such set, or none is left
 */
export function readJwks(text: string): readonly PublicJwk[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('has no list "keys"');
  if (keys.length > MAX_KEYS) throw new Error(`has more than ${MAX_KEYS} keys`);
  const sound = keys.flatMap((key) => publicPart(key) ?? []);
  if (sound.length === 0) throw new Error('has no key that checks signatures');
  return sound;
}

function publicPart(key: unknown): PublicJwk | undefined {
  if (typeof key !== 'object' || key === null) return undefined;
  const fields = Object.entries(key).filter(
    (field): field is [string, string] => PUBLIC_FIELDS.includes(field[0]) && typeof field[1] === 'string',
  );
  const jwk = Object.fromEntries(fields);
  const { kty, use } = jwk;
  if (kty === undefined || !PUBLIC_TYPES.includes(kty) || (use !== undefined && use !== 'sig'))
    return undefined;
  return { ...jwk, kty };
}

/** The keys of a file: PEM blocks, or a JWK Set. */
export type KeyFile =
  | { readonly kind: 'pem'; readonly keys: readonly KeyObject[] }
  | { readonly kind: 'jwks'; readonly keys: readonly PublicJwk[] };

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;
const MAX_PEM_KEYS = 16;
const PEM_LABELS = ['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE'];

/** @throws Error that says what the file is not, without its content */
export function readPublicKeys(text: string): KeyFile {
  if (text.trimStart().startsWith('{')) return { kind: 'jwks', keys: readJwks(text) };
  const blocks = [...text.matchAll(PEM_BLOCK)];
  if (blocks.length === 0) throw new Error('has neither PEM blocks nor a JWK Set');
  if (blocks.length > MAX_PEM_KEYS) throw new Error(`has more than ${MAX_PEM_KEYS} keys`);
  const keys = blocks.map(([pem, label = '']) => {
    if (!PEM_LABELS.includes(label)) throw new Error(`has a ${label} where only public keys belong`);
    try {
      return createPublicKey(pem);
    } catch (error) {
      throw new Error(`has a ${label} that cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  });
  return { kind: 'pem', keys };
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

/** Can signatures of this algorithm be checked by this key? */
export function fits(key: KeyObject, algorithm: string): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (algorithm.startsWith('RS') || algorithm.startsWith('PS')) return type === 'rsa';
  if (algorithm.startsWith('ES')) return type === 'ec' && details?.namedCurve === CURVES[algorithm];
  return type === 'ed25519';
}
