import { onnx } from 'onnx-proto';
import type { Datatype } from '../../src/tensors/datatype';
/** Sizes of the dimensions; text names a dynamic one. */
type DeclaredShape = readonly (number | string)[];
/** An ONNX model in bytes, and the files beside it that hold its weights. */
export interface TestModel {
    readonly model: Uint8Array;
    readonly dataFiles: Readonly<Record<string, Uint8Array>>;
}
/** `y = x`. */
export declare function identityModel(datatype: Datatype, shape?: DeclaredShape): Uint8Array;
/** `y = x` of a type that the server cannot carry. */
export declare function bfloat16Model(): Uint8Array;
/** `y` is a sequence with `x` in it. */
export declare function sequenceModel(): Uint8Array;
/** `sum = a + b`, FP32 [N, columns] each. */
export declare function addModel(columns?: number): Uint8Array;
/** Two outputs of different types from FP32 [N, 3]: `label` INT64 [N], `probabilities` FP32 [N, 3]. */
export declare function classifierModel(): Uint8Array;
/**
 * What scikit-learn's exporter makes of a logistic regression: from FP32 `x` [N, 2] the `output_label` [N], BYTES, and its
 * probabilities as a list of maps.
 */
export declare function zipMapModel(labels: readonly string[]): Uint8Array;
/** `vectors = table[ids]`: INT64 `ids` [N, L] below `count`, FP32 [N, L, width]. */
export declare function embeddingModel(count: number, width: number): Uint8Array;
/** Text in, text and a number out: `same` BYTES [N] and `count` INT64 [1], the rows of the whole batch. */
export declare function textModel(): Uint8Array;
/** A multi-layer perceptron `y = softmax(...)` of these widths, FP32, with made-up but fixed weights. */
export declare function mlpModel(widths: readonly number[]): Uint8Array;
/** The same perceptron with its weights in `weights.bin` beside the model. */
export declare function externalDataModel(widths: readonly number[], location?: string): TestModel;
/**
 * `y = x`, FP32 [N, 4], after `iterations` multiplications of 128x128 matrices: about 0.1 ms each, and the
 * same however many rows there are.
 */
export declare function slowModel(iterations: number): Uint8Array;
/** `y` FP32 [] = `trips` INT64 [], after so many of these multiplications: the request says how slow it is. */
export declare function busyModel(): Uint8Array;
/** `y` FP32 [N] = 10 times `index` INT64 [N]; the run fails when one index is not in [-5, 4]. */
export declare function gatherModel(): Uint8Array;
/** FP32 `x` [N] as `y` [1, 3]: the run fails unless there are three elements. */
export declare function reshapeModel(): Uint8Array;
/** FP32 `x` [N, 1] repeated to `y` [N, columns]: small in, large out. */
export declare function widenModel(columns: number): Uint8Array;
/** `y` FP32 [N, 2], drawn by lot for each run, in a branch that is always taken; `x` FP32 [N, 2] gives the shape. */
export declare function randomModel(): Uint8Array;
/** `plus = x + bias` and `minus = x - bias`, FP32 [N, 2]; `y` is a second input, FP32 [N, 2], added to both. */
export declare function biasModel(bias: Float32Array): Uint8Array;
/** `y` FP32 [] = the largest element of `x` FP32 [N]: large in, small out. */
export declare function maximumModel(): Uint8Array;
/** Declares a dynamic leading dimension, but each row's result is divided by the rows of the batch. */
export declare function rowsDependentModel(): Uint8Array;
export declare function value(name: string, elemType: onnx.TensorProto.DataType, shape: DeclaredShape): onnx.IValueInfoProto;
export declare function node(opType: string, input: string[], output: string[], attribute?: onnx.IAttributeProto[]): onnx.INodeProto;
export declare function intAttribute(name: string, i: number): onnx.IAttributeProto;
export declare function initializer(name: string, dataType: onnx.TensorProto.DataType, dims: readonly number[], rawData: Uint8Array): onnx.ITensorProto;
export declare function bytesOf(array: Float32Array | BigInt64Array): Uint8Array;
export declare function encode(graph: onnx.IGraphProto, opset?: number, moreOpsets?: readonly onnx.IOperatorSetIdProto[]): Uint8Array;
export {};
