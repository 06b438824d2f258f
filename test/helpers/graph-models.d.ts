import { onnx } from 'onnx-proto';
/** An attribute: an integer, integers, or a graph. */
type Attribute = number | readonly number[] | onnx.IGraphProto;
/** Operator, inputs, outputs, attributes. */
export type Step = readonly [
    string,
    readonly string[],
    readonly string[],
    Readonly<Record<string, Attribute>>?
];
export interface SmallGraph {
    readonly steps: readonly Step[];
    /** Shapes of the FP32 inputs; text names an open dimension. */
    readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
    readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
    /** INT64 tensors of one dimension; a bare number is a scalar. */
    readonly integers?: Readonly<Record<string, number | readonly number[]>>;
    /** FP32 tensors: their shape and their one value. */
    readonly floats?: Readonly<Record<string, readonly [shape: readonly number[], value: number | Float32Array]>>;
    readonly opset?: number;
}
/** A model of a few operators, as the table of its steps says. */
export declare function graphModel(graph: SmallGraph): Uint8Array;
/** The same as a body for `If`, `Loop` or `Scan`. */
export declare function graphOf(graph: SmallGraph): onnx.IGraphProto;
export {};
