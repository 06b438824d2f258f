import { MalformedMessage, WIRE } from '../../../models/repository/onnx-file/protobuf-cursor';
import {
  bytesField,
  type Field,
  fieldsOf,
  innerOf,
  integerField,
  integerOf,
  integersIn,
  packedField,
  textIn,
  textField,
} from './message';

/** TensorProto.DataType of those that are read or made here. */
export const ELEMENT = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, half: 10 } as const;
export type Element = keyof typeof ELEMENT;

/** Fields of a TensorProto. */
const TENSOR = { dims: 1, element: 2, floats: 4, name: 8, raw: 9, externalData: 13, location: 14 };
/** Fields of an entry of `external_data`. */
const ENTRY = { key: 1, value: 2 };

/** A tensor of a model's file: an initializer, or what a `Constant` gives. */
export class Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly element: number;
  readonly isExternal: boolean;

  private constructor(readonly fields: readonly Field[]) {
    this.name = textIn(fields, TENSOR.name);
    this.dims = integersIn(fields, TENSOR.dims);
    this.element = integersIn(fields, TENSOR.element)[0] ?? 0;
    this.isExternal = fields.some(
      (field) =>
        field.number === TENSOR.externalData || (field.number === TENSOR.location && integerOf(field) === 1),
    );
  }

  static read(bytes: Buffer): Weight {
    return new Weight(fieldsOf(bytes));
  }

  static make(name: string, element: Element, dims: readonly number[], data: NodeJS.TypedArray): Weight {
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return new Weight([
      ...(dims.length > 0 ? [packedField(TENSOR.dims, dims)] : []),
      integerField(TENSOR.element, ELEMENT[element]),
      textField(TENSOR.name, name),
      bytesField(TENSOR.raw, raw),
    ]);
  }

  /** Where its elements lie, in a file beside the model: what the model says, `location`, `offset` and `length`. */
  get place(): ReadonlyMap<string, string> {
    const entries = this.fields.filter(({ number }) => number === TENSOR.externalData).map(innerOf);
    return new Map(entries.map((entry) => [textIn(entry, ENTRY.key), textIn(entry, ENTRY.value)]));
  }

  /** The same with its elements in the model itself. */
  with(raw: Buffer): Weight {
    const own = this.fields.filter(
      ({ number }) => number !== TENSOR.externalData && number !== TENSOR.location,
    );
    return new Weight([...own, bytesField(TENSOR.raw, raw)]);
  }

  get isFloat(): boolean {
    return this.element === ELEMENT.float && !this.isExternal;
  }

  get count(): number {
    return this.dims.reduce((product, size) => product * size, 1);
  }

  /** A copy of its elements, as those of a file need not be aligned. @throws MalformedMessage where some are missing */
  floats(): Float32Array<ArrayBuffer> {
    const raw = this.fields.find(({ number }) => number === TENSOR.raw)?.bytes;
    const parts = this.fields.filter(
      ({ number, wire }) => number === TENSOR.floats && (wire === WIRE.bytes || wire === WIRE.fixed32),
    );
    const bytes = raw ?? Buffer.concat(parts.map((part) => part.bytes ?? Buffer.alloc(0)));
    if (bytes.length !== this.count * 4)
      throw new MalformedMessage(
        `its tensor "${this.name}" has ${bytes.length} bytes in place of ${this.count * 4}`,
      );
    const copy = new Uint8Array(bytes.length);
    copy.set(bytes);
    return new Float32Array(copy.buffer);
  }
}
