import { readForm } from './multipart';

const TYPE = 'multipart/form-data; boundary=xyz';
const PART = (name: string, content: string, more = ''): string =>
  `--xyz\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;

function read(text: string, type = TYPE, maxParts = 10): [string, string | undefined, string][] {
  const parts = readForm(Buffer.from(text, 'latin1'), type, maxParts);
  return parts.map(({ name, contentType, content }) => [name, contentType, content.toString('latin1')]);
}

describe('a form', () => {
  it('has parts with names and types, whatever their content', () => {
    const content = '\r\n--xy\r\n--\0\xff--xyz';
    const body = `${PART('a', '1')}${PART('b', content, '; filename="x.png"\r\nContent-Type: image/PNG; q=1')}--xyz--\r\n`;
    expect(read(body)).toEqual([
      ['a', undefined, '1'],
      ['b', 'image/PNG; q=1', content],
    ]);
  });

  it('may have a preamble, an epilogue, blanks behind a boundary, empty parts and a quoted boundary', () => {
    const body = `hello\r\n${PART('a', '').replace('--xyz', '--xyz \t')}--xyz--\r\nbye`;
    expect(read(body, 'multipart/form-data; boundary="xyz"')).toEqual([['a', undefined, '']]);
  });

  it('reads escaped and plain names', () => {
    const named = (name: string): string => `--xyz\r\nContent-Disposition: form-data; ${name}\r\n\r\n\r\n`;
    const body = `${named('name="a\\"b"')}${named('name="c%22d"')}${named('filename="name=x"; name=e')}--xyz--`;
    expect(read(body).map(([name]) => name)).toEqual(['a"b', 'c"d', 'e']);
  });

  it.each([
    ['', 'it has no part'],
    ['--xyzq\r\n', 'a boundary is followed by something else'],
    ['--xyz\r\nContent-Disposition: form-data; name="a"', 'the headers of part 1 have no end'],
    [PART('a', '1'), 'part 1 has no end'],
    ['--xyz\r\n\r\n1\r\n--xyz--', 'a part has no name'],
    [PART('a', '1').replace('form-data', 'attachment') + '--xyz--', 'a part has no name'],
    [PART('a', '1', '\r\nContent-Transfer-Encoding: base64') + '--xyz--', 'Content-Transfer-Encoding'],
  ])('is refused where it is malformed: %j', (body, reason) => {
    expect(() => read(body)).toThrow(reason);
  });

  it('is refused without a boundary, and with too many parts', () => {
    expect(() => read('', 'multipart/form-data')).toThrow('names no boundary');
    expect(() => read(PART('a', '1').repeat(11) + '--xyz--')).toThrow('more than 10 parts');
  });

  it('is refused or read, and nothing else, wherever it is cut', () => {
    const body = `${PART('a', '1')}${PART('b', '2', '; filename="x"')}--xyz--\r\n`;
    for (let end = 0; end < body.length; end++) {
      let names: string[] | undefined;
      try {
        names = read(body.slice(0, end)).map(([name]) => name);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request' });
      }
      if (names !== undefined) expect(names).toEqual(['a', 'b']);
    }
  });
});
