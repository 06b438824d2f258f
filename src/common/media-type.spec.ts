import { charsetOf, decodeText, parameterOf } from './media-type';

const decode = (bytes: Uint8Array, charset?: string): string =>
  decodeText(bytes, charset, (what) => new Error(what));

describe('a Content-Type', () => {
  it.each([
    ['text/csv; charset=latin1', 'latin1'],
    ['text/csv;x="a;charset=utf-16" ; Charset = "Latin1"', 'Latin1'],
    ['text/csv; charset=latin1 ; header=absent', 'latin1'],
    ['text/csv; mycharset=latin1', undefined],
    ['text/csv; charset="latin1', ''],
    ['text/csv', undefined],
  ])('has the parameters that it names: %s', (contentType, charset) => {
    expect(parameterOf(contentType, 'charset')).toBe(charset);
  });

  it.each([
    ['before a value', `=${' '.repeat(15_000)}"`],
    ['within a value', `=a${' '.repeat(15_000)}"`],
    ['before a name', `${' '.repeat(15_000)}=a`],
    ['of parameters', '; a'.repeat(5_000)],
    ['of escapes', `="${'\\a'.repeat(7_000)}`],
  ])('is read at once, however long a row %s', (_, rest) => {
    expect(parameterOf(`text/csv; charset${rest}`, 'none')).toBeUndefined();
  });

  it.each([
    [undefined, undefined],
    ['text/csv; charset=utf-8', undefined],
    ['text/csv; charset=latin1', 'windows-1252'],
    ['text/csv; charset=Shift-JIS', 'shift_jis'],
  ])('names the charset of %s', (contentType, charset) => {
    expect(charsetOf(contentType)).toBe(charset);
  });
});

describe('a text in bytes', () => {
  it('has the quotes and the euro that Windows writes', () => {
    const bytes = Buffer.of(0x80, 0x92, 0x81, 0xe9);
    expect(decode(bytes, 'windows-1252')).toBe('€’\x81é');
  });

  it('shows by its first character which UTF-16 it is', () => {
    expect(decode(Buffer.of(0xfe, 0xff, 0, 0x61), 'utf-16le')).toBe('a');
    expect(decode(Buffer.of(0xff, 0xfe, 0x61, 0), 'utf-16le')).toBe('a');
  });

  it('is refused by the line that is none', () => {
    expect(() => decode(Buffer.from('a\nb\n\xff\n', 'latin1'))).toThrow('line 3 is not UTF-8');
    expect(() => decode(Buffer.from('a\n\xff\n', 'latin1'), 'euc-jp')).toThrow('line 2 is not EUC-JP');
  });
});
