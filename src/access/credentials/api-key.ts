import { createHash, randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}0123456789`;
const ID_LENGTH = 8;
const SECRET_BYTES = 32;
/** 32 bytes are 43 letters of base64url. */
const API_KEY = /^nk_([a-z][a-z0-9]{7})_[\w-]{43}$/;

export interface NewApiKey {
  /** Public: it names the key in the file and in the audit log. */
  readonly id: string;
  /** `nk_<id>_<secret>`: what the client sends. It is kept nowhere. */
  readonly key: string;
  /** Of the whole key, in hexadecimal digits: 256 random bits need no slow hash. */
  readonly sha256: string;
}

export function makeApiKey(): NewApiKey {
  // A letter comes first: YAML would take digits alone for a number.
  const id = Array.from({ length: ID_LENGTH }, (_, i) => oneOf(i === 0 ? LETTERS : LETTERS_AND_DIGITS)).join(
    '',
  );
  const key = `nk_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, key, sha256: createHash('sha256').update(key).digest('hex') };
}

/** The id in an API key; undefined for any other text. */
export function idOf(credential: string): string | undefined {
  return API_KEY.exec(credential)?.[1];
}

function oneOf(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}
