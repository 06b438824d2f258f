import { DomainError, type ErrorCode } from '../../errors/domain-error';
import { LOWER_F, LOWER_T, MINUS, isDigit, QUOTE } from '../numbers/ascii';
import { type Datatype, type TensorData, isFloat } from '../datatype';
import type { ElementSink } from './element-sink';
import { kindAt, quote } from './json-fault';
import type { JsonReader } from './json-reader';

/** Reads elements of a tensor; in which array of the document they stand is another's business. */
export interface ElementReader {
  readonly count: number;
  /** Reads the element at the cursor, and those behind it in the same array for as long as that is quick. */
  read(): void;
  finish(): TensorData;
}

/** Says where the next element stands: `Input "x"[0][3]`. */
export type Place = () => string;

export class BooleanReader implements ElementReader {
  constructor(
    private readonly reader: JsonReader,
    private readonly sink: ElementSink,
    private readonly place: Place,
  ) {}

  get count(): number {
    return this.sink.count;
  }

  read(): void {
    const first = this.reader.peek();
    if (first !== LOWER_T && first !== LOWER_F) rejectElement(this.reader, 'BOOL', this.place);
    const value = this.reader.readBoolean() ? 1 : 0;
    this.sink.reserve();
    this.sink.push(value);
  }

  finish(): TensorData {
    return this.sink.finish();
  }
}

export class StringReader implements ElementReader {
  private readonly strings: string[] = [];

  constructor(
    private readonly reader: JsonReader,
    private readonly place: Place,
    private readonly maxTexts = Infinity,
  ) {}

  get count(): number {
    return this.strings.length;
  }

  read(): void {
    if (this.reader.peek() !== QUOTE) rejectElement(this.reader, 'BYTES', this.place);
    if (this.strings.length >= this.maxTexts) throw tooManyTexts(this.place(), this.maxTexts);
    this.strings.push(this.reader.readString());
  }

  finish(): TensorData {
    return this.strings;
  }
}

/** @param where which input it is, or which of its elements */
export function tooManyTexts(where: string, maxTexts: number): DomainError {
  return new DomainError(
    'input_too_large',
    `${where}: more than ${maxTexts} texts (max_text_elements in the model.yaml of the model).`,
  );
}

/** What stands at the cursor is not an element of the datatype. */
export function rejectElement(reader: JsonReader, datatype: Datatype, place: Place): never {
  const first = reader.peek();
  const kind = kindAt(reader.bytes, reader.position);
  if (kind === undefined) reader.fail(expectation(datatype));
  if (first === QUOTE) throw wrongDatatype(place, datatype, quote(reader.readString()));
  if (first !== MINUS && !isDigit(first)) throw wrongDatatype(place, datatype, kind);
  const start = reader.position;
  reader.skipNumber();
  throw wrongDatatype(place, datatype, cut(reader.bytes.toString('latin1', start, reader.position)));
}

export function wrongDatatype(place: Place, datatype: Datatype, found: string): DomainError {
  return elementFault(
    'wrong_datatype',
    place,
    `expected ${expectation(datatype)} (${datatype}), found ${found}`,
  );
}

export function elementFault(code: ErrorCode, place: Place, message: string): DomainError {
  return new DomainError(code, `${place()}: ${message}.`);
}

/** A number's text for a message; there is no end to the digits that one may have. */
export function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function expectation(datatype: Datatype): string {
  if (datatype === 'BYTES') return 'a string';
  if (datatype === 'BOOL') return 'true or false';
  return isFloat(datatype) ? 'a number' : 'an integer';
}
