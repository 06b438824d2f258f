import { COMMA } from '../ascii';
import { POWERS_OF_TEN } from '../decimal';
import { FLOAT_KERNEL } from './float-kernel.wasm';

/** The part of the standard's interface that is used here. https://webassembly.github.io/spec/js-api/ */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Reads the elements from `at` on, up to `room` of them, none that does not end before `end`: how many there are. */
  read(at: number, end: number, room: number): number;
}

// Where things lie in the kernel's memory, as float-kernel.wat says.
const WINDOW_BYTES = 0x10000;
const BEHIND_AT = 0x10040;
const POWERS_AT = 0x10080;
const SCALES_AT = 0x10200;
const LIMITS_AT = 0x10280;
const ELEMENTS_AT = 0x11000;
const MOST_ELEMENTS = 0x4000;
/** A plain element is never longer. */
const MOST_ELEMENT_BYTES = 64;
/** What would need a higher one is left to others. */
const POWERS = 46;
/** A word of digits moves those before it up by eight at most. */
const SCALES = Array.from({ length: 9 }, (_, digits) => 10n ** BigInt(digits));
const MOST_MANTISSA = 2n ** 63n - 1n;

/**
 * Numbers of JSON read by WebAssembly, which has the integers of 64 bits that it takes to read eight digits at once:
 * 784 numbers take about 60 % of the time that the same in JavaScript does.
 *
 * It reads elements of an array of FP32 for as long as they are plain: white space, a number, then `,` or `]`, each
 * exactly as `Math.fround(Number(text))`. Up to 2^53, and with a power of ten of up to 22, a number is the quotient or
 * product of two exact doubles, which is rounded once (Clinger 1990, "How to read floating point numbers accurately").
 * One of up to 18 digits, or with a power of up to 45, is off by three units of the double's last place at most, and
 * where that may change the element it is not taken.
 */
class FloatKernel {
  /** Of the window that is in the memory; each one that is loaded has a number of its own. */
  loaded = 0;
  private readonly exports: KernelExports;
  private readonly window: Uint8Array;
  private readonly behind: Int32Array;
  private readonly elements: Float32Array;

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(FLOAT_KERNEL, 'base64'));
    this.exports = new WebAssembly.Instance(module).exports as KernelExports;
    const { buffer } = this.exports.memory;
    this.window = new Uint8Array(buffer, 0, WINDOW_BYTES);
    this.behind = new Int32Array(buffer, BEHIND_AT, 1);
    this.elements = new Float32Array(buffer, ELEMENTS_AT, MOST_ELEMENTS);
    new Float64Array(buffer, POWERS_AT, POWERS).set(POWERS_OF_TEN.slice(0, POWERS));
    new BigInt64Array(buffer, SCALES_AT, SCALES.length).set(SCALES);
    const limits = SCALES.map((scale) => (MOST_MANTISSA - scale + 1n) / scale);
    new BigInt64Array(buffer, LIMITS_AT, SCALES.length).set(limits);
  }

  /** Copies what the window takes of the bytes from `start` to `end`: how many they are. */
  load(bytes: Buffer, start: number, end: number): number {
    this.loaded++;
    return bytes.copy(this.window, 0, start, end);
  }

  /** Reads from a place in the window into the array from `index` on: how many elements. */
  read(at: number, end: number, array: Float32Array, index: number): number {
    const count = this.exports.read(at, end, Math.min(array.length - index, MOST_ELEMENTS));
    if (count > 0) array.set(this.elements.subarray(0, count), index);
    return count;
  }

  /** Behind the last element that was read, in the window. */
  get lastEnd(): number {
    return this.behind[0]!;
  }
}

let kernel: FloatKernel | undefined;

/** Reads the elements of one tensor's arrays, of which the kernel sees a window at a time. */
export class FloatRuns {
  /** Is there WebAssembly? A runtime may be told to do without. */
  static readonly available = typeof WebAssembly !== 'undefined';

  /** Behind the last element that was read: at the comma or bracket that ends it. */
  position = 0;
  private readonly kernel = (kernel ??= new FloatKernel());
  private start = 0;
  private end = 0;
  /** Its number; the tensor of another document may have taken its place. */
  private window = 0;

  /** @param documentEnd behind the last byte, which is a bracket or a brace */
  constructor(
    private readonly bytes: Buffer,
    private readonly documentEnd: number,
  ) {}

  /** Reads the plain elements at `position` of the document into the array, from `index` on: how many. */
  read(position: number, array: Float32Array, index: number): number {
    let count = 0;
    this.position = position;
    for (let next = position; index + count < array.length; next = this.position + 1) {
      this.show(next);
      const read = this.kernel.read(next - this.start, this.end - this.start, array, index + count);
      if (read === 0) break;
      count += read;
      this.position = this.start + this.kernel.lastEnd;
      if (this.bytes[this.position] !== COMMA) break;
      // What follows is not plain, unless the kernel had no room for it or did not see all of it.
      if (read < MOST_ELEMENTS && !this.isCutOff(this.position + 1)) break;
    }
    return count;
  }

  private show(position: number): void {
    const { kernel, bytes, documentEnd } = this;
    const isShown = this.window === kernel.loaded && position >= this.start && position < this.end;
    if (isShown && !this.isCutOff(position)) return;
    this.start = position;
    this.end = position + kernel.load(bytes, position, documentEnd);
    this.window = kernel.loaded;
  }

  /** May the window's end cut off the element at `position`? */
  private isCutOff(position: number): boolean {
    return this.end < this.documentEnd && this.end - position < MOST_ELEMENT_BYTES;
  }
}
