import type { DomainError } from '../../errors/domain-error';
import { isDigit, QUOTE } from '../numbers/ascii';
import {
  type TensorData,
  DOUBLE_RANGES,
  type FloatDatatype,
  INTEGER_RANGES,
  type IntegerDatatype,
  isFloat,
  type Range,
} from '../datatype';
import { isWhole } from '../numbers/decimal';
import {
  cut,
  elementFault,
  type ElementReader,
  type Place,
  rejectElement,
  wrongDatatype,
} from './element-reader';
import { type ElementSink, storeNumber } from './element-sink';
import { FloatRuns } from '../numbers/float-kernel/float-kernel';
import { quote } from './json-fault';
import type { JsonReader } from './json-reader';
import * as ascii from '../numbers/ascii';
import * as decimal from '../numbers/decimal';

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

// The compiler folds a file's own constants into its code, and looks up those of another each time.
const { CARRIAGE_RETURN, CLOSE_BRACKET, COMMA, DOT, LINE_FEED, LOWER_E, MINUS, PLUS, SPACE, TAB, ZERO } =
  ascii;
const { EXACT_EXPONENT, EXACT_INTEGERS, FLOAT_DIGITS, FLOAT_SLACK, MOST_EXPONENT, POWERS_OF_TEN } = decimal;
const { nearestDouble } = decimal;

/**
 * Reads the numbers of an innermost array from the cursor, which must stand at an element of a `closed`
 * document, for as long as they are plain: a number in `range`, then `,` or `]`. It ends behind the last
 * element that it could read, which may be none; a more careful reader then says what stands there.
 */
function readNumberRun(reader: JsonReader, sink: ElementSink, [least, most]: Range<number>): void {
  const { bytes, view } = reader;
  const { datatype, array, halves } = sink;
  const room = array.length;
  const whole = !isFloat(datatype);
  const lastLoad = view.byteLength - 4;
  let count = sink.count;
  let readTo = reader.position;
  let position = readTo - 1;
  let awkward: boolean;
  do {
    awkward = false;
    let minus = 0;
    let first = 0;
    let last = 0;
    let exponent = 0;
    let byte = COMMA;
    // No calls in this loop, which would cost it its registers: it leaves awkward numbers to the outer one.
    while (count < room && byte === COMMA) {
      byte = bytes[++position]!;
      if (byte <= SPACE) {
        while (byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB) {
          byte = bytes[++position]!;
        }
      }
      minus = Number(byte === MINUS);
      position += minus;
      first = position;
      let digit = bytes[position]! - ZERO;
      if (digit >>> 0 > 9) break;
      let mantissa = digit;
      byte = bytes[++position]!;
      if (digit !== 0) {
        while ((digit = byte - ZERO) >>> 0 <= 9) {
          mantissa = mantissa * 10 + digit;
          byte = bytes[++position]!;
        }
      }
      exponent = 0;
      if (byte === DOT) {
        const fraction = ++position;
        while (position <= lastLoad) {
          // Four characters become four digits, the first in the lowest byte; any other sets a high bit.
          const digits = view.getInt32(position, true) ^ 0x30303030;
          if (((digits | (digits + 0x76767676)) & 0x80808080) !== 0) break;
          const pairs = Math.imul(digits, 10) + (digits >>> 8);
          mantissa = mantissa * 10_000 + (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
          position += 4;
        }
        while ((digit = (byte = bytes[position]!) - ZERO) >>> 0 <= 9) {
          mantissa = mantissa * 10 + digit;
          position++;
        }
        exponent = fraction - position;
        if (exponent === 0) break;
      }
      last = position;
      if (byte !== COMMA) {
        if ((byte | 0x20) === LOWER_E) {
          byte = bytes[++position]!;
          const below = byte === MINUS;
          if (below || byte === PLUS) byte = bytes[++position]!;
          const start = position;
          let written = 0;
          while ((digit = byte - ZERO) >>> 0 <= 9) {
            if (written < 1000) written = written * 10 + digit;
            byte = bytes[++position]!;
          }
          if (position === start) break;
          exponent += below ? -written : written;
        }
        if (byte !== COMMA && byte !== CLOSE_BRACKET) break;
      }

      let value: number;
      if (mantissa < EXACT_INTEGERS && exponent >= -EXACT_EXPONENT && exponent <= EXACT_EXPONENT) {
        if (exponent === 0) value = mantissa;
        else if (exponent < 0) value = mantissa / POWERS_OF_TEN[-exponent]!;
        else value = mantissa * POWERS_OF_TEN[exponent]!;
      } else {
        awkward = true;
        // Digits beyond 2^53 have been rounded, by less than the interval tried here: see FLOAT_DIGITS.
        if (datatype !== 'FP32' || last - first > FLOAT_DIGITS) break;
        if (exponent < -MOST_EXPONENT || exponent > MOST_EXPONENT) break;
        value = exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent]! : mantissa * POWERS_OF_TEN[exponent]!;
        const rounded = Math.fround(value * (1 + FLOAT_SLACK));
        if (rounded !== Math.fround(value * (1 - FLOAT_SLACK))) break;
        value = rounded;
        awkward = false;
      }
      value *= 1 - 2 * minus;
      if (value < least || value > most || (whole && exponent !== 0)) break;
      storeNumber(datatype, array, halves, count++, value);
      readTo = position;
    }
    if (awkward) {
      const value = nearestDouble(bytes, first, last, position, exponent) * (1 - 2 * minus);
      if (value < least || value > most || whole) break;
      storeNumber(datatype, array, halves, count++, value);
      readTo = position;
      awkward = byte === COMMA;
    }
  } while (awkward);
  sink.count = count;
  reader.position = readTo;
}
