import type { DomainError } from '../../errors/domain-error';
import { isDigit, MINUS, QUOTE } from '../numbers/ascii';
import type { TensorData } from '../datatype';
import { isWhole } from '../numbers/decimal';
import {
  cut,
  elementFault,
  type ElementReader,
  type Place,
  rejectElement,
  wrongDatatype,
} from './element-reader';
import type { ElementSink } from './element-sink';
import { FloatRuns } from '../numbers/float-kernel/float-kernel';
import { quote } from './json-fault';
import type { JsonReader } from './json-reader';
import {
  DOUBLE_RANGES,
  type FloatDatatype,
  INTEGER_RANGES,
  type IntegerDatatype,
  isFloat,
  type Range,
} from '../numbers/number-range';
import { readNumberRun } from './number-run';

const NON_FINITE: ReadonlyMap<string, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/** Shorter runs are not worth the way to the kernel; where one is met, others of its tensor are likely as short. */
const LEAST_KERNEL_RUN = 32;

/** Digits of 2^64 - 1: a longer integer is out of range without being parsed. */
const MOST_DIGITS = 20;

/** Reads numbers, in long runs where they are plain and one by one, with a message for each fault, where not. */
export class NumberReader implements ElementReader {
  private readonly range: Range<number>;
  /** Undefined where it would not be worth while. */
  private floatRuns: FloatRuns | undefined;

  constructor(
    private readonly reader: JsonReader,
    private readonly datatype: FloatDatatype | IntegerDatatype,
    private readonly sink: ElementSink,
    private readonly place: Place,
  ) {
    this.range = DOUBLE_RANGES[datatype];
    const isLong = datatype === 'FP32' && sink.array.length >= LEAST_KERNEL_RUN && reader.closed;
    if (isLong && FloatRuns.available) this.floatRuns = new FloatRuns(reader.bytes, reader.end);
  }

  get count(): number {
    return this.sink.count;
  }

  read(): void {
    const { reader, sink } = this;
    sink.reserve();
    if (this.floatRuns !== undefined && this.readFloats(this.floatRuns)) return;
    const before = sink.count;
    if (reader.closed) readNumberRun(reader, sink, this.range);
    if (sink.count === before) this.readOne();
  }

  finish(): TensorData {
    return this.sink.finish();
  }

  private readFloats(runs: FloatRuns): boolean {
    const { reader, sink } = this;
    const count = runs.read(reader.position, sink.array as Float32Array, sink.count);
    sink.count += count;
    reader.position = runs.position;
    if (count < LEAST_KERNEL_RUN) this.floatRuns = undefined;
    return count > 0;
  }

  private readOne(): void {
    const { reader, datatype } = this;
    const first = reader.peek();
    if (first === QUOTE) {
      this.storeQuoted(reader.readString());
    } else if (first === MINUS || isDigit(first)) {
      const start = reader.position;
      reader.skipNumber();
      this.storeText(reader.bytes.toString('latin1', start, reader.position));
    } else {
      rejectElement(reader, datatype, this.place);
    }
  }

  private storeText(text: string): void {
    const { datatype } = this;
    const value = Number(text);
    const [least, most] = this.range;
    if (!isFloat(datatype) && !isWhole(text)) throw wrongDatatype(this.place, datatype, cut(text));
    if (value < least || value > most) {
      if (datatype !== 'INT64' && (datatype !== 'UINT64' || value < 0)) throw this.outOfRange(text);
      // Digits alone say exactly what is meant; a fraction or an exponent comes from a program that has rounded.
      if (!/^-?\d+$/.test(text)) throw this.unsafeInteger(text);
      this.storeInteger(text, datatype);
      return;
    }
    this.sink.push(value);
  }

  /** What JSON has no numbers for: NaN, the infinities, 64-bit integers beyond the safe ones. */
  private storeQuoted(text: string): void {
    const { datatype } = this;
    const nonFinite = NON_FINITE.get(text);
    if (isFloat(datatype) && nonFinite !== undefined) {
      this.sink.push(nonFinite);
      return;
    }
    if ((datatype !== 'INT64' && datatype !== 'UINT64') || !/^-?\d+$/.test(text)) {
      throw wrongDatatype(this.place, datatype, quote(text));
    }
    this.storeInteger(text, datatype);
  }

  private storeInteger(text: string, datatype: 'INT64' | 'UINT64'): void {
    const { sink } = this;
    const [least, most] = INTEGER_RANGES[datatype];
    const value = text.length > MOST_DIGITS + 1 ? undefined : BigInt(text);
    if (value === undefined || value < least || value > most) throw this.outOfRange(text);
    (sink.array as BigInt64Array)[sink.count++] = value;
  }

  private outOfRange(text: string): DomainError {
    const { datatype } = this;
    const bounds = isFloat(datatype) ? '' : `, ${INTEGER_RANGES[datatype].join(' to ')}`;
    return elementFault(
      'out_of_range',
      this.place,
      `${cut(text)} is out of the range of ${datatype}${bounds}`,
    );
  }

  private unsafeInteger(text: string): DomainError {
    return elementFault(
      'unsafe_integer',
      this.place,
      `${cut(text)} is beyond ±${Number.MAX_SAFE_INTEGER}, where programs round numbers; send it in digits alone`,
    );
  }
}
