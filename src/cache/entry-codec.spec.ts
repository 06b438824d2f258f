import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { allocate, DATATYPES, type Datatype, type TensorData } from '../tensors/datatype';
import { decodeEntry, encodeEntry, type StoredEntry } from './entry-codec';

const KEY = 'nestor:digits:tWAHcqEJZNxCNZjwS5XyxnZiH6-GgvJeR_eQ43abNkE';
const BORN = 1_790_000_000_123.5;

function filled(datatype: Datatype, count: number): TensorData {
  if (datatype === 'BYTES') return Array.from({ length: count }, (_, i) => 'naïve 漢 '.repeat(i));
  const data = allocate(datatype, count);
  new Uint8Array(data.buffer).forEach((_, i, bytes) => (bytes[i] = (i * 37) % 251));
  return data;
}

const whole: StoredEntry = {
  bornAtMs: BORN,
  outputs: DATATYPES.map((datatype) => ({
    name: `ü ${datatype}`,
    datatype,
    shape: [2, 3],
    data: filled(datatype, 6),
  })),
};

/** The same bytes with a right checksum again. */
function sealed(bytes: Buffer): string {
  bytes.writeUInt32LE(crc32(bytes.subarray(5)), 1);
  return bytes.toString('base64');
}

describe('an entry in Redis', () => {
  it('comes back as it was, whatever its datatypes', () => {
    expect(decodeEntry(KEY, encodeEntry(KEY, whole))).toEqual(whole);
  });

  it.each([
    ['no outputs', []],
    ['a scalar', [{ name: 'y', datatype: 'FP64', shape: [], data: Float64Array.of(Math.PI) }]],
    ['no elements', [{ name: 'y', datatype: 'INT64', shape: [0, 2 ** 40], data: new BigInt64Array(0) }]],
    ['no strings', [{ name: 'y', datatype: 'BYTES', shape: [0], data: [] }]],
  ] satisfies [string, StoredEntry['outputs']][])('comes back with %s', (_, outputs) => {
    expect(decodeEntry(KEY, encodeEntry(KEY, { outputs, bornAtMs: 0 }))).toEqual({ outputs, bornAtMs: 0 });
  });

  it('is what docs/cache.md shows', () => {
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [1], data: Float32Array.of(1) }];
    const text = readFileSync(join(__dirname, '../../docs/cache.md'), 'utf8');
    expect(text).toContain(`\`${encodeEntry('nestor:m:k', { outputs, bornAtMs: 1 })}\``);
  });

  it('keeps the sign of zero and the bits of a NaN', () => {
    const bits = Uint32Array.of(0x80000000, 0x7fc00001, 0xffc12345, 0x7f800000);
    const outputs = [
      { name: 'y', datatype: 'FP32' as const, shape: [4], data: new Float32Array(bits.buffer) },
    ];
    const back = decodeEntry(KEY, encodeEntry(KEY, { outputs, bornAtMs: 0 }));
    expect(new Uint32Array((back!.outputs[0]!.data as Float32Array).buffer)).toEqual(bits);
  });

  it('takes a part of a batch from where it lies', () => {
    const data = Float32Array.of(9, 9, 1, 2, 9).subarray(2, 4);
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [2], data }];
    expect(decodeEntry(KEY, encodeEntry(KEY, { outputs, bornAtMs: 0 }))?.outputs[0]?.data).toEqual(
      Float32Array.of(1, 2),
    );
  });

  it('is compact: a third more than its bytes, and little else', () => {
    const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [1000], data: new Float32Array(1000) }];
    expect(encodeEntry(KEY, { outputs, bornAtMs: BORN }).length).toBeLessThan((4000 * 4) / 3 + 200);
  });

  it('is nothing when it is cut off anywhere', () => {
    const text = encodeEntry(KEY, whole);
    for (let length = 0; length < text.length; length += 1) {
      // The last character or two of base64 may be padding.
      const cut = text.slice(0, length);
      if (!Buffer.from(cut, 'base64').equals(Buffer.from(text, 'base64'))) {
        expect(decodeEntry(KEY, cut)).toBeUndefined();
      }
    }
  });

  it('is nothing when a bit of it is another one', () => {
    const bytes = Buffer.from(encodeEntry(KEY, whole), 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeEntry(KEY, bytes.toString('base64'))).toBeUndefined();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('is nothing in another format version, or under another key', () => {
    const bytes = Buffer.from(encodeEntry(KEY, whole), 'base64');
    expect(decodeEntry(`${KEY}x`, sealed(bytes))).toBeUndefined();
    bytes[0] = 2;
    expect(decodeEntry(KEY, sealed(bytes))).toBeUndefined();
  });

  it('is nothing when a right checksum is all that is right', () => {
    const valid = Buffer.from(encodeEntry(KEY, whole), 'base64');
    fc.assert(
      fc.property(
        fc.nat(valid.length - 6),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        fc.nat(3),
        (at, junk, cut) => {
          const bytes = Buffer.from(valid.subarray(0, valid.length - cut));
          junk.forEach((byte, i) => (bytes[5 + at + i] = byte));
          // Whatever comes out, it neither throws nor takes memory that is not there.
          const entry = decodeEntry(KEY, sealed(bytes));
          expect(entry?.outputs.length ?? 0).toBeLessThanOrEqual(DATATYPES.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each(['', 'AQ==', 'not base64 at all', '{"value":1}', 'a'.repeat(1000)])('is nothing in %j', (text) => {
    expect(decodeEntry(KEY, text)).toBeUndefined();
  });
});
