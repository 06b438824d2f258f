import { EACH, parseAnswerPath } from './answer-path';

describe('parseAnswerPath', () => {
  it.each([
    ['$', []],
    ['scores', ['scores']],
    ['$.scores', ['scores']],
    ['data.items[0].value', ['data', 'items', 0, 'value']],
    ['[2]', [2]],
    ['$[*]', [EACH]],
    ['predictions[*].scores[*]', ['predictions', EACH, 'scores', EACH]],
    ['["odd.key"].x', ['odd.key', 'x']],
    ['a["b c"]', ['a', 'b c']],
    ['.a', ['a']],
    ['a-b_c d', ['a-b_c d']],
  ])('reads %s', (text, steps) => {
    expect(parseAnswerPath(text)).toEqual(steps);
  });

  it.each([
    '',
    '.',
    'a.',
    'a..b',
    'a[',
    'a[]',
    'a[-1]',
    'a[x]',
    '$$',
    'a.$b',
    'a]',
    'a[0]b',
    '[""]',
    'a.'.repeat(17) + 'b',
  ])('refuses %j', (text) => {
    expect(parseAnswerPath(text)).toBeUndefined();
  });
});
