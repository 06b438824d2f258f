import { seededRandom } from '../../../test/helpers/seeded-random';
import { DomainError } from '../../errors/domain-error';
import { picture } from '../testing/pictures';
import type { ImagePlan } from './image-plan';
import { openImages } from './prepare-images';

const PLAN: ImagePlan = {
  type: 'image',
  name: 'image',
  to: { name: 'x', datatype: 'UINT8', shape: [-1, 8, 8, 3] },
  covers: ['x'],
  orient: 'exif',
  color: 'rgb',
  resize: { mode: 'exact', width: 8, height: 8 },
  filter: 'bilinear',
  antialias: true,
  crop: undefined,
  scale: { times: 1, over: 1 },
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'nhwc',
};
const LIMITS = {
  maxImagePixels: 1_000_000,
  imageBytes: 64 * 1024 * 1024,
  maxInputs: 1,
  tables: { maxRows: 1, maxColumns: 1, maxCellLength: 1 },
};
const MUTATIONS = 60;
const REFUSALS = ['invalid_image', 'input_too_large'];

function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i <= random(6); i++) copy[random(copy.length)] = random(256);
  return random(3) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

describe('a picture whose bytes are changed at random', () => {
  it.each([
    'exif-6.jpg',
    'progressive.jpg',
    'cmyk.jpg',
    'palette.png',
    'palette.gif',
    'lossy.webp',
    'plain.tiff',
  ])('becomes a tensor or a refusal that names it: %s', async (name) => {
    const random = seededRandom(7);
    const preparer = openImages(PLAN, LIMITS);
    const original = picture(name);
    for (let i = 0; i < MUTATIONS; i++) {
      const pieces = [mutated(original, random)];
      const raw = { name: 'image', media: 'image', pieces, isList: false } as const;
      try {
        const terms = { deadlineMs: performance.now() + 60_000, mayPart: true, mayPad: true };
        const [prepared] = await preparer.prepare(raw, {}, terms);
        expect(prepared?.tensors[0]?.shape).toEqual([1, 8, 8, 3]);
      } catch (error) {
        expect(error).toBeInstanceOf(DomainError);
        expect(REFUSALS).toContain((error as DomainError).code);
        expect((error as DomainError).message).toMatch(/^Input "image": /);
      }
    }
  });
});
