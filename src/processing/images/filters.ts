import type { Filter } from './image-plan';

/** A filter of Pillow: how far it reaches, in source pixels, and its weight at a distance from the centre. */
export interface Kernel {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys's parameter of the cubic: Pillow's, while cv2 and torch (without antialiasing) take -0.75. */
const CUBIC = -0.5;

// Pillow has them as FP32.
const HAMMING = Math.fround(0.54);
const HAMMING_WAVE = Math.fround(0.46);

/** Their definitions are those of Pillow's `Resample.c`, so that the very same weights come out. */
const KERNELS: Readonly<Record<Exclude<Filter, 'nearest'>, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: {
    support: 1,
    weight: (x) => {
      const distance = Math.abs(x);
      return distance < 1 ? 1 - distance : 0;
    },
  },
  hamming: {
    support: 1,
    weight: (x) => {
      const distance = Math.abs(x);
      if (distance === 0) return 1;
      if (distance >= 1) return 0;
      const angle = distance * Math.PI;
      return (Math.sin(angle) / angle) * (HAMMING + HAMMING_WAVE * Math.cos(angle));
    },
  },
  bicubic: {
    support: 2,
    weight: (x) => {
      const d = Math.abs(x);
      if (d < 1) return ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * CUBIC : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Bits behind the point of a weight: a sum of products with 8 bits, and a sign, leave so many of 32. */
const WEIGHT_BITS = 22;

/** Which source pixels make up each pixel of a range of the result, and with which weights. */
export interface Taps {
  /** For each pixel of the range: the first source pixel, and how many there are. */
  readonly spans: Int32Array;
  /** `perPixel` for each pixel of the range, of which the first so many count, in units of 2^-22. */
  readonly weights: Int32Array;
  readonly perPixel: number;
}

/** A filter as it is laid over a row that becomes one of another size. */
interface Laid {
  readonly scale: number;
  readonly widening: number;
  /** How far it reaches from the centre. */
  readonly reach: number;
}

function laid(
  filter: Exclude<Filter, 'nearest'>,
  antialias: boolean,
  sourceSize: number,
  size: number,
): Laid {
  const scale = sourceSize / size;
  const widening = antialias ? Math.max(scale, 1) : 1;
  return { scale, widening, reach: KERNELS[filter].support * widening };
}

/** The source pixels that a pixel of the result is made of: from the first up to, not including, the end. */
function spanOf({ scale, reach }: Laid, sourceSize: number, pixel: number): [first: number, end: number] {
  const centre = (pixel + 0.5) * scale;
  return [
    Math.max(Math.trunc(centre - reach + 0.5), 0),
    Math.min(Math.trunc(centre + reach + 0.5), sourceSize),
  ];
}

/** The same for the pixels `start` to `end`, of which there is at least one. */
export function spanOfAll(
  filter: Exclude<Filter, 'nearest'>,
  antialias: boolean,
  sourceSize: number,
  size: number,
  start: number,
  end: number,
): [first: number, end: number] {
  const filterLaid = laid(filter, antialias, sourceSize, size);
  return [spanOf(filterLaid, sourceSize, start)[0], spanOf(filterLaid, sourceSize, end - 1)[1]];
}

/**
 * The taps of the pixels `start` to `end` of a row (or column) of `sourceSize` pixels that becomes one of `size`.
 * @param antialias widen the filter where the row shrinks
 */
export function tapsOf(
  filter: Exclude<Filter, 'nearest'>,
  antialias: boolean,
  sourceSize: number,
  size: number,
  start: number,
  end: number,
): Taps {
  const { weight } = KERNELS[filter];
  const filterLaid = laid(filter, antialias, sourceSize, size);
  const { scale, widening, reach } = filterLaid;
  const perPixel = Math.ceil(reach) * 2 + 1;
  const spans = new Int32Array((end - start) * 2);
  const weights = new Int32Array((end - start) * perPixel);
  const exact = new Float64Array(perPixel);
  const narrowing = 1 / widening;
  for (let i = 0; i < end - start; i++) {
    const centre = (start + i + 0.5) * scale;
    const [first, last] = spanOf(filterLaid, sourceSize, start + i);
    const count = last - first;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      sum += exact[tap] = weight((tap + first - centre + 0.5) * narrowing);
    }
    for (let tap = 0; tap < count; tap++) {
      const share = (sum === 0 ? exact[tap]! : exact[tap]! / sum) * 2 ** WEIGHT_BITS;
      weights[i * perPixel + tap] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    }
    spans[2 * i] = first;
    spans[2 * i + 1] = count;
  }
  return { spans, weights, perPixel };
}
