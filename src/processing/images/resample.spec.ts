import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noise } from '../testing/noise';
import type { Filter } from './image-plan';
import { type Pixels, type Rectangle, wholePicture } from './pixels';
import { cut, partFor, resample, type Resampling } from './resample';

interface Expected {
  readonly resampled: readonly {
    readonly source: readonly [width: number, height: number, channels: 1 | 3];
    readonly target: readonly [width: number, height: number];
    readonly digests: Readonly<Record<Filter, string>>;
  }[];
}

const FIXTURES = join(__dirname, '../../../test/fixtures/pictures');
const { resampled } = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as Expected;

function digest({ data }: Pixels): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}

const everything = noise(
  Math.max(...resampled.map(({ source: [width, height, channels] }) => width * height * channels)),
);

function sourceOf([width, height, channels]: Expected['resampled'][number]['source']): Pixels {
  return { data: everything.subarray(0, width * height * channels), width, height, channels };
}

function smaller(
  picture: Pixels,
  [width, height]: readonly [number, number],
  filter: Filter,
  window: Rectangle = { left: 0, top: 0, width, height },
  antialias = true,
): Pixels {
  return resample(wholePicture(picture), { width, height, filter, antialias, window });
}

describe('resampling', () => {
  it.each(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const)(
    "gives Pillow's bytes, smaller and larger: %s",
    (filter) => {
      const wrong = resampled.filter(({ source, target, digests }) => {
        return digest(smaller(sourceOf(source), target, filter)) !== digests[filter];
      });
      expect(resampled).toHaveLength(108);
      expect(wrong).toEqual([]);
    },
  );

  it('gives a window the same bytes that it has in the whole', () => {
    for (const { source, target } of resampled) {
      const [width, height] = target;
      const picture = sourceOf(source);
      const window = {
        left: Math.floor(width / 3),
        top: Math.floor(height / 4),
        width: Math.ceil(width / 2),
        height: Math.ceil(height / 2),
      };
      const whole = smaller(picture, target, 'bicubic');
      expect(digest(smaller(picture, target, 'bicubic', window))).toBe(digest(cut(whole, window)));
    }
  });

  it.each(['box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const)(
    'gives a window the same bytes of the part of the picture that it is made of: %s',
    (filter) => {
      let parts = 0;
      for (const { source, target } of resampled) {
        const [width, height] = target;
        const picture = sourceOf(source);
        const window = {
          left: Math.floor(width / 3),
          top: Math.floor(height / 4),
          width: Math.ceil(width / 3),
          height: Math.ceil(height / 3),
        };
        for (const antialias of [true, false]) {
          const resampling: Resampling = { width, height, filter, antialias, window };
          const part = partFor(picture, resampling);
          if (part === undefined) continue;
          parts++;
          const pixels = cut(picture, part);
          const { left, top } = part;
          const place = { left, top, width: picture.width, height: picture.height };
          expect(digest(resample({ pixels, ...place }, resampling))).toBe(
            digest(smaller(picture, target, filter, window, antialias)),
          );
        }
      }
      expect(parts).toBeGreaterThan(100);
    },
  );

  it('takes pictures of more rows or columns than its memory has room for at a time', () => {
    const flat = (width: number, height: number): Pixels => ({
      data: Buffer.alloc(width * height * 3, 77),
      width,
      height,
      channels: 3,
    });
    const plain = ({ data }: Pixels): boolean => Buffer.alloc(data.length, 77).equals(data);
    expect(plain(smaller(flat(60_000, 5), [8192, 3], 'lanczos'))).toBe(true);
    expect(plain(smaller(flat(6, 65_535), [60, 2], 'bicubic'))).toBe(true);
  });

  it('looks at two pixels each way, and no more, without antialiasing', () => {
    // Four pixels become two: each from the middle two of its half.
    const picture: Pixels = {
      data: Uint8Array.of(0, 100, 200, 40, 0, 0, 8, 10),
      width: 8,
      height: 1,
      channels: 1,
    };
    expect([...smaller(picture, [2, 1], 'bilinear', undefined, false).data]).toEqual([150, 4]);
    expect([...smaller(picture, [2, 1], 'bilinear').data]).not.toEqual([150, 4]);
  });

  it('runs what its text assembles to', async () => {
    const { assemble } = jest.requireActual<{
      assemble: (kernel: string) => Promise<string>;
    }>('../../../scripts/assemble-kernel.js');
    const assembled = readFileSync(join(__dirname, 'resample-kernel/resample-kernel.wasm.ts'), 'utf8');
    expect(await assemble('RESAMPLE_KERNEL')).toBe(assembled);
  });
});
