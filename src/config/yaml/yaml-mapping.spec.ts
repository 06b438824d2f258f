import { readYamlMapping } from './yaml-mapping';

function faultsOf(text: string): string[] {
  const faults: string[] = [];
  readYamlMapping(text, faults);
  return faults;
}

describe('readYamlMapping', () => {
  it('reads YAML 1.2: only true and false are booleans, and dates are text', () => {
    const faults: string[] = [];
    const text = '%YAML 1.1\n---\na: yes\nb: on\nc: 2001-01-01\nd: 0o17\ne: 1e3\nf: -0.5\ng: true\nh: ~';
    expect(readYamlMapping(text, faults)).toEqual({
      a: 'yes',
      b: 'on',
      c: '2001-01-01',
      d: 15,
      e: 1000,
      f: -0.5,
      g: true,
      h: null,
    });
    expect(faults).toEqual([]);
  });

  it('leaves out what is a fault and keeps the rest', () => {
    expect(readYamlMapping('a: .inf\nb: 2', [])).toEqual({ b: 2 });
  });

  it('lets aliases share a value', () => {
    const faults: string[] = [];
    const mapping = readYamlMapping('a: &v {x: [1]}\nb: [*v, *v]', faults);
    expect(faults).toEqual([]);
    expect(mapping.b).toEqual([{ x: [1] }, { x: [1] }]);
  });

  it.each([
    ['an integer that a double cannot hold', 'a: {b: [1, 9007199254740993]}', /^a\.b\[1\]: .* in quotes/],
    ['NaN', 'a: [.nan]', /^a\[0\]: .*"NaN"/],
    ['a number beyond all doubles', 'a: 1e400', /^a: is not a finite number/],
    ['a list', '- 1', /mapping/],
    ['a text', 'hello', /mapping/],
    ['two documents', 'a: 1\n---\nb: 2', /multiple documents/],
    ['a key twice', 'a: 1\na: 2', /^line 2, column 1: .*keys must be unique/],
    ['a key that is no text', '[1]: 2', /string/],
    ['tabs', 'a:\n\tb: 1', /[Tt]ab/],
    ['an open quote', 'a: "x', /quote/],
    ['an unknown tag', 'a: !!binary aGk=', /tag/],
    ['an unknown alias', 'a: *b', /alias/],
    ['a value in itself', 'a: &a [*a, *a]', /contains itself/],
    ['a long file', `a: ${'x'.repeat(65_536)}`, /64 KiB/],
  ])('refuses %s', (_, text, reason) => {
    expect(faultsOf(text)[0]).toMatch(reason);
    expect(faultsOf(text)[0]).not.toContain('\n');
  });

  // Each of these ends the process, or holds it for seconds, when it reaches the library as it is.
  it.each([
    ['deeply nested lists', 'a: ' + '['.repeat(30_000) + ']'.repeat(30_000), /levels deep/],
    ['deeply nested maps', 'a: ' + '{a: '.repeat(10_000) + '}'.repeat(10_000), /levels deep/],
    ['deeply nested block lists', '- '.repeat(32_000) + '1', /levels deep/],
    ['deeply nested complex keys', '? '.repeat(32_000), /levels deep/],
    ['a mapping with thousands of keys', 'a: \n'.repeat(16_000), /256 keys/],
    ['a flow mapping with thousands of keys', `{${'a, '.repeat(16_000)}}`, /256 keys/],
    ['thousands of aliases', 'a: &a 1\nb: [' + '*a,'.repeat(16_000) + ']', /32 aliases/],
  ])('refuses %s before composing it', (_, text, reason) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(reason)]);
  });

  it('refuses aliases that multiply', () => {
    const [x, ...rest] = 'abcdefg';
    const text = [`${x}: &${x} [x,x,x,x]`]
      .concat(rest.map((key, i) => `${key}: &${key} [${Array(5).fill(`*${'abcdefg'[i]}`).join(',')}]`))
      .join('\n');
    expect(faultsOf(text)[0]).toMatch(/alias count/);
  });
});
