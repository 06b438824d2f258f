import { MAX_KEY_FILE_BYTES, readKeyFile } from './key-file';

const SHA = 'ab'.repeat(32);

function faultsOf(text: string): string[] {
  const faults: string[] = [];
  readKeyFile(text, faults);
  return faults;
}

describe('a keys file', () => {
  it('names callers by key or certificate, with scopes, expiry and limits', () => {
    const faults: string[] = [];
    const keys = readKeyFile(
      `keys:
  - name: ci
    id: a1b2c3d4
    sha256: ${SHA}
    scopes: [infer, models:read]
    expires: 2027-01-31
    limits: { requests_per_second: 0.5, rows_per_second: 100, requests_at_once: 4, body_bytes: 1000 }
  - { name: gateway, certificate: gateway.internal, scopes: ['infer:fraud-*'] }
`,
      faults,
    );
    expect(faults).toEqual([]);
    expect(keys).toEqual([
      {
        name: 'ci',
        proof: { kind: 'key', id: 'a1b2c3d4', sha256: SHA },
        scopes: ['infer', 'models:read'],
        expiresAtMs: Date.UTC(2027, 0, 31),
        limits: { requestsPerSecond: 0.5, rowsPerSecond: 100, requestsAtOnce: 4, bodyBytes: 1000 },
      },
      {
        name: 'gateway',
        proof: { kind: 'certificate', subject: 'gateway.internal' },
        scopes: ['infer:fraud-*'],
        expiresAtMs: undefined,
        limits: {},
      },
    ]);
  });

  it.each(['', 'keys: []', '# nobody yet'])('may name nobody: "%s"', (text) =>
    expect(faultsOf(text)).toEqual([]),
  );

  it('is refused with all its faults, and none of its values', () => {
    const text = `keys:
  - { name: 'a b', id: short, sha256: ${'ff'}, scopes: [infer, wrong], expires: tomorrow }
  - { id: a1b2c3d4, sha256: ${SHA}, scopes: [] }
  - { name: both, id: a1b2c3d5, certificate: x, scopes: [infer] }
  - { name: one, id: a1b2c3d6, sha256: ${SHA}, scopes: [infer], limits: { requests_per_second: 0, rows: 3 } }
  - { name: two, id: a1b2c3d7, sha256: ${SHA}, scopes: [infer], scope: x }
  - { name: twice, id: a1b2c3d8, sha256: ${SHA}, scopes: [infer] }
  - { name: twice, id: a1b2c3d8, sha256: ${SHA}, scopes: [infer] }
  - nobody
`;
    const faults = faultsOf(text);
    expect(faults).toEqual([
      'keys: 1: name: must be 1 to 64 letters, digits and _.@-',
      'keys: 1: id: must be the 8 letters after nk_ in the key',
      'keys: 1: sha256: must be 64 hexadecimal digits',
      expect.stringMatching(/^keys: 1: scopes: 2: must be one of infer, models:read, /),
      expect.stringMatching(/^keys: 1: expires: must be a day such as/),
      'keys: 2: name: is missing',
      'keys: 2: scopes: must be a list of at least one',
      'keys: 3: must have either id and sha256, or certificate',
      'keys: 4: limits: rows: unknown key',
      'keys: 4: limits: requests_per_second: must be a number above 0 and at most 1000000',
      'keys: 5: scope: unknown key',
      'keys: 8: must be a mapping of keys to values',
      'keys: the name twice is in more than one entry',
      'keys: the id a1b2c3d8 is in more than one entry',
    ]);
    expect(faults.join()).not.toMatch(/short|wrong|tomorrow|nobody|abab/);
  });

  it.each([
    ['key: []', 'key: unknown key'],
    ['- a', 'must be a mapping of keys to values'],
    ['keys: [', expect.stringMatching(/^line 1/)],
    ['keys: 7', 'keys: must be a list of at most 5000'],
  ])('is refused when it is "%s"', (text, fault) => expect(faultsOf(text)).toContainEqual(fault));

  it('may hold thousands of keys, and has a limit', () => {
    const line = (i: number): string =>
      `  - { name: n${i}, id: k${String(i).padStart(7, '0')}, sha256: ${SHA}, scopes: [infer] }\n`;
    const many = `keys:\n${Array.from({ length: 3000 }, (_, i) => line(i)).join('')}`;
    expect(faultsOf(many)).toEqual([]);
    expect(faultsOf(`#${' '.repeat(MAX_KEY_FILE_BYTES)}`)).toEqual(['the file is larger than 1024 KiB']);
  });
});
