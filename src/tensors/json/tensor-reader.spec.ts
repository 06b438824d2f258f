import fc from 'fast-check';
import { DomainError } from '../../errors/domain-error';
import { allocate, type Datatype, type NumericArray, type TensorData } from '../datatype';
import { numberToHalf } from '../numbers/float16';
import { JsonReader } from './json-reader';
import { type ReadTensor, readTensorData, type TensorReadOptions } from './tensor-reader';

const MOST = { maxCount: 1_000_000 };

function read(document: string, datatype: Datatype, options: Partial<TensorReadOptions> = {}): ReadTensor {
  const reader = new JsonReader(Buffer.from(document));
  const tensor = readTensorData(reader, datatype, 'x', { ...MOST, ...options });
  reader.expectEnd();
  return tensor;
}

function listOf(data: TensorData): (number | bigint | string)[] {
  return Array.isArray(data) ? data : Array.from(data as Float64Array);
}

const values = (document: string, datatype: Datatype) => listOf(read(document, datatype).data);

function faultOf(document: string, datatype: Datatype, options: Partial<TensorReadOptions> = {}): string {
  try {
    read(document, datatype, options);
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

function sameBits(found: NumericArray, expected: NumericArray): boolean {
  const bytes = (array: NumericArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return found.length === expected.length && bytes(found).equals(bytes(expected));
}

/** Random numbers of one bit pattern each: all exponents come equally often. */
const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });
const floats = fc.float({ noNaN: true, noDefaultInfinity: true });
const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength });
const exponents = fc.integer({ min: -360, max: 330 });

function floatOf(bits: number): number {
  return new Float32Array(Int32Array.of(bits).buffer)[0] ?? NaN;
}

/** Texts of numbers as all kinds of programs write them, and as none does. */
const numberTexts = fc.oneof(
  doubles.map(String),
  floats.map(String),
  fc.tuple(doubles, fc.integer({ min: 1, max: 25 })).map(([value, size]) => value.toPrecision(size)),
  fc.double({ min: -1, max: 1, noNaN: true }).map(String),
  fc.integer().map((value) => String(value / 1e6)),
  // The middle between two FP32s or doubles, to some digits: where rounding is hardest.
  fc
    .tuple(fc.integer({ min: 0, max: 0x7f7ffffe }), fc.integer({ min: 15, max: 40 }))
    .map(([bits, size]) => ((floatOf(bits) + floatOf(bits + 1)) / 2).toPrecision(size)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }).map((value) => String(2n * value + 1n)),
  fc
    .tuple(fc.constantFrom('', '-'), digits(24), digits(30), fc.constantFrom('e', 'E', 'e+', 'e-'), exponents)
    .map(([sign, whole, fraction, e, exponent]) => {
      const plain = `${sign}${whole.replace(/^0+(?=\d)/, '')}.${fraction}`;
      return exponent % 3 === 0 ? plain : `${plain}${e}${Math.abs(exponent)}`;
    }),
  fc.constantFrom('0', '-0', '0.0', '-0e5', '0e-999', '5e-324', '2.4703282292062327e-324', '1e-45', '7e-46'),
  fc.constantFrom('3.4028234663852886e38', '3.4028235e38', '3.4028235677973364e38', '1.7976931348623157e308'),
  fc.constantFrom(
    '9007199254740993',
    '9007199254740992.999999999999',
    '1e22',
    '1e23',
    '123456789012345678e-22',
  ),
);

