import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { FORMATS, formatOf, isAnimatedAvif } from './formats';
import type { Pixels, Rectangle } from './pixels';
import { MOST_SOURCE_SIDE } from './resample';

// Only what decodes the formats that are offered: libvips would also load SVG, PDF and whatever it finds.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadTiff',
    'VipsForeignLoadHeif',
  ],
});
// Each picture is decoded once, and by one thread of libuv's.
sharp.cache(false);
sharp.concurrency(1);

/** Colour spaces whose pixels become the ones that Pillow makes of them; `rgb` is what TIFF calls it. */
const SPACES: readonly string[] = ['srgb', 'rgb', 'b-w', 'cmyk'];
const MOST_REASON_LENGTH = 200;

/** What the head of a picture says; its size is that after its EXIF orientation. */
export interface ImageHead {
  readonly width: number;
  readonly height: number;
  readonly isCmyk: boolean;
  /** Does it lie otherwise in its file, as its EXIF orientation says? */
  readonly isTurned: boolean;
  /** How much memory its decoded pixels take. */
  readonly bytes: number;
}

const OPTIONS: SharpOptions = {
  // A profile would be applied, and Pillow applies none.
  ignoreIcc: true,
  // Pillow refuses a picture that is cut off, too.
  failOn: 'error',
  sequentialRead: true,
  // The head is held against the limit beforehand.
  limitInputPixels: false,
};

/**
 * Looks at the head of a picture.
 * @param place as errors name the picture
 * @throws invalid_image, input_too_large
 */
export async function readHead(bytes: Uint8Array, maxPixels: number, place: string): Promise<ImageHead> {
  if (formatOf(bytes) === undefined) {
    const what = bytes.length === 0 ? 'is empty, and must be' : 'not';
    throw new DomainError('invalid_image', `${place}: ${what} a ${FORMATS} image.`);
  }
  let head: Metadata;
  try {
    head = await sharp(bytes, OPTIONS).metadata();
  } catch (error) {
    throw undecodable(place, bytes, error);
  }
  const { space, depth, orientation = 1 } = head;
  const { width, height } = head.autoOrient;
  const size = `${width} x ${height} pixels`;
  if (width * height > maxPixels) {
    throw new DomainError(
      'input_too_large',
      `${place}: has ${size}, and at most ${maxPixels} are taken (MAX_IMAGE_PIXELS).`,
    );
  }
  if (Math.max(width, height) > MOST_SOURCE_SIDE) {
    throw new DomainError(
      'input_too_large',
      `${place}: has ${size}, and a side has at most ${MOST_SOURCE_SIDE}.`,
    );
  }
  if (depth !== 'uchar' || !SPACES.includes(space)) {
    throw new DomainError(
      'invalid_image',
      `${place}: has pixels of the kind ${space} (${depth}), and only those with 8 bits a channel in RGB, grey or CMYK are taken.`,
    );
  }
  const isCmyk = space === 'cmyk';
  return { width, height, isCmyk, isTurned: orientation !== 1, bytes: width * height * (isCmyk ? 7 : 3) };
}

/**
 * The pixels of a picture in RGB, those that Pillow's `convert('RGB')` gives: alpha left out, CMYK by its plain formula,
 * of several pages the first.
 * @param part what of it is wanted; undefined: all
 * @param withinMs how long it may take
 * @throws invalid_image, deadline_exceeded
 */
export async function decode(
  bytes: Uint8Array,
  { isCmyk }: ImageHead,
  orient: 'exif' | 'none',
  part: Rectangle | undefined,
  withinMs: number,
  place: string,
): Promise<Pixels> {
  const seconds = Math.min(3600, Math.max(1, Math.ceil(withinMs / 1000)));
  const image = sharp(bytes, { ...OPTIONS, autoOrient: orient === 'exif' }).timeout({ seconds });
  if (part !== undefined) image.extract(part);
  if (isCmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else image.removeAlpha().toColourspace('srgb');
  try {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    return { data: isCmyk ? rgbOfCmyk(data) : data, width, height, channels: 3 };
  } catch (error) {
    if (/timeout/i.test(reasonOf(error))) {
      throw new DomainError('deadline_exceeded', `${place}: the deadline passed while it was decoded.`);
    }
    throw undecodable(place, bytes, error);
  }
}

/** Pillow's grey: ITU-R 601 in fixed point. https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.Image.convert */
export function toGrey({ data, width, height }: Pixels): Pixels {
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = (data[at]! * 19595 + data[at + 1]! * 38470 + data[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return { data: grey, width, height, channels: 1 };
}

/** Ink taken off the white that black leaves, which is all that Pillow does. */
function rgbOfCmyk(data: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let at = 0, to = 0; at < data.length; at += 4) {
    const white = 255 - data[at + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = data[at + channel]! * white + 128;
      rgb[to++] = white - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

function undecodable(place: string, bytes: Uint8Array, error: unknown): DomainError {
  const [line = ''] = reasonOf(error).split('\n');
  const said = line.replace(/[:\s]+$/, '');
  const isUnsaid = said === '' || /^unknown error$/i.test(said);
  const reason = isAnimatedAvif(bytes)
    ? 'it is an animated AVIF, and only still ones are taken'
    : isUnsaid
      ? `it is broken, or no ${formatOf(bytes)} at all`
      : said.slice(0, MOST_REASON_LENGTH);
  return new DomainError('invalid_image', `${place}: cannot be decoded: ${reason}.`, { cause: error });
}
