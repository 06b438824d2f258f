import fc from 'fast-check';
import { HALF_LIMIT, halfToNumber, numberToHalf } from './float16';

const isNaNPattern = (half: number): boolean => (half & 0x7fff) > 0x7c00;

describe('float16', () => {
  it('gives every pattern back', () => {
    for (let half = 0; half <= 0xffff; half++) {
      const back = numberToHalf(halfToNumber(half));
      if (back !== (isNaNPattern(half) ? 0x7e00 : half))
        throw new Error(`0x${half.toString(16)} came back as 0x${back.toString(16)}`);
    }
  });

  it('knows the numbers of well-known patterns', () => {
    const known: [number, number][] = [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -24],
      [0x03ff, 2 ** -14 - 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x7c00, Infinity],
      [0xfc00, -Infinity],
      [0x7e00, NaN],
    ];
    for (const [half, value] of known) {
      expect(halfToNumber(half)).toBe(value);
      expect(numberToHalf(value)).toBe(half);
    }
  });

  it('rounds a number between two neighbours to the nearer one and a tie to the even one', () => {
    for (let half = 0; half < 0x7c00; half++) {
      const low = halfToNumber(half);
      const high = half === 0x7bff ? 65536 : halfToNumber(half + 1);
      const middle = (low + high) / 2;
      const width = high - low;
      const even = half % 2 === 0 ? half : half + 1;
      const found = [middle, middle - width * 2 ** -30, middle + width * 2 ** -30, -middle].map(numberToHalf);
      const expected = [even, half, half + 1, 0x8000 | even];
      if (found.join() !== expected.join())
        throw new Error(`around ${middle}: ${found.join()}, not ${expected.join()}`);
    }
  });

  it('does not round twice', () => {
    // By way of FP32 this falls onto the tie of 1 and its neighbour, and from there to 1.
    expect(numberToHalf(1 + 2 ** -11 + 2 ** -40)).toBe(0x3c01);
  });

  it('overflows from the limit on', () => {
    expect(numberToHalf(HALF_LIMIT)).toBe(0x7c00);
    expect(numberToHalf(-Number.MAX_VALUE)).toBe(0xfc00);
    expect(numberToHalf(HALF_LIMIT - 2 ** -30)).toBe(0x7bff);
  });

  it('keeps the order of numbers', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(halfToNumber(numberToHalf(low))).toBeLessThanOrEqual(halfToNumber(numberToHalf(high)));
      }),
    );
  });
});
