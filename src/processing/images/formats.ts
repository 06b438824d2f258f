/** What a picture's first bytes say that it is; whatever else it is called. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF';

interface Signature {
  readonly format: ImageFormat;
  readonly bytes: string;
  readonly at: number;
}

/** In Latin-1. */
const SIGNATURES: readonly Signature[] = [
  { format: 'JPEG', bytes: '\xff\xd8\xff', at: 0 },
  { format: 'PNG', bytes: '\x89PNG\r\n\x1a\n', at: 0 },
  { format: 'WebP', bytes: 'WEBPVP8', at: 8 },
  { format: 'GIF', bytes: 'GIF87a', at: 0 },
  { format: 'GIF', bytes: 'GIF89a', at: 0 },
  { format: 'TIFF', bytes: 'II*\0', at: 0 },
  { format: 'TIFF', bytes: 'MM\0*', at: 0 },
  { format: 'AVIF', bytes: 'ftypavif', at: 4 },
  { format: 'AVIF', bytes: 'ftypavis', at: 4 },
];
const MOST_SIGNATURE_BYTES = 16;

/** As errors list them. */
export const FORMATS = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';

/** @returns undefined for anything that is decoded nowhere here, such as SVG */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MOST_SIGNATURE_BYTES));
  const text = start.toString('latin1');
  return SIGNATURES.find((signature) => text.startsWith(signature.bytes, signature.at))?.format;
}

/** By its main brand: a sequence, which may have a still picture besides. */
export function isAnimatedAvif(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(4, 12)).toString('latin1') === 'ftypavis';
}
