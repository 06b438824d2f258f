import * as ascii from '../numbers/ascii';
import * as decimal from '../numbers/decimal';
import { type ElementSink, storeNumber } from './element-sink';
import type { JsonReader } from './json-reader';
import { isFloat, type Range } from '../numbers/number-range';

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
export function readNumberRun(reader: JsonReader, sink: ElementSink, [least, most]: Range<number>): void {
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
