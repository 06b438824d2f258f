import { deflateSync } from 'node:zlib';
import { DomainError } from '../../errors/domain-error';
import type { Tensor } from '../../tensors/tensor';
import type { ProcessingLimits } from '../pool/messages';
import type { PreparedInput } from '../pool/preparer';
import { blackPng, digestOf, expectations, picture } from '../testing/pictures';
import type { ImagePlan } from './image-plan';
import { chunk, withoutTexts } from './png';
import { openImages } from './prepare-images';

const LIMITS: ProcessingLimits = {
  maxImagePixels: 1_000_000,
  imageBytes: 64 * 1024 * 1024,
  maxInputs: 64,
  tables: { maxRows: 1, maxColumns: 1, maxCellLength: 1 },
};

const BYTES: ImagePlan = {
  type: 'image',
  name: 'image',
  to: { name: 'x', datatype: 'UINT8', shape: [-1, -1, -1, 3] },
  covers: ['x'],
  orient: 'exif',
  color: 'rgb',
  resize: { mode: 'none' },
  filter: 'bilinear',
  antialias: true,
  crop: undefined,
  scale: { times: 1, over: 1 },
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'nhwc',
};

async function prepare(plan: Partial<ImagePlan>, ...pieces: Uint8Array[]): Promise<PreparedInput> {
  const preparer = openImages({ ...BYTES, ...plan }, LIMITS);
  const raw = { name: 'image', media: 'image', pieces, isList: pieces.length > 1 } as const;
  const [prepared] = await preparer.prepare(
    raw,
    {},
    { deadlineMs: performance.now() + 60_000, mayPart: true, mayPad: true },
  );
  return prepared!;
}

async function tensorOf(plan: Partial<ImagePlan>, ...pieces: Uint8Array[]): Promise<Tensor> {
  const { tensors } = await prepare(plan, ...pieces);
  expect(tensors).toHaveLength(1);
  return tensors[0]!;
}

async function refusal(piece: Uint8Array, plan: Partial<ImagePlan> = {}): Promise<DomainError> {
  const error: unknown = await prepare(plan, piece).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DomainError);
  return error as DomainError;
}

const numbers = ({ data }: Tensor): ArrayLike<number> => data as Uint8Array;

