import { inflateSync } from 'node:zlib';
import { seededRandom } from '../../../test/helpers/seeded-random';
import { numberToHalf } from '../../tensors/numbers/float16';
import type { Tensor } from '../../tensors/tensor';
import { finishOutput } from '../finish';
import type { InputContext } from '../prepared';
import { eachClass } from './class-map';
import type { MaskPlan } from './mask';

const PLAN: MaskPlan = {
  type: 'mask',
  name: 'mask',
  from: 'scores',
  layout: 'nchw',
  size: 'picture',
  threshold: 0.5,
  labels: undefined,
};

function tensor(
  datatype: 'FP32' | 'INT64' | 'UINT8',
  shape: readonly number[],
  values: readonly number[],
): Tensor {
  const data =
    datatype === 'INT64'
      ? BigInt64Array.from(values, BigInt)
      : datatype === 'UINT8'
        ? Uint8Array.from(values)
        : Float32Array.from(values);
  return { name: 'scores', datatype, shape, data };
}

function finish(
  output: Tensor,
  plan: Partial<MaskPlan> = {},
  contexts: readonly InputContext[] = [],
): Tensor[] {
  return finishOutput({ ...PLAN, ...plan }, { outputs: [output], contexts, options: {} });
}

/** The pixels of a mask of one row, out of its PNG. */
function pixelsOf([mask]: readonly Tensor[], width: number, row = 0): number[] {
  const png = Buffer.from(mask!.data[row] as string, 'base64');
  const isWide = png[24] === 16;
  const length = png.readUInt32BE(33);
  const lines = inflateSync(png.subarray(41, 41 + length));
  const line = 1 + width * (isWide ? 2 : 1);
  const pixels: number[] = [];
  for (let at = 0; at < lines.length; at += line) {
    expect(lines[at]).toBe(0);
    for (let x = 0; x < width; x++)
      pixels.push(isWide ? lines.readUInt16BE(at + 1 + 2 * x) : lines[at + 1 + x]!);
  }
  return pixels;
}

describe('a mask', () => {
  it('has the likeliest class of each place, of equal ones the first, wherever the classes are', () => {
    const first = tensor('FP32', [1, 3, 1, 4], [1, 0, 5, NaN, 1, 2, 5, 1, 0, 3, 4, 2]);
    const last = tensor('FP32', [1, 1, 4, 3], [1, 1, 0, 0, 2, 3, 5, 5, 4, NaN, 1, 2]);
    expect(pixelsOf(finish(first), 4)).toEqual([0, 2, 0, 2]);
    expect(pixelsOf(finish(last, { layout: 'nhwc' }), 4)).toEqual([0, 2, 0, 2]);
  });

  it('of one score is of class 1 above the threshold', () => {
    for (const shape of [
      [1, 1, 2, 2],
      [1, 2, 2],
    ]) {
      const [mask, sizes, shares] = finish(tensor('FP32', shape, [0.5, 0.6, -1, 7]));
      expect(pixelsOf([mask!], 2)).toEqual([0, 1, 0, 1]);
      expect(sizes!.data).toEqual(Int32Array.of(2, 2));
      expect(shares).toMatchObject({ shape: [1, 2], data: Float32Array.of(0.5, 0.5) });
    }
    const halves = {
      name: 'scores',
      datatype: 'FP16' as const,
      shape: [1, 1, 2],
      data: Uint16Array.of(numberToHalf(0.25), numberToHalf(0.75)),
    };
    expect(pixelsOf(finish(halves), 2)).toEqual([0, 1]);
  });

  it('keeps the classes that the model has chosen itself', () => {
    const tensors = finish(tensor('INT64', [2, 1, 2], [0, 255, 3, 3]), { labels: ['a', 'b', 'c', 'd'] });
    expect([pixelsOf(tensors, 2, 0), pixelsOf(tensors, 2, 1)]).toEqual([
      [0, 255],
      [3, 3],
    ]);
    // 255 stands for pixels of no class.
    expect(tensors[2]).toMatchObject({ shape: [2, 4], data: Float32Array.of(0.5, 0, 0, 0, 0, 0, 0, 1) });
    expect(finish(tensor('UINT8', [1, 1, 1, 2], [9, 200]))[2]!.shape).toEqual([1, 256]);
    expect(() => finish(tensor('INT64', [1, 1, 1], [256]))).toThrow('the class 256');
    expect(() => finish(tensor('INT64', [1, 1, 1], [-1]))).toThrow('the class -1');
  });

  it('has 16 bits for more than 256 classes', () => {
    const scores = Array.from({ length: 300 }, (_, id) => [id === 299 ? 1 : 0, id === 17 ? 1 : 0]).flat();
    expect(pixelsOf(finish(tensor('FP32', [1, 300, 1, 2], scores)), 2)).toEqual([299, 17]);
  });

  it('is at each pixel what a comparison of all classes gives, of scores and sizes drawn by lot', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 60; round++) {
      const [classes, width, height] = [2 + random(6), 1 + random(6), 1 + random(6)];
      const values = Array.from({ length: classes * width * height }, () => random(7) - 3);
      const score = (id: number, x: number, y: number): number => values[(id * height + y) * width + x]!;
      const frame = {
        width: 1 + random(23),
        height: 1 + random(23),
        scaleX: (1 + random(40)) / 10,
        scaleY: (1 + random(40)) / 10,
        left: random(5),
        top: random(5),
        tensorWidth: 4 * width,
        tensorHeight: 4 * height,
      };
      const found: number[] = [];
      eachClass({ classes, width, height, score }, frame, (id) => found.push(id));
      const along = (
        i: number,
        scale: number,
        start: number,
        places: number,
        whole: number,
      ): [number, number, number] => {
        const at = Math.min(Math.max((((i + 0.5) * scale + start) * places) / whole - 0.5, 0), places - 1);
        const low = Math.floor(at);
        return [low, Math.min(low + 1, places - 1), at - low];
      };
      const expected = Array.from({ length: frame.width * frame.height }, (_, pixel) => {
        const [x0, x1, fx] = along(pixel % frame.width, frame.scaleX, frame.left, width, frame.tensorWidth);
        const [y0, y1, fy] = along(
          Math.floor(pixel / frame.width),
          frame.scaleY,
          frame.top,
          height,
          frame.tensorHeight,
        );
        const scores = Array.from({ length: classes }, (__, id) => {
          const above = score(id, x0, y0) + (score(id, x1, y0) - score(id, x0, y0)) * fx;
          const below = score(id, x0, y1) + (score(id, x1, y1) - score(id, x0, y1)) * fx;
          return above + (below - above) * fy;
        });
        return scores.indexOf(Math.max(...scores));
      });
      expect(found).toEqual(expected);
    }
  });
});
