import { allocate as allocateArray, type NumericArray, type NumericDatatype } from '../datatype';
import { numberToHalf } from '../numbers/float16';

/** Gives an array of at least `count` elements, whatever they are. */
export type Allocate = (datatype: NumericDatatype, count: number) => NumericArray;

const TWO_TO_32 = 2 ** 32;
const LEAST_CAPACITY = 16;

/** A typed array that grows, by doubling, while its elements are read. */
export class ElementSink {
  array: NumericArray;
  count = 0;
  /** The halves of 64-bit integers, low ones first: to write those makes no BigInt. */
  halves: Int32Array | undefined;

  /** @param expectedCount how many elements to make room for at first */
  constructor(
    readonly datatype: NumericDatatype,
    expectedCount: number,
    private readonly allocate: Allocate = allocateArray,
  ) {
    this.array = this.allocate(datatype, expectedCount);
    this.halves = halvesOf(this.array);
  }

  /** Makes room for one more element at least. */
  reserve(): void {
    const { array, count } = this;
    if (count < array.length) return;
    const larger = this.allocate(this.datatype, Math.max(LEAST_CAPACITY, 2 * count));
    // Of the same type, which the compiler cannot know.
    (larger as Float64Array).set(array as Float64Array);
    this.array = larger;
    this.halves = halvesOf(larger);
  }

  push(value: number): void {
    storeNumber(this.datatype, this.array, this.halves, this.count++, value);
  }

  /** The elements, in an array that is no longer than they are many. */
  finish(): NumericArray {
    return this.array.length === this.count ? this.array : this.array.subarray(0, this.count);
  }
}

/** Stores a number that is in the datatype's range, at an index that is in the array's. */
export function storeNumber(
  datatype: NumericDatatype,
  array: NumericArray,
  halves: Int32Array | undefined,
  index: number,
  value: number,
): void {
  switch (datatype) {
    case 'FP32':
      (array as Float32Array)[index] = value;
      break;
    case 'FP64':
      (array as Float64Array)[index] = value;
      break;
    case 'INT64':
    case 'UINT64': {
      const high = Math.floor(value / TWO_TO_32);
      halves![2 * index] = value - high * TWO_TO_32;
      halves![2 * index + 1] = high;
      break;
    }
    case 'INT32':
      (array as Int32Array)[index] = value;
      break;
    case 'UINT8':
    case 'BOOL':
      (array as Uint8Array)[index] = value;
      break;
    case 'INT8':
      (array as Int8Array)[index] = value;
      break;
    case 'INT16':
      (array as Int16Array)[index] = value;
      break;
    case 'UINT16':
      (array as Uint16Array)[index] = value;
      break;
    case 'UINT32':
      (array as Uint32Array)[index] = value;
      break;
    case 'FP16':
      (array as Uint16Array)[index] = numberToHalf(value);
      break;
  }
}

function halvesOf(array: NumericArray): Int32Array | undefined {
  if (!(array instanceof BigInt64Array || array instanceof BigUint64Array)) return undefined;
  return new Int32Array(array.buffer, array.byteOffset, 2 * array.length);
}