describe('pictures', () => {
  it.each(expectations().decoded)("are decoded to Pillow's bytes: $name", async (expected) => {
    const bytes = picture(expected.name);
    const [width, height] = expected.size;
    const rgb = await tensorOf({}, bytes);
    expect(rgb.shape).toEqual([1, height, width, 3]);
    expect(digestOf(numbers(rgb))).toBe(expected.rgb);
    expect(digestOf(numbers(await tensorOf({ orient: 'none' }, bytes)))).toBe(expected.unturned);
    const grey = { color: 'grey', layout: 'nhw', mean: [0], std: [1] } as const;
    expect(digestOf(numbers(await tensorOf(grey, bytes)))).toBe(expected.grey);
    const small = { resize: { mode: 'exact', width: 40, height: 24 }, filter: 'bicubic' } as const;
    const whole = await tensorOf(small, bytes);
    expect(digestOf(numbers(whole))).toBe(expected.bicubic);
    const middle = await tensorOf({ ...small, crop: { width: 10, height: 6, round: 'floor' } }, bytes);
    expect(Array.from(numbers(middle))).toEqual(middleOf(Array.from(numbers(whole))));
  });

  /** Ten by six of forty by twenty-four pixels. */
  function middleOf(pixels: readonly number[]): number[] {
    return Array.from({ length: 6 }, (_, y) => {
      const start = ((y + 9) * 40 + 15) * 3;
      return pixels.slice(start, start + 10 * 3);
    }).flat();
  }

  it('are known by their bytes, whatever they are called', async () => {
    expect((await tensorOf({}, picture('rgb.png'))).shape).toEqual([1, 50, 70, 3]);
  });

  it('become channels of their own, in the order of the recipe, normalised as numpy does it', async () => {
    const one = picture('one.png');
    const [red = 0, green = 0, blue = 0] = Array.from(numbers(await tensorOf({}, one)));
    const recipe = {
      to: { name: 'x', datatype: 'FP32', shape: [-1, 3, 1, 1] },
      layout: 'nchw',
      scale: { times: 1, over: 255 },
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    } as const;
    const f = Math.fround;
    const normal = (value: number, channel: 0 | 1 | 2): number =>
      f(f(f(value / 255) - f(recipe.mean[channel])) / f(recipe.std[channel]));
    const rgb = await tensorOf(recipe, one);
    expect(rgb).toMatchObject({ datatype: 'FP32', shape: [1, 3, 1, 1] });
    expect(Array.from(numbers(rgb))).toEqual([normal(red, 0), normal(green, 1), normal(blue, 2)]);
    const bgr = await tensorOf({ ...recipe, color: 'bgr' }, one);
    expect(Array.from(numbers(bgr))).toEqual([normal(blue, 0), normal(green, 1), normal(red, 2)]);
  });

  it('become halves where the model takes halves', async () => {
    const half = await tensorOf(
      { to: { name: 'x', datatype: 'FP16', shape: [-1, -1, -1, 3] } },
      blackPng(1, 1),
    );
    expect(half.data).toEqual(Uint16Array.of(0, 0, 0));
  });

  it('are fitted into a square with the rest filled, and say where they lie', async () => {
    const fit = { resize: { mode: 'fit', width: 8, height: 8, pad: 114, anchor: 'center' } } as const;
    const { tensors, context } = await prepare(fit, blackPng(16, 8));
    const rows = Array.from({ length: 8 }, (_, y) => numbers(tensors[0]!)[y * 8 * 3]);
    expect(rows).toEqual([114, 114, 0, 0, 0, 0, 114, 114]);
    expect(context).toEqual({
      type: 'image',
      frames: [
        { width: 16, height: 8, scaleX: 0.5, scaleY: 0.5, left: 0, top: 2, tensorWidth: 8, tensorHeight: 8 },
      ],
    });
  });

  it('have black around them where they are smaller than a crop', async () => {
    const crop = {
      crop: { width: 3, height: 3, round: 'floor' },
      mean: [10, 10, 10],
      scale: { times: 2, over: 1 },
    } as const;
    const white = await tensorOf(
      { ...crop, to: { name: 'x', datatype: 'FP32', shape: [-1, 3, 3, 3] } },
      blackPng(2, 2),
    );
    expect(new Set(Array.from(numbers(white)))).toEqual(new Set([-10]));
  });

  it('go together when they become one size, and are told from one another when not', async () => {
    const small = { resize: { mode: 'shorter', size: 4 } } as const;
    expect((await tensorOf(small, blackPng(8, 8), blackPng(20, 20))).shape).toEqual([2, 4, 4, 3]);
    await expect(prepare(small, blackPng(8, 8), blackPng(16, 8))).rejects.toThrow(
      'Input "image" [1]: becomes 8 x 4 pixels and the first one 4 x 4',
    );
  });

  it('of lines of text are as wide as the widest of them', async () => {
    const line = { resize: { mode: 'height', height: 4, maxWidth: 30 }, mean: [1, 1, 1] } as const;
    const both = await tensorOf(
      { ...line, to: { name: 'x', datatype: 'FP32', shape: [-1, 4, -1, 3] } },
      blackPng(10, 8),
      blackPng(99, 4),
    );
    expect(both.shape).toEqual([2, 4, 30, 3]);
    // Five black columns, then nothing.
    expect(Array.from(numbers(both)).slice(0, 18)).toEqual([...new Array<number>(15).fill(-1), 0, 0, 0]);
  });
});

describe('a PNG with texts', () => {
  it('is decoded without them, as they may unpack to megabytes, wherever they stand', async () => {
    const png = Buffer.from(picture('rgb.png'));
    const text = (name: string): Buffer =>
      chunk(name, Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(1e6, 'a'))]));
    const head = png.subarray(0, 33);
    const end = png.subarray(-12);
    const middle = png.subarray(33, -12);
    const written = Buffer.concat([head, text('zTXt'), text('tEXt'), middle, text('iTXt'), end]);
    expect(Buffer.compare(withoutTexts(written), png)).toBe(0);
    expect(withoutTexts(png)).toBe(png);
    const cutOff = written.subarray(0, 60);
    expect(withoutTexts(cutOff)).toBe(cutOff);
    expect((await tensorOf({}, written)).data).toEqual((await tensorOf({}, png)).data);
  });
});

