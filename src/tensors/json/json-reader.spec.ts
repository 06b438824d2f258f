import fc from 'fast-check';
import { DomainError } from '../../errors/domain-error';
import type { JsonValue } from '../../config/yaml/json-value';
import { JsonReader, MAX_DEPTH } from './json-reader';

const readerOf = (document: string | Buffer): JsonReader => new JsonReader(Buffer.from(document));

function readAll(document: string | Buffer): JsonValue {
  const reader = readerOf(document);
  const value = reader.readValue();
  reader.expectEnd();
  return value;
}

function skipAll(document: string): void {
  const reader = readerOf(document);
  reader.skipValue();
  reader.expectEnd();
}

function faultOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** Equal to the last bit, the order of keys included; null prototypes aside. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === right.length &&
    left.every(([key, value], i) => key === right[i]?.[0] && same(value, right[i][1]))
  );
}

const whiteSpace = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });

/** Documents with white space wherever it may stand. */
const documents = fc
  .tuple(fc.json({ depthSize: 'small', stringUnit: 'binary' }), fc.infiniteStream(whiteSpace))
  .map(([json, spaces]) =>
    json.replace(
      /"(?:\\.|[^"\\])*"|[-\d.eE+]+|[a-z]+|[[\]{},:]/g,
      (token) => `${spaces.next().value}${token}${spaces.next().value}`,
    ),
  );

/** Is there a text that UTF-8 cannot carry? */
function hasHalfCharacter(value: unknown): boolean {
  let has = false;
  JSON.stringify(value, (key: string, item: unknown) => {
    for (const text of [key, item])
      if (typeof text === 'string' && Buffer.from(text).toString() !== text) has = true;
    return item;
  });
  return has;
}

