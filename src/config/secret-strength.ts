/** What each signature's key needs to be as hard to guess as the signature is to forge (RFC 7518, 3.2). */
const MINIMUM_SECRET_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;

export type Algorithm = keyof typeof MINIMUM_SECRET_BYTES;

const TELLTALE =
  /change.?(me|this|it)|replace.?(me|this)|your.?(own|super|very|jwt|secret|key|256)|(super|my|jwt|app|top).?secret|secret.?key|placeholder|example|insecure|default|password/i;

/** Printed in tutorials that many people start from: FastAPI's on JWT, and the front page of jwt.io. */
const PUBLISHED = new Set([
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  'a-string-secret-at-least-256-bits-long',
]);

/** True for a secret that was never meant to be kept, or that repeats a few characters to look long. */
export function isPlaceholder(secret: string): boolean {
  return TELLTALE.test(secret) || PUBLISHED.has(secret) || /^(.{1,16}?)\1+$/s.test(secret);
}

export function isLongEnough(secret: string, algorithm: Algorithm): boolean {
  return Buffer.byteLength(secret) >= MINIMUM_SECRET_BYTES[algorithm];
}