function changed(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

describe('what is no picture', () => {
  it.each([
    ['text', Buffer.from('hello')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')],
    ['PDF', Buffer.from('%PDF-1.4')],
    ['a BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)])],
  ])('is refused by its first bytes: %s', async (_what, bytes) => {
    const { code, message } = await refusal(bytes);
    expect({ code, message }).toEqual({
      code: 'invalid_image',
      message: 'Input "image": not a JPEG, PNG, WebP, GIF, TIFF or AVIF image.',
    });
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'is empty, and must be a JPEG, PNG, WebP, GIF, TIFF or AVIF image.'],
    ['the first bytes of a PNG', picture('rgb.png').subarray(0, 12), 'Input buffer has corrupt header.'],
    ['a PNG whose head was changed', changed(picture('rgb.png'), 19), 'it is broken, or no PNG at all.'],
    [
      'an animated AVIF',
      Buffer.from('\0\0\0\x18ftypavis\0\0\0\0avismsf1miaf', 'latin1'),
      'cannot be decoded: it is an animated AVIF, and only still ones are taken.',
    ],
  ])('is told what is wrong with it: %s', async (_what, bytes, reason) => {
    const { code, message } = await refusal(bytes);
    expect([code, message.endsWith(reason) ? reason : message]).toEqual(['invalid_image', reason]);
  });

  it.each(['exif-1.jpg', 'progressive.jpg', 'rgb.png', 'lossy.webp', 'plain.tiff'])(
    'is refused where it is cut off: %s',
    async (name) => {
      const bytes = picture(name);
      for (const share of [0.98, 0.6, 0.1]) {
        const { code, message } = await refusal(bytes.subarray(0, Math.floor(bytes.length * share)));
        expect(code).toBe('invalid_image');
        expect(message).toMatch(/^Input "image": /);
      }
    },
  );

  it('is refused where it is cut off below all that a crop would show', async () => {
    const bytes = picture('exif-1.jpg');
    const crop = {
      resize: { mode: 'exact', width: 40, height: 40 },
      crop: { width: 4, height: 4, round: 'floor' },
    } as const;
    const { code } = await refusal(bytes.subarray(0, Math.floor(bytes.length * 0.98)), crop);
    expect(code).toBe('invalid_image');
  });

  it('is refused with 16 bits a channel', async () => {
    const { code, message } = await refusal(picture('sixteen-bits.png'));
    expect(code).toBe('invalid_image');
    expect(message).toContain('only those with 8 bits a channel');
  });

  it('is refused beyond the limit of pixels from its head alone', async () => {
    const bomb = blackPng(60_000, 60_000, 1);
    expect(bomb.length).toBeLessThan(2048);
    const { code, message } = await refusal(bomb);
    expect(code).toBe('input_too_large');
    expect(message).toContain('has 60000 x 60000 pixels, and at most 1000000 are taken (MAX_IMAGE_PIXELS)');
  });

  it('is refused with a side that no filter has memory for', async () => {
    const { code } = await refusal(blackPng(70_000, 1));
    expect(code).toBe('input_too_large');
  });

  it.each([
    ['tall', 1, 333],
    ['wide', 333, 1],
  ])('is refused where it is so %s that its shorter side makes it too long', async (_, width, height) => {
    const resize = { mode: 'shorter', size: 37 } as const;
    const { code, message } = await refusal(blackPng(width, height), { resize });
    expect(code).toBe('input_too_large');
    expect(message).toMatch(/become (37 x 12321|12321 x 37), and a side has at most 8192/);
    const { shape } = await tensorOf({ resize }, blackPng(Math.min(width, 221), Math.min(height, 221)));
    expect([...shape].sort()).toEqual([1, 3, 37, 8177].sort());
  });

  it('is refused where resizing it would take too much', async () => {
    const plan = { resize: { mode: 'exact', width: 8192, height: 1 }, filter: 'bilinear' } as const;
    const { code, message } = await refusal(blackPng(2, 60_000), plan);
    expect(code).toBe('input_too_large');
    expect(message).toContain('IMAGE_MEMORY');
  });

  it('is refused when nobody waits for it any more', async () => {
    const preparer = openImages(BYTES, LIMITS);
    const raw = { name: 'image', media: 'image', pieces: [picture('rgb.png')], isList: false } as const;
    await expect(
      preparer.prepare(raw, {}, { deadlineMs: performance.now() - 1, mayPart: true, mayPad: true }),
    ).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
  });
});