describe('JsonReader', () => {
  it('reads what JSON.parse reads, equal to the last bit', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(same(readAll(document), JSON.parse(document))).toBe(true);
        skipAll(document);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts and refuses what JSON.parse does once a document is broken', () => {
    const piece = fc.oneof(
      fc.constantFrom(...'{}[],:"\\/0123456789.eE+-tfnu \n', '\u00e9', '\u2028', '\u0001', '\ufeff'),
      fc.constantFrom('true', 'null', '""', '\\u', '\\ud800', '01', '1.', '-', '1e', 'NaN'),
    );
    const broken = fc
      .tuple(documents, fc.nat(), fc.nat({ max: 3 }), fc.option(piece), fc.boolean())
      .map(([document, at, removed, added, truncated]) => {
        const position = at % (document.length + 1);
        const tail = truncated ? '' : document.slice(position + removed);
        return Buffer.from(document.slice(0, position) + (added ?? '') + tail).toString();
      });
    fc.assert(
      fc.property(broken, (document) => {
        let expected: unknown;
        try {
          expected = JSON.parse(document);
        } catch {
          expect(faultOf(() => readAll(document))).toMatch(
            /^invalid_json: Invalid JSON at position \d+: |^out_of_range: /,
          );
          expect(faultOf(() => skipAll(document))).toMatch(/^invalid_json: /);
          return;
        }
        if (hasHalfCharacter(expected)) {
          expect(faultOf(() => readAll(document))).toMatch(/half of a surrogate pair/);
          return;
        }
        skipAll(document);
        const fault = faultOf(() => expect(same(readAll(document), expected)).toBe(true));
        // What JSON.parse lets pass.
        if (fault !== 'none') expect(fault).toMatch(/is given twice|beyond what a double holds/);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads every number as Number does', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 25 });
    const texts = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.maxSafeInteger().map(String),
      fc
        .tuple(
          fc.constantFrom('', '-'),
          digits,
          fc.option(digits),
          fc.option(fc.integer({ min: -400, max: 400 })),
        )
        .map(([sign, whole, fraction, exponent]) => {
          const plain = `${sign}${whole.replace(/^0+(?=\d)/, '')}`;
          return `${plain}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `E${exponent}`}`;
        }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const reader = readerOf(` ${text} `);
        expect(reader.readNumber()).toBe(Number(text));
        reader.expectEnd();
      }),
      { numRuns: 1000 },
    );
  });

  it('walks objects and arrays', () => {
    const reader = readerOf(' {"a" : [1, "two"], "b":true,"c":null,"d":[] , "e":{} }\n');
    reader.enterObject();
    expect(reader.nextKey()).toBe('a');
    reader.enterArray();
    expect(reader.nextElement()).toBe(true);
    expect(reader.readNumber()).toBe(1);
    expect(reader.nextElement()).toBe(true);
    expect(reader.readString()).toBe('two');
    expect(reader.nextElement()).toBe(false);
    expect(reader.nextKey()).toBe('b');
    expect(reader.readBoolean()).toBe(true);
    expect(reader.nextKey()).toBe('c');
    expect(reader.readNull()).toBeNull();
    expect(reader.nextKey()).toBe('d');
    reader.enterArray();
    expect(reader.nextElement()).toBe(false);
    expect(reader.nextKey()).toBe('e');
    reader.enterObject();
    expect(reader.nextKey()).toBeUndefined();
    expect(reader.nextKey()).toBeUndefined();
    reader.expectEnd();
  });

  it('goes back to a value that it passed over, and on again', () => {
    const reader = readerOf('{"data":[1,[2]],"datatype":"FP32"}');
    reader.enterObject();
    reader.nextKey();
    const data = reader.position;
    reader.skipValue();
    reader.nextKey();
    expect(reader.readString()).toBe('FP32');
    const resume = reader.position;
    reader.seek(data);
    expect(reader.readValue()).toEqual([1, [2]]);
    reader.seek(resume);
    expect(reader.nextKey()).toBeUndefined();
    reader.expectEnd();
  });

  it('reads a part of a buffer, whatever lies around it', () => {
    const bytes = Buffer.from('9[[12,3]]]4');
    const reader = new JsonReader(bytes, 2, 8);
    expect(reader.readValue()).toEqual([12, 3]);
    reader.expectEnd();
    expect(faultOf(() => new JsonReader(bytes, 1, 6).readValue())).toMatch(
      /position 6: the document ended early/,
    );
  });

  it.each([
    ['', 'the document ended early, expected a value', 0],
    ['[1,2', 'the document ended early, expected "," or "]"', 4],
    ['{"a":', 'the document ended early, expected a value', 5],
    ['{"a', 'the document ended early, expected the closing quote of a string', 3],
    ['["\\u12', 'the document ended early, expected the rest of an escape', 6],
    ['[tru', 'the document ended early, expected true', 4],
    ['[-', 'the document ended early, expected a digit', 2],
    ['[1,}', 'expected a value, found "}"', 3],
    ['[1 2]', 'expected "," or "]", found "2"', 3],
    ['[01]', 'expected "," or "]", found "1"', 2],
    ['[1.]', 'expected a digit, found "]"', 3],
    ['[trux]', 'expected true, found "x"', 4],
    ['{"a" 1}', 'expected ":", found "1"', 5],
    ['{a:1}', 'expected a key in double quotes, found "a"', 1],
    ['{"a":1,}', 'expected a key in double quotes, found "}"', 7],
    ['{"a":1 "b":2}', `expected "," or "}", found '"'`, 7],
    ['1 2', 'expected the end of the document, found "2"', 2],
    ['["a\nb"]', 'a control character in a string must be escaped', 3],
    ['["\\x"]', 'there is no escape "\\x"', 2],
    ['["\\u12g4"]', 'expected four hexadecimal digits after "\\u"', 2],
    ['{"a":1,"a":2}', 'the key "a" is given twice', 11],
    ['\ufeff{}', 'expected a value, found a byte order mark', 0],
    ['[NaN]', 'NaN and infinities are written as "NaN", "Infinity" and "-Infinity"', 1],
    ['[-Infinity]', 'NaN and infinities are written as "NaN", "Infinity" and "-Infinity"', 2],
  ])('says where and why %j is not JSON', (document, message, position) => {
    expect(faultOf(() => readAll(document))).toBe(
      `invalid_json: Invalid JSON at position ${position}: ${message}.`,
    );
  });

  it('takes no number that a double does not hold for an infinity, which JSON has none of', () => {
    expect(readerOf('[1e308, -1e-400]').readValue()).toEqual([1e308, -0]);
    for (const number of ['1e999', '-2e400', '9'.repeat(400)])
      expect(faultOf(() => readerOf(`{"a":[${number}]}`).readValue())).toMatch(
        /^out_of_range: The number -?[\de]+ at position 6 is beyond what a double holds/,
      );
  });

  it('says what else it found where a value is of another kind', () => {
    expect(faultOf(() => readerOf('[1]').enterObject())).toBe(
      'invalid_request: Expected an object at position 0, found an array.',
    );
    expect(faultOf(() => readerOf(' true').readString())).toBe(
      'invalid_request: Expected a string at position 1, found true.',
    );
    expect(faultOf(() => readerOf('false').enterObject())).toMatch(/^invalid_request: .* found false/);
    // Of a form: no JSON at all.
    for (const form of ['text=a', 'features=1', 'n'])
      expect(faultOf(() => readerOf(form).enterObject())).toMatch(
        /^invalid_json: .* position 0: expected an object, found "[tfn]"/,
      );
    expect(faultOf(() => readerOf('"1"').readNumber())).toMatch(/^invalid_request: .* found a string/);
    expect(faultOf(() => readerOf('1').readBoolean())).toMatch(/^invalid_request: .* found a number/);
    expect(faultOf(() => readerOf('{}').readNull())).toMatch(/^invalid_request: .* found an object/);
  });

  it('decodes escapes, surrogates and UTF-8', () => {
    expect(readAll('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 é😀"')).toBe('"\\/\b\f\n\r\té😀 é😀');
    for (const half of ['\\ud800', '\\udc00', '\\ud800\\ud800', '\\ud83d \\ude00', '\\ud83d\\n'])
      expect(faultOf(() => readAll(`"${half}"`))).toMatch(
        /^invalid_json: Invalid JSON at position 1: half of a surrogate pair/,
      );
    expect(readAll('{"__proto__":{"x":1}}')).toEqual(
      Object.assign(Object.create(null), { ['__proto__']: { x: 1 } }),
    );
  });

  it('refuses bytes that are not UTF-8, and says which', () => {
    const wrong = [[0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff]];
    for (const bytes of wrong) {
      for (const before of ['', 'a', 'é'.repeat(1000), 'ab😀'.repeat(333)]) {
        const start = Buffer.from(`["${before}`);
        const document = Buffer.concat([start, Buffer.from(bytes), Buffer.from('é"]')]);
        const expected = `invalid_json: Invalid JSON at position ${start.length}: the bytes of the string are not UTF-8.`;
        expect(faultOf(() => readAll(document))).toBe(expected);
      }
    }
  });

  it('bounds how deep a document nests, by one fault and without running out of stack', () => {
    const deepest = '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH);
    skipAll(deepest);
    readAll(deepest);
    for (const opening of ['[', '{"a":']) {
      const deeper = opening.repeat(1_000_000);
      expect(faultOf(() => skipAll(deeper))).toMatch(/nested deeper than 64/);
      expect(faultOf(() => readAll(deeper))).toMatch(/nested too deep/);
    }
    expect(readerOf('[[1]]').readValue(2)).toEqual([[1]]);
    expect(faultOf(() => readerOf('[[1]]').readValue(1))).toMatch(/position 1: the value is nested too deep/);
    expect(faultOf(() => readerOf('{}').readValue(0))).toMatch(/position 0: the value is nested too deep/);
  });
});
