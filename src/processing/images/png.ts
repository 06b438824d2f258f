import { crc32, deflateSync } from 'node:zlib';

/** What a pixel is: grey of 8 or 16 bits, or red, green and blue of 8. */
export type PngPixel = 'grey8' | 'grey16' | 'rgb8';

const HEADS: Readonly<Record<PngPixel, readonly [bits: number, colorType: number]>> = {
  grey8: [8, 0],
  grey16: [16, 0],
  rgb8: [8, 2],
};

/**
 * A PNG. https://www.w3.org/TR/png-3/#4Concepts.FormatChunks
 * @param lines of pixels, before each of which a byte is left at 0, the number of no filter
 */
export function pngOf(pixel: PngPixel, width: number, height: number, lines: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set(HEADS[pixel], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const SIGNATURE_BYTES = 8;
/** Length, type and checksum. */
const FRAME_BYTES = 12;
const TEXTS: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt']);

/** A PNG without its texts, which no pixel depends on: a few bytes of them unpack to megabytes at each look at it. */
export function withoutTexts(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.length);
  const kept: Uint8Array[] = [];
  let copiedTo = 0;
  for (let at = SIGNATURE_BYTES; at + FRAME_BYTES <= bytes.length;) {
    const end = at + FRAME_BYTES + bytes.readUInt32BE(at);
    if (TEXTS.has(bytes.toString('latin1', at + 4, at + 8)) && end <= bytes.length) {
      if (copiedTo < at) kept.push(bytes.subarray(copiedTo, at));
      copiedTo = end;
    }
    at = end;
  }
  return copiedTo === 0 ? png : Buffer.concat([...kept, bytes.subarray(copiedTo)]);
}

export function chunk(name: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}
