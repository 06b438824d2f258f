import { randomBytes } from 'node:crypto';
import { isLongEnough, isPlaceholder } from './secret-strength';

describe('the strength of a secret', () => {
  it.each([
    'your-secret-key-here',
    'changeme',
    'Change_Me_In_Production_0123456789abcdef',
    'your-256-bit-secret',
    'a-string-secret-at-least-256-bits-long',
    'my-32-character-ultra-secure-and-ultra-long-secret-key',
    '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
    'a'.repeat(64),
    '0123456789abcdef'.repeat(4),
  ])('sees a placeholder in %s', (secret) => {
    expect(isPlaceholder(secret)).toBe(true);
  });

  it.each(['hex', 'base64', 'base64url'] as const)('sees none in random bytes as %s', (encoding) => {
    const secrets = Array.from({ length: 200 }, () => randomBytes(48).toString(encoding));
    expect(secrets.filter(isPlaceholder)).toEqual([]);
  });

  it('counts bytes, by the algorithm', () => {
    expect(isLongEnough('x'.repeat(31), 'HS256')).toBe(false);
    expect(isLongEnough('x'.repeat(32), 'HS256')).toBe(true);
    expect(isLongEnough('é'.repeat(16), 'HS256')).toBe(true);
    expect(isLongEnough('x'.repeat(47), 'HS384')).toBe(false);
    expect(isLongEnough('x'.repeat(48), 'HS384')).toBe(true);
    expect(isLongEnough('x'.repeat(63), 'HS512')).toBe(false);
    expect(isLongEnough('x'.repeat(64), 'HS512')).toBe(true);
  });
});
