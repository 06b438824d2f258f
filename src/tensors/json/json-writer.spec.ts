import fc from 'fast-check';
import { allocate, DATATYPES, type Datatype, type TensorData } from '../datatype';
import { halfToNumber, numberToHalf } from '../numbers/float16';
import { JsonReader } from './json-reader';
import { JsonWriter } from './json-writer';
import { readTensorData } from './tensor-reader';

function written(write: (writer: JsonWriter) => void): string {
  const writer = new JsonWriter();
  write(writer);
  return writer.finish().toString('utf8');
}

const flat = (data: TensorData, datatype: Datatype) =>
  written((writer) => writer.tensorFlat(data, datatype, data.length));

/** The texts of numbers, as they stand in a flat array. */
const texts = (data: TensorData, datatype: Datatype) => flat(data, datatype).slice(1, -1).split(',');

function floatOf(bits: number): number {
  return new Float32Array(Int32Array.of(bits).buffer)[0] ?? NaN;
}

/** By trying: the fewest digits of a decimal that reads back. */
function fewestDigits(value: number, readsBack: (decimal: number) => boolean): number {
  for (let size = 1; ; size++) {
    const [digits = '', exponent = ''] = value.toExponential(size - 1).split('e');
    const nearest = Number(digits.replace('.', ''));
    for (const whole of [nearest, nearest + 1, nearest - 1]) {
      if (readsBack(Number(`${whole}e${Number(exponent) - size + 1}`))) return size;
    }
  }
}

function digitsIn(text: string): number {
  const [digits = ''] = text.replace(/[-.]/g, '').split('e');
  return digits.replace(/^0+/, '').replace(/0+$/, '').length;
}

/** The first number not printed as it should be. */
function misprinted(
  data: Float32Array | Uint16Array,
  datatype: 'FP32' | 'FP16',
  checkFewest: boolean,
): string | undefined {
  const printed = texts(data, datatype);
  if (printed.length !== data.length) return `${printed.length} numbers for ${data.length}`;
  for (const [i, text] of printed.entries()) {
    const element = data[i] ?? NaN;
    const value = datatype === 'FP32' ? element : halfToNumber(element);
    const round =
      datatype === 'FP32' ? Math.fround : (decimal: number) => halfToNumber(numberToHalf(decimal));
    if (!Number.isFinite(value)) {
      if (text !== `"${value}"`) return `${value} as ${text}`;
      continue;
    }
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'number' || !Object.is(round(parsed), value)) return `${value} as ${text}`;
    // JavaScript's own form of that decimal, which has no zeros too many.
    if (text !== (Object.is(parsed, -0) ? '-0' : String(parsed))) return `${parsed} in the form ${text}`;
    if (checkFewest && value !== 0) {
      const fewest = fewestDigits(Math.abs(value), (decimal) => round(decimal) === Math.abs(value));
      if (digitsIn(text) !== fewest) return `${value} as ${text}, not in ${fewest} digits`;
    }
  }
  return undefined;
}

