import { nearest } from './nearest';

describe('nearest', () => {
  it.each([
    ['srve', 'serve'],
    ['Serve', 'serve'],
    ['sevre', 'serve'],
    ['insepct', 'inspect'],
    ['runn', 'run'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, ['serve', 'run', 'inspect', 'check'])).toBe(meant);
  });

  it.each(['', 'x', 'deploy', 'serverless-functions'])('does not guess at %j', (word) => {
    expect(nearest(word, ['serve', 'inspect'])).toBeUndefined();
  });

  it('takes the nearest of several', () => {
    expect(nearest('digit-2', ['digit-10', 'digit-1', 'digits'])).toBe('digit-1');
  });
});
