import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

const FIXTURES = join(__dirname, '../../../test/fixtures/pictures');

/** A picture of scripts/pillow_expectations.py. */
export function picture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

/** What Pillow makes of one of them: the first 16 hex digits of its bytes' SHA-256. */
export interface ExpectedPicture {
  readonly name: string;
  /** After its EXIF orientation. */
  readonly size: readonly [width: number, height: number];
  readonly rgb: string;
  readonly grey: string;
  /** Without its EXIF orientation. */
  readonly unturned: string;
  /** Resampled to 40 x 24. */
  readonly bicubic: string;
}

export interface Expectations {
  readonly decoded: readonly ExpectedPicture[];
}

export function expectations(): Expectations {
  return JSON.parse(picture('expected.json').toString()) as Expectations;
}

export function digestOf(data: ArrayLike<number>): string {
  return createHash('sha256').update(Uint8Array.from(data)).digest('hex').slice(0, 16);
}

/** A grey PNG of this size, black and well compressed; with `rows` given it has no more than those. */
export function blackPng(width: number, height: number, rows = height): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  const pixels = deflateSync(Buffer.alloc((width + 1) * rows));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const named = Buffer.concat([Buffer.from(name), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
