import { createHash } from 'node:crypto';
import { idOf, makeApiKey } from './api-key';

describe('an API key', () => {
  it('says its id, and is kept as a digest alone', () => {
    const { id, key, sha256 } = makeApiKey();
    expect(key).toMatch(/^nk_[a-z][a-z0-9]{7}_[\w-]{43}$/);
    expect(idOf(key)).toBe(id);
    expect(sha256).toBe(createHash('sha256').update(key).digest('hex'));
  });

  it('is never the same', () => {
    expect(new Set(Array.from({ length: 1000 }, () => makeApiKey().key)).size).toBe(1000);
  });

  it.each(['', 'nk_', 'nk_a1b2c3d4', `nk_a1b2c3d4_${'x'.repeat(42)}`, `nk_a1b2c3d4_${'x'.repeat(44)}`])(
    'is not "%s"',
    (text) => expect(idOf(text)).toBeUndefined(),
  );

  it.each([`NK_a1b2c3d4_`, `nk_A1b2c3d4_`, ` nk_a1b2c3d4_`, `nk_a1b2c3d4-`])(
    'has one spelling: not "%s..."',
    (head) => expect(idOf(head + 'x'.repeat(43))).toBeUndefined(),
  );
});
