import type { Datatype } from '../../tensors/datatype';
import type { Shape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';

/** ONNX's element types by number, as the runtime's Node package names those that it carries (`onnx.proto`, TensorProto.DataType). */
const ELEMENT_TYPES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
];

const DATATYPE_OF: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

const ELEMENT_TYPE_OF = new Map(Object.entries(DATATYPE_OF).map(([type, datatype]) => [datatype, type]));

/** What the runtime says of an input or output, by its synchronous binding or its public interface. */
export interface OrtValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  /** A number from the binding, a name from the public interface. */
  readonly type?: number | string;
  /** A dynamic dimension is -1 from the binding, its symbol (or "") from the public interface. */
  readonly shape?: readonly (number | string)[];
  /** The symbols ("" for none), from the binding alone. */
  readonly symbolicDimensions?: readonly string[];
}

/** The runtime's name of a datatype. */
export function elementTypeOf(datatype: Datatype): string {
  return ELEMENT_TYPE_OF.get(datatype) ?? 'undefined';
}

/** @throws Error that names the input or output when a request could not carry it. */
export function specOf(role: 'input' | 'output', metadata: OrtValueMetadata): TensorSpec {
  const { name, isTensor, type = 'undefined', shape = [], symbolicDimensions = [] } = metadata;
  if (!isTensor) {
    throw new Error(
      `${role} '${name}' is a sequence, a map or an optional value; only tensors can be served`,
    );
  }
  const elementType = typeof type === 'number' ? (ELEMENT_TYPES[type] ?? `type ${type}`) : type;
  const datatype = DATATYPE_OF[elementType];
  if (datatype === undefined) {
    throw new Error(`${role} '${name}' has the element type ${elementType}, which cannot be served`);
  }
  const dimensions = shape.map(
    (size, i) => symbolicDimensions[i] || (typeof size === 'string' && size) || null,
  );
  const named = dimensions.some((dimension) => dimension !== null);
  return { name, datatype, shape: dimensionsOf(shape), ...(named && { dimensions }) };
}

function dimensionsOf(shape: readonly (number | string)[]): Shape {
  return shape.map((size) => (typeof size === 'number' && size >= 0 ? size : -1));
}
