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

  it('finds the nearest among thousands of short names', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `shop-${String(i).padStart(4, '0')}`);
    expect(nearest('shop-1x23', names)).toBe('shop-1023');
    expect(nearest('shpo-1999', names)).toBe('shop-1999');
  });

  it('gives up where names are many and long, as a proposal is not worth that time', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `${'x'.repeat(120)}${String(i).padStart(4, '0')}`);
    const distances = jest.spyOn(String.prototype, 'toLowerCase');
    nearest('y'.repeat(124), names);
    expect(distances.mock.calls.length).toBeLessThan(50);
    distances.mockRestore();
  });
});
