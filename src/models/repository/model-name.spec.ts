import { isModelName, isVersion } from './model-name';

describe('isModelName', () => {
  it.each(['digits', 'a', '_x', '0', 'ch_PP-OCRv4.det', 'a.b', 'a'.repeat(128)])('accepts %s', (name) => {
    expect(isModelName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    '.hidden',
    '-x',
    'a..b',
    'a/b',
    'a\\b',
    'a b',
    'a\n',
    'a\0',
    'ä',
    '%2e',
    'a'.repeat(129),
    'models',
    'Models',
    'stats',
    'STATS',
  ])('refuses %j', (name) => {
    expect(isModelName(name)).toBe(false);
  });
});

describe('isVersion', () => {
  it.each(['1', '10', '2147483648'])('accepts %s', (version) => {
    expect(isVersion(version)).toBe(true);
  });

  it.each(['', '0', '01', '-1', '+1', '1.0', '1e3', ' 1', '1\n', '2147483649', '99999999999', 'latest'])(
    'refuses %j',
    (version) => {
      expect(isVersion(version)).toBe(false);
    },
  );
});
