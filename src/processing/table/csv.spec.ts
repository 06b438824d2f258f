import { DomainError } from '../../errors/domain-error';
import { type CsvLimits, readCsv } from './csv';

const LIMITS: CsvLimits = { maxColumns: 4, maxCellLength: 10 };

function read(text: string | Uint8Array, limits = LIMITS): string[][] {
  const records: string[][] = [];
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  readCsv(bytes, 'Input "row"', limits, (cells) => records.push([...cells]));
  return records;
}

function faultOf(text: string | Uint8Array): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('CSV', () => {
  it.each([
    [
      'LF',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF',
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'no end of line at the end',
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['a byte order mark', '\ufeffa\n1', [['a'], ['1']]],
    [
      'quoted cells',
      '"a","b c"\n"1,2","say ""x"""\n',
      [
        ['a', 'b c'],
        ['1,2', 'say "x"'],
      ],
    ],
    [
      'line breaks in quotes',
      'a,b\n"1\r\n2","3\n4"\n',
      [
        ['a', 'b'],
        ['1\r\n2', '3\n4'],
      ],
    ],
    [
      'empty cells',
      'a,b,c\n,,\n"",x,\n',
      [
        ['a', 'b', 'c'],
        ['', '', ''],
        ['', 'x', ''],
      ],
    ],
    [
      'empty lines at the end',
      'a,b\n1,2\n\n\r\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['an empty line before others', 'a\n\n1\n', [['a'], [''], ['1']]],
    ['nothing', '', []],
    ['spaces, which belong to cells', 'a , b\n', [['a ', ' b']]],
    ['other scripts', 'имя\n日本\n', [['имя'], ['日本']]],
  ])('may have %s', (_what, text, records) => {
    expect(read(text)).toEqual(records);
  });

  it.each([
    [
      'a quote that does not end',
      'a\n1\n"x',
      'invalid_table: Input "row": line 3 begins a quoted cell that does not end.',
    ],
    [
      'a quote that ends in the lines left out',
      'a\n"x\n\n',
      'invalid_table: Input "row": line 2 begins a quoted cell that does not end.',
    ],
    [
      'a quote within',
      'a\nx"y\n',
      'invalid_table: Input "row": line 2 has a quote within a cell that does not begin with one.',
    ],
    [
      'text behind a quote',
      'a\n"x"y\n',
      'invalid_table: Input "row": line 2 has something behind the end of a quoted cell.',
    ],
    ['a bare CR', 'a\rb\n', 'invalid_table: Input "row": line 1 has a CR that no LF follows.'],
    ['other bytes than UTF-8', Buffer.from([0x61, 0xff]), 'invalid_table: Input "row": line 1 is not UTF-8.'],
    [
      'such bytes further on',
      Buffer.from('a\né\n\xff', 'latin1'),
      'invalid_table: Input "row": line 2 is not UTF-8.',
    ],
    [
      'five columns',
      'a\n"1\n",2,3,4,5\n',
      'input_too_large: Input "row": line 3 has more than 4 columns (MAX_TABLE_COLUMNS).',
    ],
    [
      'a long cell',
      'a\nxxxxxxxxxxx\n',
      'input_too_large: Input "row": line 2 has a cell of more than 10 characters (MAX_CELL_LENGTH).',
    ],
  ])('is refused with %s', (_what, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('counts the lines within quoted cells', () => {
    expect(faultOf('a\n"1\n2\n3"\nx"\n')).toContain('line 5 ');
  });
});