describe('readTensorData', () => {
  describe('numbers', () => {
    it.each([
      ['FP64', Number.MAX_VALUE],
      ['FP32', 2 ** 128 - 2 ** 103 - 2 ** 75],
      ['FP16', 65520 - 2 ** -37],
    ] as const)('are read exactly to the last bit as %s', (datatype, most) => {
      const list = fc.array(numberTexts, { minLength: 1, maxLength: 40, size: 'max' });
      const separator = fc.constantFrom(',', ', ', ' , ', ',\n  ');
      fc.assert(
        fc.property(list, separator, (texts, comma) => {
          const fitting = texts.filter((text) => Math.abs(Number(text)) <= most);
          const { data, shape } = read(`[${fitting.join(comma)}]`, datatype);
          const expected = allocate(datatype, fitting.length) as Float64Array;
          expected.set(fitting.map(datatype === 'FP16' ? (text) => numberToHalf(Number(text)) : Number));
          expect(sameBits(data as NumericArray, expected)).toBe(true);
          expect(shape).toEqual([fitting.length]);
          for (const text of texts) {
            if (Math.abs(Number(text)) > most)
              expect(faultOf(`[${text}]`, datatype)).toMatch(/^out_of_range: /);
          }
        }),
        { numRuns: 300 },
      );
    });

    it('are read exactly in a document that ends at their last byte, or is a number alone', () => {
      fc.assert(
        fc.property(numberTexts, (text) => {
          fc.pre(Number.isFinite(Number(text)));
          expect(values(text, 'FP64')).toEqual([Number(text)]);
          expect(values(`[${text}]`, 'FP64')).toEqual([Number(text)]);
          expect(values(`[${text} ]\n`, 'FP64')).toEqual([Number(text)]);
        }),
      );
    });

    it('are not read beyond the end of the document, whatever the buffer holds behind it', () => {
      const bytes = Buffer.from('[[1,22],33]444,5]');
      const reader = new JsonReader(bytes, 1, 7);
      expect(readTensorData(reader, 'FP32', 'x', MOST)).toEqual({ data: Float32Array.of(1, 22), shape: [2] });
      const cut = new JsonReader(bytes, 1, 5);
      expect(() => readTensorData(cut, 'FP32', 'x', MOST)).toThrow(/position 5: the document ended early/);
    });

    it('accept NaN and the infinities as strings among floats', () => {
      const document = '[1, "NaN", "Infinity", "-Infinity", 2.5]';
      expect(values(document, 'FP32')).toEqual([1, NaN, Infinity, -Infinity, 2.5]);
      expect(values(document, 'FP64')).toEqual([1, NaN, Infinity, -Infinity, 2.5]);
      expect(values(document, 'FP16')).toEqual([0x3c00, 0x7e00, 0x7c00, 0xfc00, 0x4100]);
      expect(values('"NaN"', 'FP32')).toEqual([NaN]);
    });

    it.each([
      ['INT8', -128n, 127n],
      ['INT16', -32768n, 32767n],
      ['INT32', -2147483648n, 2147483647n],
      ['UINT8', 0n, 255n],
      ['UINT16', 0n, 65535n],
      ['UINT32', 0n, 4294967295n],
    ] as const)('are checked against the range of %s', (datatype, least, most) => {
      expect(values(`[${least}, ${most}, 5, 5.0, 5e0, 0.5e1, 50e-1, -0]`, datatype).map(Number)).toEqual([
        Number(least),
        Number(most),
        5,
        5,
        5,
        5,
        5,
        0,
      ]);
      for (const beyond of [least - 1n, most + 1n, 10n ** 30n]) {
        expect(faultOf(`[1, ${beyond}]`, datatype)).toBe(
          `out_of_range: Input "x"[1]: ${beyond} is out of the range of ${datatype}, ${least} to ${most}.`,
        );
      }
      expect(faultOf('[5.5]', datatype)).toBe(
        `wrong_datatype: Input "x"[0]: expected an integer (${datatype}), found 5.5.`,
      );
      expect(faultOf('["5"]', datatype)).toMatch(/^wrong_datatype: /);
      expect(faultOf('["NaN"]', datatype)).toMatch(/^wrong_datatype: /);
      expect(faultOf('[0.99999999999999999999]', datatype)).toMatch(/^wrong_datatype: /);
      expect(faultOf('[1e-400]', datatype)).toMatch(/^wrong_datatype: /);
    });

    it.each([
      ['INT64', -(2n ** 63n), 2n ** 63n - 1n],
      ['UINT64', 0n, 2n ** 64n - 1n],
    ] as const)('are exact over the whole range of %s', (datatype, least, most) => {
      const safe = BigInt(Number.MAX_SAFE_INTEGER);
      const list = fc.array(fc.bigInt({ min: least, max: most }), { maxLength: 30 });
      fc.assert(
        fc.property(list, (integers) => {
          const texts = integers.map((value, i) => {
            const bare = value >= -safe && value <= safe && i % 2 === 0;
            return bare ? String(value) : `"${value}"`;
          });
          expect(values(`[${texts.join()}]`, datatype)).toEqual(integers);
        }),
      );
      expect(values(`[${safe}, 0, 4294967296, "${least}", "${most}"]`, datatype)).toEqual([
        safe,
        0n,
        4294967296n,
        least,
        most,
      ]);
      for (const beyond of [least - 1n, most + 1n, 10n ** 30n, -(10n ** 1000n)]) {
        expect(faultOf(`["${beyond}"]`, datatype)).toMatch(/^out_of_range: Input "x"\[0\]: /);
      }
      expect(values('[9007199254740992, 9007199254740993, -0]', datatype)).toEqual([
        9007199254740992n,
        9007199254740993n,
        0n,
      ]);
      expect(values(`[${least}, ${most}]`, datatype)).toEqual([least, most]);
      for (const unsafe of ['9007199254740993.0', '1e16', '9007199254740993e0']) {
        expect(faultOf(`[${unsafe}]`, datatype)).toBe(
          `unsafe_integer: Input "x"[0]: ${unsafe} is beyond ±9007199254740991, where programs round numbers; send it in digits alone.`,
        );
      }
      for (const wrong of ['"1.5"', '"0x10"', '" 1"', '""', '"NaN"', '1.5']) {
        expect(faultOf(`[${wrong}]`, datatype)).toMatch(/^wrong_datatype: /);
      }
    });

    it('of negative safe integers are exact as INT64 and refused as UINT64', () => {
      expect(values('[-1, -9007199254740991, -4294967297]', 'INT64')).toEqual([
        -1n,
        -9007199254740991n,
        -4294967297n,
      ]);
      expect(faultOf('[-1]', 'UINT64')).toMatch(/^out_of_range: Input "x"\[0\]: -1 is/);
      expect(faultOf('[-9007199254740993.0]', 'INT64')).toMatch(/^unsafe_integer: /);
    });
  });

  it('reads booleans and strings', () => {
    expect(values('[true, false, [] ]'.replace(', []', ''), 'BOOL')).toEqual([1, 0]);
    expect(values('["a", "\\u00e9\\n", ""]', 'BYTES')).toEqual(['a', 'é\n', '']);
    expect(read('"alone"', 'BYTES')).toEqual({ data: ['alone'], shape: [] });
  });

  it.each([
    ['[1]', 'BOOL', 'Input "x"[0]: expected true or false (BOOL), found 1.'],
    ['[true, "true"]', 'BOOL', 'Input "x"[1]: expected true or false (BOOL), found "true".'],
    ['["a", 5]', 'BYTES', 'Input "x"[1]: expected a string (BYTES), found 5.'],
    ['[[1, 2], [3, null]]', 'FP32', 'Input "x"[1][1]: expected a number (FP32), found null.'],
    ['[1, true]', 'FP32', 'Input "x"[1]: expected a number (FP32), found true.'],
    ['[1, 2, "3"]', 'FP32', 'Input "x"[2]: expected a number (FP32), found "3".'],
    ['{"a": 1}', 'INT8', 'Input "x": expected an integer (INT8), found an object.'],
    ['null', 'FP64', 'Input "x": expected a number (FP64), found null.'],
    [
      `["${'long'.repeat(100)}"]`,
      'FP32',
      `Input "x"[0]: expected a number (FP32), found "${'long'.repeat(10)}…".`,
    ],
  ] as const)('refuses %s as %s', (document, datatype, message) => {
    expect(faultOf(document, datatype)).toBe(`wrong_datatype: ${message}`);
  });

  it('says where a document is broken', () => {
    expect(faultOf('[1,]', 'FP32')).toBe(
      'invalid_json: Invalid JSON at position 3: expected a number, found "]".',
    );
    expect(faultOf('[1 2]', 'FP32')).toBe(
      'invalid_json: Invalid JSON at position 3: expected "," or "]", found "2".',
    );
    expect(faultOf('[01]', 'INT8')).toMatch(/position 2: expected "," or "]", found "1"/);
    expect(faultOf('[1.,2]', 'FP32')).toMatch(/position 3: expected a digit, found ","/);
    expect(faultOf('[NaN]', 'FP32')).toMatch(/position 1: NaN and infinities are written as "NaN"/);
    expect(faultOf('[1,2', 'FP32')).toMatch(/position 4: the document ended early/);
    expect(faultOf('['.repeat(1e6), 'FP32')).toMatch(/nested deeper than 64/);
  });

  describe('shapes', () => {
    it.each([
      ['5', []],
      ['[]', [0]],
      ['[[],[]]', [2, 0]],
      ['[[[]]]', [1, 1, 0]],
      ['[1,2,3]', [3]],
      [' [ [1, 2] , [3, 4] , [5, 6] ] ', [3, 2]],
      ['[[[1]],[[2]]]', [2, 1, 1]],
    ])('of %s', (document, shape) => {
      expect(read(document, 'FP32').shape).toEqual(shape);
      expect(read(document, 'INT64').shape).toEqual(shape);
    });

    it.each([
      ['[[1,2],[3]]', 'the length of the array at [1] is 1, of those before it 2'],
      ['[[[1],[2]],[[3],[]]]', 'the length of the array at [1][1] is 0, of those before it 1'],
      ['[[],[1]]', 'the length of the array at [1] is 1, of those before it 0'],
      ['[1,[2]]', 'expected an element at [1], found an array'],
      ['[[1],2]', 'expected an array at [1], found an element'],
      ['[[],2]', 'expected an array at [1], found an element'],
      ['[[[1]],[2]]', 'expected an array at [1][0], found an element'],
      ['[[1],[[2]]]', 'expected an element at [1][0], found an array'],
    ])('are refused of the ragged %s', (document, message) => {
      expect(faultOf(document, 'FP32')).toBe(`ragged_array: Input "x" is ragged: ${message}.`);
      expect(faultOf(document.replace(/\d/g, '"s"'), 'BYTES')).toBe(
        `ragged_array: Input "x" is ragged: ${message}.`,
      );
    });

    it('and elements are those of JSON.parse, or both are ragged', () => {
      const { nested } = fc.letrec<{ nested: unknown }>((tie) => ({
        nested: fc.oneof(
          { maxDepth: 4, depthSize: 'small' },
          fc.integer({ min: -9, max: 9 }),
          fc.array(tie('nested'), { maxLength: 3 }),
          fc
            .tuple(tie('nested'), fc.integer({ min: 1, max: 3 }))
            .map(([value, n]) => Array<unknown>(n).fill(value)),
        ),
      }));
      const shapeOf = (value: unknown): number[] | undefined => {
        if (!Array.isArray(value)) return [];
        const [first, ...others] = value.map(shapeOf);
        if (value.length === 0) return [0];
        if (first === undefined || others.some((other) => other?.join() !== first.join())) return undefined;
        return [value.length, ...first];
      };
      fc.assert(
        fc.property(nested, fc.constantFrom(undefined, 1, 2), (value, indent) => {
          const document = JSON.stringify(value, null, indent);
          const shape = shapeOf(value);
          if (shape === undefined) {
            expect(faultOf(document, 'INT8')).toMatch(/^ragged_array: /);
            return;
          }
          expect(read(document, 'INT8').shape).toEqual(shape);
          expect(values(document, 'INT8')).toEqual([value].flat(10));
        }),
        { numRuns: 1000 },
      );
    });
  });

  describe('memory', () => {
    const document = `[${Array.from({ length: 1000 }, (_, i) => i).join()}]`;

    it('grows from any expectation to exactly the elements there are', () => {
      for (const expectedCount of [undefined, 0, 1, 999, 1000, 1001, 1e9]) {
        const { data } = read(document, 'FP32', { expectedCount });
        expect(data.length).toBe(1000);
        expect(data[999]).toBe(999);
        expect((data as NumericArray).buffer.byteLength).toBeLessThanOrEqual(4 * 2 * 1001);
      }
      const doubled = read(`[${'"5",'.repeat(40)}7]`, 'INT64', { expectedCount: 3 });
      expect(listOf(doubled.data)).toEqual([...Array<bigint>(40).fill(5n), 7n]);
    });

    it('comes from where the caller says, one array where the expectation was right', () => {
      const counts: number[] = [];
      const lend = (datatype: Parameters<typeof allocate>[0], count: number) => {
        counts.push(count);
        return allocate(datatype, count);
      };
      read(document, 'UINT16', { expectedCount: 1000, allocate: lend });
      expect(counts).toEqual([1000]);
      read(document, 'UINT16', { expectedCount: 400, allocate: lend });
      expect(counts).toEqual([1000, 400, 800, 1600]);
    });

    it('is not asked for beyond the most elements, which are counted', () => {
      expect(read(document, 'FP32', { maxCount: 1000 }).data.length).toBe(1000);
      expect(faultOf(document, 'FP32', { maxCount: 999 })).toBe(
        'shape_mismatch: Input "x" has more than 999 elements.',
      );
      expect(faultOf('["a","b"]', 'BYTES', { maxCount: 1 })).toMatch(/^shape_mismatch: /);
      expect(faultOf('1', 'FP32', { maxCount: 0 })).toMatch(/^shape_mismatch: /);
      expect(faultOf('[]', 'FP32', { maxCount: 0 })).toBe('none');
    });
  });
});
