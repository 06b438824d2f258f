import { DomainError } from '../../errors/domain-error';
import { OPEN_BRACKET } from '../numbers/ascii';
import type { Datatype, TensorData } from '../datatype';
import { BooleanReader, type ElementReader, StringReader } from './element-reader';
import { type Allocate, ElementSink } from './element-sink';
import type { JsonReader } from './json-reader';
import { NumberReader } from './number-reader';

export interface TensorReadOptions {
  /** How many elements to make room for at first. */
  expectedCount?: number;
  /** More than these are refused. */
  maxCount: number;
  /** Where arrays come from, one more each time the elements outgrow one; the result lies in the last. */
  allocate?: Allocate;
  /** A list of BYTES may be of so many: each takes memory of its own, however short it is, and time of every thread it passes. */
  maxTexts?: number;
}

export interface ReadTensor {
  data: TensorData;
  /** What the nesting says: `[]` for a scalar, `[2, 0]` for `[[], []]`. */
  shape: number[];
}

/**
 * Reads a scalar, a flat or a nested array at the cursor straight into an array of the datatype.
 * @param inputName for messages
 * @throws invalid_json; ragged_array; shape_mismatch beyond `maxCount`; wrong_datatype, out_of_range and
 *   unsafe_integer for an element; input_too_large beyond `maxTexts`
 */
export function readTensorData(
  reader: JsonReader,
  datatype: Datatype,
  inputName: string,
  options: TensorReadOptions,
): ReadTensor {
  return new TensorReading(reader, datatype, inputName, options).read();
}

class TensorReading {
  private readonly elements: ElementReader;
  private readonly maxCount: number;
  /** The length of the first array of each level, outermost first; -1 while that one is being read. */
  private readonly shape: number[] = [];
  /** Where the cursor stands in each of the arrays around it; the last index as of `runStart`. */
  private readonly indices: number[] = [];
  private runStart = 0;
  /** Which level of arrays holds the elements, once one is met; -1 for a scalar. */
  private elementLevel: number | undefined;

  constructor(
    private readonly reader: JsonReader,
    datatype: Datatype,
    private readonly inputName: string,
    { expectedCount, maxCount, allocate, maxTexts }: TensorReadOptions,
  ) {
    this.maxCount = maxCount;
    const place = () => this.place();
    if (datatype === 'BYTES') {
      this.elements = new StringReader(reader, place, maxTexts);
      return;
    }
    // Two bytes are the least that an element takes; sixteen, where there is no hint, a fair guess.
    const remainingBytes = reader.end - reader.position;
    const room = Math.min(expectedCount ?? remainingBytes >> 4, (remainingBytes + 1) >> 1, maxCount);
    const sink = new ElementSink(datatype, room, allocate);
    this.elements =
      datatype === 'BOOL'
        ? new BooleanReader(reader, sink, place)
        : new NumberReader(reader, datatype, sink, place);
  }

  read(): ReadTensor {
    if (this.reader.peek() === OPEN_BRACKET) this.readArray(0);
    else this.readElements(-1);
    return { data: this.elements.finish(), shape: this.shape };
  }

  /** Reads an array and those in it; the reader bounds how deep they nest. */
  private readArray(level: number): void {
    const { reader, shape, indices } = this;
    if (this.elementLevel !== undefined && level > this.elementLevel) {
      this.ragged(`expected an element at ${printIndices(indices)}, found an array`);
    }
    if (level === shape.length) shape.push(-1);
    let length = 0;
    indices.push(0);
    reader.enterArray();
    while (reader.nextElement()) {
      indices[level] = length;
      if (reader.peek() === OPEN_BRACKET) {
        this.readArray(level + 1);
        length++;
      } else {
        length += this.readElements(level);
      }
    }
    indices.pop();
    if (shape[level] === -1) shape[level] = length;
    else if (shape[level] !== length) {
      this.ragged(
        `the length of the array at ${printIndices(indices)} is ${length}, of those before it ${shape[level]}`,
      );
    }
  }

  /** Reads one element or more of an array of that level; how many they were. */
  private readElements(level: number): number {
    const { elements, shape, indices } = this;
    if (this.elementLevel === undefined && level === shape.length - 1) this.elementLevel = level;
    if (this.elementLevel !== level) {
      this.ragged(`expected an array at ${printIndices(indices)}, found an element`);
    }
    const before = (this.runStart = elements.count);
    elements.read();
    if (elements.count > this.maxCount) {
      throw new DomainError(
        'shape_mismatch',
        `Input "${this.inputName}" has more than ${this.maxCount} elements.`,
      );
    }
    return elements.count - before;
  }

  /** The place of the element that comes next. */
  private place(): string {
    const { indices } = this;
    const last = indices.length - 1;
    const read = this.elements.count - this.runStart;
    return `Input "${this.inputName}"${printIndices(indices.map((index, i) => (i === last ? index + read : index)))}`;
  }

  private ragged(message: string): never {
    throw new DomainError('ragged_array', `Input "${this.inputName}" is ragged: ${message}.`);
  }
}

function printIndices(indices: readonly number[]): string {
  return indices.map((index) => `[${index}]`).join('');
}
