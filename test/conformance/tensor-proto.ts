import { onnx } from 'onnx-proto';
import { allocate, type Datatype, elementBytes, type TensorData, viewOf } from '../../src/tensors/datatype';
import type { Tensor } from '../../src/tensors/tensor';

const { DataType } = onnx.TensorProto;

/** The field that holds the elements, one by one, when they are not raw. */
type Field = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'stringData';

const TYPES: Partial<Record<onnx.TensorProto.DataType, readonly [Datatype, Field]>> = {
  [DataType.FLOAT]: ['FP32', 'floatData'],
  [DataType.DOUBLE]: ['FP64', 'doubleData'],
  [DataType.FLOAT16]: ['FP16', 'int32Data'],
  [DataType.BOOL]: ['BOOL', 'int32Data'],
  [DataType.INT8]: ['INT8', 'int32Data'],
  [DataType.UINT8]: ['UINT8', 'int32Data'],
  [DataType.INT16]: ['INT16', 'int32Data'],
  [DataType.UINT16]: ['UINT16', 'int32Data'],
  [DataType.INT32]: ['INT32', 'int32Data'],
  [DataType.UINT32]: ['UINT32', 'uint64Data'],
  [DataType.INT64]: ['INT64', 'int64Data'],
  [DataType.UINT64]: ['UINT64', 'uint64Data'],
  [DataType.STRING]: ['BYTES', 'stringData'],
};

/** The protocol's name for ONNX's element type; undefined for one that the runtime's binding does not carry. */
export function datatypeOf(elementType: onnx.TensorProto.DataType): Datatype | undefined {
  return TYPES[elementType]?.[0];
}

/** Reads an ONNX TensorProto, raw or by fields (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
export function readTensor(bytes: Uint8Array, name: string): Tensor {
  const proto = onnx.TensorProto.decode(bytes);
  const type = TYPES[proto.dataType as onnx.TensorProto.DataType];
  if (type === undefined) throw new Error(`The datatype of "${name}" (${proto.dataType}) is not known.`);
  return { name, datatype: type[0], shape: proto.dims.map(Number), data: dataOf(proto, type) };
}

function dataOf(proto: onnx.TensorProto, [datatype, field]: readonly [Datatype, Field]): TensorData {
  const values = proto[field];
  if (datatype === 'BYTES') return values.map((text) => Buffer.from(text as Uint8Array).toString());
  if (proto.rawData.length > 0) {
    const raw = Uint8Array.from(proto.rawData);
    return viewOf(datatype, raw.buffer, 0, raw.length / elementBytes(datatype));
  }
  const data = allocate(datatype, values.length);
  const wide = datatype === 'INT64' || datatype === 'UINT64';
  values.forEach((value, index) => (data[index] = wide ? BigInt(String(value)) : Number(value)));
  return data;
}
