import { Grants, isScope, matchesGlob } from './scopes';

describe('a scope', () => {
  it.each(['infer', 'infer:iris', 'infer:fraud-*', 'models:read', 'models:write', 'cache:write', 'admin'])(
    'may be %s',
    (scope) => expect(isScope(scope)).toBe(true),
  );

  it.each([
    '',
    'Infer',
    'infer:',
    'infer:a b',
    'infer:a/b',
    'models',
    'models:*',
    '*',
    `infer:${'a'.repeat(129)}`,
  ])('may not be "%s"', (scope) => expect(isScope(scope)).toBe(false));
});

describe('a glob', () => {
  it.each([
    ['iris', 'iris', true],
    ['iris', 'iris2', false],
    ['iris', 'Iris', false],
    ['*', '', true],
    ['fraud-*', 'fraud-', true],
    ['fraud-*', 'fraud', false],
    ['*-v2', 'a-v2-v2', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    // A dot is a dot.
    ['a.b', 'axb', false],
  ])('%s against %s: %s', (glob, text, expected) => expect(matchesGlob(glob, text)).toBe(expected));

  it('does not take long over one that is made to', () => {
    const glob = `${'a*'.repeat(60)}b`;
    expect(matchesGlob(glob, 'a'.repeat(128))).toBe(false);
  });
});

describe('grants', () => {
  it('let an inference scope see what it may call, and nothing else', () => {
    const grants = new Grants(['infer:fraud-*', 'infer:iris']);
    expect([grants.mayInfer('fraud-eu'), grants.mayInfer('iris'), grants.mayInfer('digits')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([grants.maySee('iris'), grants.maySee('digits'), grants.maySeeSome]).toEqual([true, false, true]);
    expect(grants.has('infer')).toBe(false);
  });

  it('let admin do everything, and reading run nothing', () => {
    const admin = new Grants(['admin']);
    expect([admin.has('models:write'), admin.has('cache:write'), admin.mayInfer('x')]).toEqual([
      true,
      true,
      true,
    ]);
    const reader = new Grants(['models:read']);
    expect([reader.maySee('x'), reader.mayInfer('x'), reader.has('models:write')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("know nothing of other servers' scopes", () => {
    const grants = new Grants(['openid', 'admin:all', 'ADMIN', 'profile']);
    expect(grants.scopes).toEqual([]);
    expect([grants.has('admin'), grants.mayInfer('x'), grants.maySeeSome]).toEqual([false, false, false]);
  });

  it.each([
    [['infer'], 'infer:iris', true],
    [['infer'], 'infer', true],
    [['infer:ir*'], 'infer:iris', true],
    [['infer:ir*'], 'infer:ir*', true],
    [['infer:ir*'], 'infer:*', false],
    [['infer:ir*'], 'infer', false],
    [['admin'], 'models:write', true],
    [['models:write'], 'admin', false],
  ])('%j cover %s: %s', (scopes, scope, expected) => expect(new Grants(scopes).cover(scope)).toBe(expected));
});
