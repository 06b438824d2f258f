import { requestIdFrom } from './request-id';

describe('requestIdFrom', () => {
  it.each(['a', 'abc-DEF_1.2:3', 'x'.repeat(128)])('keeps the sane id %s', (id) => {
    expect(requestIdFrom(id)).toBe(id);
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['one that is too long', 'x'.repeat(129)],
    ['one with a space', 'a b'],
    ['one with a line break', 'a\nb'],
    ['one with a quote', 'a"b'],
    ['two of them', ['a', 'b']],
  ])('makes a new id in place of %s', (_, id) => {
    expect(requestIdFrom(id)).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
    expect(requestIdFrom(id)).not.toBe(id);
  });

  it('makes each id once', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => requestIdFrom(undefined))).size).toBe(1_000);
  });
});
