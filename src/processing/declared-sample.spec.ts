import { unlikeness } from './declared-sample';

describe('an expected answer', () => {
  const labels = [
    { label: 'cat', score: 0.9 },
    { label: 'dog', score: 0.1 },
  ];

  it('may leave out keys, and items behind those that it has', () => {
    expect(unlikeness([{ label: 'cat' }], labels, 0)).toBeUndefined();
    expect(unlikeness(labels, labels, 0)).toBeUndefined();
  });

  it('may be off by the tolerance, and says where it is off by more', () => {
    expect(unlikeness([{ score: 0.89 }], labels, 0.01)).toBeUndefined();
    expect(unlikeness([{ score: 0.8 }], labels, 0.01)).toBe('0.score: expected 0.8, got 0.9');
  });

  it.each([
    [[{ label: 'dog' }], '0.label: expected "dog", got "cat"'],
    [[{ box: 1 }], '0.box: expected 1, got undefined'],
    [{ 2: { label: 'cow' } }, '2: expected {"label":"cow"}, got undefined'],
    [null, ': expected null, got [{"label":"cat","score":0.9},{"label":"dog","score":0.1}]'],
  ])('says what else came: %j', (expected, fault) => {
    expect(unlikeness(expected as never, labels, 0)).toBe(fault);
  });
});
