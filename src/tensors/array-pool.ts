import { allocate, elementBytes, type NumericArray, type NumericDatatype, viewOf } from './datatype';

/** What is smaller is simply allocated: the runtime's own memory for it costs less than a pool. */
export const LEAST_POOLED_BYTES = 2048;

/** The idle memory of one power of two. */
interface SizeClass {
  readonly sizeBytes: number;
  readonly idle: ArrayBuffer[];
  /** When memory of this size was wanted last, counted in acquisitions. */
  wantedAt: number;
}

/**
 * Body buffers and number arrays that are used again, by size class: fresh memory of a hundred kilobytes for
 * each request makes the garbage collector the dearest part of it.
 *
 * What is acquired holds anything until it is written. It need not be released (then it is garbage like any
 * other), and only the very object that was acquired can be, once; releasing another does nothing.
 */
export class ArrayPool {
  private readonly classes: SizeClass[] = [];
  /** The memory behind each view in use. */
  private readonly inUse = new WeakMap<ArrayBufferView, ArrayBuffer>();
  private acquisitions = 0;
  private idleSum = 0;

  /** @param maxIdleBytes the most memory that lies idle here; what is in use is not counted */
  constructor(public maxIdleBytes: number) {}

  get idleBytes(): number {
    return this.idleSum;
  }

  /** A buffer of exactly that size. */
  acquireBytes(sizeBytes: number): Buffer {
    const memory = this.take(sizeBytes);
    if (memory === undefined) return Buffer.allocUnsafe(sizeBytes);
    const buffer = Buffer.from(memory, 0, sizeBytes);
    this.inUse.set(buffer, memory);
    return buffer;
  }

  /** An array of exactly that many elements. */
  acquireArray(datatype: NumericDatatype, count: number): NumericArray {
    const memory = this.take(count * elementBytes(datatype));
    if (memory === undefined) return allocate(datatype, count);
    const array = viewOf(datatype, memory, 0, count);
    this.inUse.set(array, memory);
    return array;
  }

  /** Memory of the size class; undefined for sizes that are not pooled. */
  private take(sizeBytes: number): ArrayBuffer | undefined {
    if (sizeBytes < LEAST_POOLED_BYTES) return undefined;
    const exponent = Math.ceil(Math.log2(sizeBytes));
    if (2 ** exponent > this.maxIdleBytes) return undefined;
    const sizeClass = (this.classes[exponent] ??= { sizeBytes: 2 ** exponent, idle: [], wantedAt: 0 });
    sizeClass.wantedAt = ++this.acquisitions;
    const memory = sizeClass.idle.pop();
    if (memory === undefined) return new ArrayBuffer(sizeClass.sizeBytes);
    this.idleSum -= sizeClass.sizeBytes;
    return memory;
  }

  /** Takes back what a buffer or an array lies in. @returns whether it was acquired here */
  release(view: ArrayBufferView): boolean {
    if (view.byteLength < LEAST_POOLED_BYTES) return false;
    const memory = this.inUse.get(view);
    if (memory === undefined) return false;
    this.inUse.delete(view);
    const sizeClass = this.classes[Math.log2(memory.byteLength)];
    if (sizeClass === undefined || !this.makeRoom(sizeClass)) return true;
    sizeClass.idle.push(memory);
    this.idleSum += sizeClass.sizeBytes;
    return true;
  }

  /** Drops idle memory of sizes that were wanted longer ago; false when there is not enough of it. */
  private makeRoom(forClass: SizeClass): boolean {
    while (this.idleSum + forClass.sizeBytes > this.maxIdleBytes) {
      let stalest: SizeClass | undefined;
      for (const candidate of Object.values(this.classes)) {
        if (candidate.idle.length === 0 || candidate.wantedAt >= (stalest ?? forClass).wantedAt) continue;
        stalest = candidate;
      }
      if (stalest === undefined) return false;
      stalest.idle.pop();
      this.idleSum -= stalest.sizeBytes;
    }
    return true;
  }
}

/** The pool of this thread, for what requests bring. It keeps nothing until it is told how much it may. */
export const requestPool = new ArrayPool(0);

/** An array for one input of a request. */
export function acquireInput(datatype: NumericDatatype, count: number): NumericArray {
  return requestPool.acquireArray(datatype, count);
}
