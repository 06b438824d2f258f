import type { Filter } from './image-plan';
import { spanOfAll, type Taps, tapsOf } from './filters';
import type { PicturePart, Pixels, Rectangle } from './pixels';
import { RESAMPLE_KERNEL } from './resample-kernel/resample-kernel.wasm';

/** The part of the standard's interface that is used here. https://webassembly.github.io/spec/js-api/ */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  across(
    source: number,
    sourceStride: number,
    rows: number,
    channels: number,
    spans: number,
    weights: number,
    taps: number,
    columns: number,
    target: number,
    targetStride: number,
  ): void;
  down(
    source: number,
    stride: number,
    spans: number,
    weights: number,
    taps: number,
    rows: number,
    target: number,
  ): void;
}

/** A side longer than this would need more memory for its weights than the kernel has; a JPEG has none. */
export const MOST_SOURCE_SIDE = 65_535;
/** The longest side of a result. */
export const MOST_TARGET_SIDE = 8192;

/** What the kernel works on at once. */
const VECTOR_BYTES = 16;

// The kernel's memory. However large a picture is, it sees a strip of it at a time.
const SPANS_AT = 0;
const SPANS_BYTES = 8 * MOST_TARGET_SIDE;
const WEIGHTS_AT = SPANS_AT + SPANS_BYTES;
/** Six weights for each source pixel and seven for each of the result are the most that a filter asks for. */
const WEIGHTS_BYTES = 4 * (6 * MOST_SOURCE_SIDE + 9 * MOST_TARGET_SIDE);
const SOURCE_AT = align(WEIGHTS_AT + WEIGHTS_BYTES);
const STRIP_BYTES = 1024 * 1024;
/** A pixel is written as four bytes, whatever its channels are. */
const WRITTEN_BEHIND_BYTES = 3;
/** Behind a strip, what is read or written too much: up to three rows, and some bytes. */
const SLACK_BYTES = 3 * 3 * MOST_SOURCE_SIDE + 64;
const TARGET_AT = SOURCE_AT + align(STRIP_BYTES + SLACK_BYTES);

/** What a picture is resampled to, and what of that is wanted, in its pixels. */
export interface Resampling {
  readonly width: number;
  readonly height: number;
  readonly filter: Filter;
  readonly antialias: boolean;
  readonly window: Rectangle;
}

/**
 * A window of the picture resampled to `width` x `height`, in exactly the bytes that Pillow's `Image.resize` gives: two
 * passes, across and down, of weights in fixed point, each rounded to 8 bits. Only what the window needs is computed.
 * @param source all of the picture, or the part that `partFor` tells
 */
export function resample(source: PicturePart, resampling: Resampling): Pixels {
  const { width, height, filter, antialias, window } = resampling;
  const { pixels } = source;
  if (width === source.width && height === source.height) return cut(pixels, window);
  if (filter === 'nearest') return nearest(pixels, width, height, window);
  const { left, top } = window;
  const columns = tapsOf(filter, antialias, source.width, width, left, left + window.width);
  const rows = tapsOf(filter, antialias, source.height, height, top, top + window.height);
  const [first = 0] = rows.spans;
  const last = rows.spans.at(-2)! + rows.spans.at(-1)!;
  const { channels } = pixels;
  const from = first - source.top;
  const narrowed = across(pixels, moved(columns, source.left), window.width, from, last - source.top);
  const data = down(narrowed, moved(rows, first), window.height, window.width * channels);
  return { data, width: window.width, height: window.height, channels };
}

