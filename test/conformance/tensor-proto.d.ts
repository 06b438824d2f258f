import { onnx } from 'onnx-proto';
import { type Datatype } from '../../src/tensors/datatype';
import type { Tensor } from '../../src/tensors/tensor';
/** The protocol's name for ONNX's element type; undefined for one that the runtime's binding does not carry. */
export declare function datatypeOf(elementType: onnx.TensorProto.DataType): Datatype | undefined;
/** Reads an ONNX TensorProto, raw or by fields (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
export declare function readTensor(bytes: Uint8Array, name: string): Tensor;