describe('JsonWriter', () => {
  describe('FP32', () => {
    const patterns = fc.oneof(
      fc.integer(),
      // As models answer: near 0 and 1; and short decimals, subnormals, whole numbers, the likes of powers of two.
      fc.double({ min: -20, max: 20, noNaN: true }).map((value) => bitsOf(value)),
      fc
        .tuple(fc.integer(), fc.integer({ min: -45, max: 38 }))
        .map(([m, e]) => bitsOf(Number(`${m % 1e4}e${e}`))),
      fc.integer({ min: 0, max: 0x7fffff }),
      fc.tuple(fc.integer(), fc.nat({ max: 40 })).map(([m, shift]) => bitsOf(m * 2 ** shift)),
      fc.tuple(fc.nat({ max: 254 }), fc.integer({ min: -3, max: 3 })).map(([e, step]) => (e << 23) + step),
    );
    const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0] ?? 0;

    it('is printed with the fewest digits that read back to the same bits', () => {
      fc.assert(
        fc.property(fc.array(patterns, { minLength: 1, maxLength: 100, size: 'max' }), (bits) => {
          const data = new Float32Array(Int32Array.from(bits).buffer);
          expect(misprinted(data, 'FP32', true)).toBeUndefined();
        }),
        { numRuns: 150 },
      );
    });

    it('reads back for every exponent, around each power of two and of ten', () => {
      const bits: number[] = [];
      for (let exponent = 0; exponent <= 254; exponent++) {
        for (let step = -20; step <= 20; step++) bits.push(Math.max((exponent << 23) + step, 0));
      }
      for (let exponent = -45; exponent <= 38; exponent++) {
        const near = bitsOf(Number(`1e${exponent}`));
        for (let step = -20; step <= 20; step++) bits.push(Math.max(near + step, 0));
      }
      const data = new Float32Array(Int32Array.from(bits).buffer);
      expect(misprinted(data, 'FP32', true)).toBeUndefined();
    });

    it('reads back for patterns spread over all there are', () => {
      const data = Float32Array.from({ length: 100_000 }, (_, i) => floatOf(Math.imul(i, 0x9e3779b1)));
      expect(misprinted(data, 'FP32', false)).toBeUndefined();
    });

    it('looks as people expect', () => {
      const data = [
        0.1, -2.5, 1, 0, -0, 1e-6, 1e-7, 0.3, 16777216, 123456.7, 1e21, 3.4028234663852886e38, 1e-45,
      ];
      expect(texts(Float32Array.from(data), 'FP32').join(' ')).toBe(
        '0.1 -2.5 1 0 -0 0.000001 1e-7 0.3 16777216 123456.7 1e+21 3.4028235e+38 1e-45',
      );
    });
  });

  it('prints each of the 65,536 FP16 patterns with the fewest digits that read back', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, half) => half);
    expect(misprinted(all, 'FP16', true)).toBeUndefined();
  });

  it('prints FP64 as JavaScript does, and keeps the sign of zero', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1 }), (values) => {
        const expected = values.map((value) => (Object.is(value, -0) ? '-0' : String(value)));
        const quoted = expected.map((text, i) => (Number.isFinite(values[i]) ? text : `"${text}"`));
        expect(texts(Float64Array.from(values), 'FP64')).toEqual(quoted);
        const single = values[0] ?? 0;
        expect(written((writer) => writer.number(single))).toBe(quoted[0]);
      }),
    );
  });

  it('prints safe integers bare and the others as strings', () => {
    const signed = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.maxSafeInteger().map(BigInt),
    );
    const near = [
      0n,
      1n,
      -1n,
      2n ** 31n,
      -(2n ** 31n),
      2n ** 32n,
      2n ** 53n - 1n,
      2n ** 53n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
    ];
    const safe = BigInt(Number.MAX_SAFE_INTEGER);
    const form = (value: bigint) => (value >= -safe && value <= safe ? String(value) : `"${value}"`);
    fc.assert(
      fc.property(fc.array(fc.oneof(signed, fc.constantFrom(...near)), { minLength: 1 }), (values) => {
        const both = [...values, ...values.map((value) => (value === -(2n ** 63n) ? value : -value))];
        expect(texts(BigInt64Array.from(both), 'INT64')).toEqual(both.map(form));
        const unsigned = both.map((value) => BigInt.asUintN(64, value));
        expect(texts(BigUint64Array.from(unsigned), 'UINT64')).toEqual(unsigned.map(form));
      }),
    );
  });

  it('prints every other datatype so that the reader gives it back', () => {
    for (const datatype of DATATYPES) {
      // FP16 has its own test, with all of its patterns.
      if (datatype === 'BYTES' || datatype === 'BOOL' || datatype === 'FP16') continue;
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 8, maxLength: 400 }), (bytes) => {
          const data = allocate(datatype, bytes.length >> 3);
          Buffer.from(data.buffer).set(bytes.subarray(0, data.byteLength));
          const reader = new JsonReader(Buffer.from(flat(data, datatype)));
          expect(readTensorData(reader, datatype, 'x', { maxCount: 100 })).toEqual({
            data,
            shape: [data.length],
          });
        }),
        { numRuns: 30 },
      );
    }
    expect(flat(Uint8Array.of(1, 0, 255), 'BOOL')).toBe('[true,false,true]');
    expect(flat(['a', '"é"'], 'BYTES')).toBe('["a","\\"é\\""]');
  });

  it('escapes strings as JSON.stringify does', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
        (text) => {
          expect(written((writer) => writer.string(text))).toBe(JSON.stringify(text));
        },
      ),
    );
    const kinds = ['', 'plain', '"\\', '\u0000\n', 'é', '😀', '\ud800', '\udc00x', '\u007f', '\u2028'];
    for (const text of kinds) expect(written((writer) => writer.string(text))).toBe(JSON.stringify(text));
  });

  it('nests as the shape says', () => {
    const nested = (shape: number[], datatype: Datatype = 'INT32') =>
      written((writer) => writer.tensorNested(Int32Array.of(1, 2, 3, 4, 5, 6), datatype, shape));
    expect(nested([])).toBe('1');
    expect(nested([6])).toBe('[1,2,3,4,5,6]');
    expect(nested([2, 3])).toBe('[[1,2,3],[4,5,6]]');
    expect(nested([1, 3, 2])).toBe('[[[1,2],[3,4],[5,6]]]');
    expect(nested([0])).toBe('[]');
    expect(nested([0, 3])).toBe('[]');
    expect(nested([2, 0])).toBe('[[],[]]');
    expect(written((writer) => writer.tensorNested(['a', 'b'], 'BYTES', [2, 1]))).toBe('[["a"],["b"]]');
    expect(() => nested([7])).toThrow(RangeError);
  });

  it('writes whole documents', () => {
    const document = written((writer) => {
      writer.raw('{"count":');
      writer.integer(-12_345_678_901);
      writer.raw(',"seconds":');
      writer.number(0.000_25);
      writer.raw(',"name":');
      writer.string('digits');
      writer.raw('}');
    });
    expect(document).toBe('{"count":-12345678901,"seconds":0.00025,"name":"digits"}');
  });

  it('hands out bytes that later and simultaneous documents leave alone', () => {
    const step = fc.record({
      open: fc.nat({ max: 3 }),
      length: fc.nat({ max: 60_000 }),
      finish: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const open = new Map<number, { writer: JsonWriter; expected: string }>();
        const done: { bytes: Buffer; expected: string }[] = [];
        for (const [i, { open: slot, length, finish }] of steps.entries()) {
          const entry = open.get(slot) ?? { writer: new JsonWriter(), expected: '' };
          open.set(slot, entry);
          const text = String.fromCharCode(97 + (i % 26)).repeat(length);
          if (i % 2 === 0) entry.writer.raw(text);
          else entry.writer.string(text);
          entry.expected += i % 2 === 0 ? text : `"${text}"`;
          if (!finish) continue;
          open.delete(slot);
          done.push({ bytes: entry.writer.finish(), expected: entry.expected });
        }
        for (const { bytes, expected } of done) expect(bytes.toString() === expected).toBe(true);
      }),
    );
  });

  it('grows to any length', () => {
    const data = new Float32Array(200_000).fill(0.123456789);
    const expected = `[${Array<string>(200_000).fill('0.12345679').join()}]`;
    for (let round = 0; round < 2; round++) expect(flat(data, 'FP32') === expected).toBe(true);
    expect(flat(['é'.repeat(200_000)], 'BYTES')).toHaveLength(200_004);
  });
});