/** The part of a picture that its window is made of; undefined: all of it. */
export function partFor(
  source: Pick<PicturePart, 'width' | 'height'>,
  { width, height, filter, antialias, window }: Resampling,
): Rectangle | undefined {
  const isSame = width === source.width && height === source.height;
  if (isSame || filter === 'nearest') return undefined;
  const span = (sourceSize: number, size: number, start: number, count: number): [number, number] =>
    spanOfAll(filter, antialias, sourceSize, size, start, start + count);
  const [left, right] = span(source.width, width, window.left, window.width);
  const [top, bottom] = span(source.height, height, window.top, window.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** The same taps on pixels that begin so many later. */
function moved(taps: Taps, by: number): Taps {
  if (by === 0) return taps;
  return { ...taps, spans: taps.spans.map((value, i) => (i % 2 === 0 ? value - by : value)) };
}

/** About what `resample` holds besides the picture itself. */
export function resampleBytes(source: Omit<Pixels, 'data'>, window: Rectangle): number {
  return (source.height + window.height) * window.width * source.channels;
}

/** The window alone. */
export function cut({ data, width, height, channels }: Pixels, window: Rectangle): Pixels {
  const { left, top } = window;
  if (left === 0 && top === 0 && window.width === width && window.height === height) {
    return { data, width, height, channels };
  }
  const stride = window.width * channels;
  const result = new Uint8Array(stride * window.height);
  for (let y = 0; y < window.height; y++) {
    const start = ((top + y) * width + left) * channels;
    result.set(data.subarray(start, start + stride), y * stride);
  }
  return { data: result, width: window.width, height: window.height, channels };
}

/** Rows of pixels with room behind each, where the kernel may write. */
interface Rows {
  readonly data: Uint8Array;
  readonly strideBytes: number;
  readonly count: number;
}

/** Rows `first` to `last` of the picture, each made as many pixels long as there are spans. */
function across(source: Pixels, taps: Taps, columns: number, first: number, last: number): Rows {
  const { exports, bytes } = theKernel();
  const { channels } = source;
  loadTaps(taps, channels);
  const sourceStride = source.width * channels;
  const strideBytes = align(columns * channels + WRITTEN_BEHIND_BYTES);
  const atATime = Math.floor(STRIP_BYTES / Math.max(sourceStride, strideBytes));
  const data = new Uint8Array((last - first) * strideBytes);
  for (let row = first; row < last; row += atATime) {
    const count = Math.min(atATime, last - row);
    bytes.set(source.data.subarray(row * sourceStride, (row + count) * sourceStride), SOURCE_AT);
    exports.across(
      SOURCE_AT,
      sourceStride,
      count,
      channels,
      SPANS_AT,
      WEIGHTS_AT,
      taps.perPixel,
      columns,
      TARGET_AT,
      strideBytes,
    );
    data.set(bytes.subarray(TARGET_AT, TARGET_AT + count * strideBytes), (row - first) * strideBytes);
  }
  return { data, strideBytes, count: last - first };
}

/** As many rows as there are spans, each with its first `rowBytes` bytes. */
function down(source: Rows, taps: Taps, rows: number, rowBytes: number): Uint8Array {
  const { exports, bytes } = theKernel();
  const { strideBytes } = source;
  const most = Math.floor(STRIP_BYTES / Math.max(source.count, rows));
  const blockBytes = Math.min(strideBytes, most - (most % VECTOR_BYTES));
  loadTaps(taps, blockBytes);
  const data = new Uint8Array(rows * rowBytes);
  for (let start = 0; start < rowBytes; start += blockBytes) {
    const width = Math.min(blockBytes, strideBytes - start);
    copyBlock(source.data, start, strideBytes, bytes, SOURCE_AT, blockBytes, source.count, width);
    exports.down(SOURCE_AT, blockBytes, SPANS_AT, WEIGHTS_AT, taps.perPixel, rows, TARGET_AT);
    const wanted = Math.min(width, rowBytes - start);
    copyBlock(bytes, TARGET_AT, blockBytes, data, start, rowBytes, rows, wanted);
  }
  return data;
}

/** Copies `rows` pieces of `width` bytes, which lie `stride` bytes apart. */
function copyBlock(
  from: Uint8Array,
  at: number,
  stride: number,
  to: Uint8Array,
  toAt: number,
  toStride: number,
  rows: number,
  width: number,
): void {
  if (stride === toStride && width === stride) {
    to.set(from.subarray(at, at + rows * stride), toAt);
    return;
  }
  for (let row = 0; row < rows; row++) {
    to.set(from.subarray(at + row * stride, at + row * stride + width), toAt + row * toStride);
  }
}

/** Every pixel is the one whose middle is nearest; the positions are summed up, as Pillow sums them. */
function nearest(source: Pixels, width: number, height: number, window: Rectangle): Pixels {
  const { channels } = source;
  const columns = nearestOf(source.width, width, window.left, window.left + window.width);
  const rows = nearestOf(source.height, height, window.top, window.top + window.height);
  const data = new Uint8Array(window.width * window.height * channels);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * source.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) data[at++] = source.data[from + channel]!;
    }
  }
  return { data, width: window.width, height: window.height, channels };
}

function nearestOf(sourceSize: number, size: number, start: number, end: number): Int32Array {
  const scale = sourceSize / size;
  const places = new Int32Array(end - start);
  let position = scale * 0.5;
  for (let i = 0; i < end; i++, position += scale) {
    if (i >= start) places[i - start] = Math.min(Math.trunc(position), sourceSize - 1);
  }
  return places;
}

/** Puts the spans, in bytes of `unit` for each pixel, and the weights where the kernel reads them. */
function loadTaps({ spans, weights }: Taps, unit: number): void {
  const { numbers } = theKernel();
  for (let i = 0; i < spans.length; i += 2) {
    numbers[SPANS_AT / 4 + i] = spans[i]! * unit;
    numbers[SPANS_AT / 4 + i + 1] = spans[i + 1]!;
  }
  numbers.set(weights, WEIGHTS_AT / 4);
}

interface LoadedKernel {
  readonly exports: KernelExports;
  readonly bytes: Uint8Array;
  readonly numbers: Int32Array;
}

let kernel: LoadedKernel | undefined;

/** One for each thread: a pass ends before the next begins. */
function theKernel(): LoadedKernel {
  if (kernel !== undefined) return kernel;
  const module = new WebAssembly.Module(Buffer.from(RESAMPLE_KERNEL, 'base64'));
  const exports = new WebAssembly.Instance(module).exports as KernelExports;
  const { buffer } = exports.memory;
  kernel = { exports, bytes: new Uint8Array(buffer), numbers: new Int32Array(buffer) };
  return kernel;
}

function align(bytes: number): number {
  return Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
}
