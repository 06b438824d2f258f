import { onnx } from 'onnx-proto';
/**
 * Why the server has to refuse a model, or undefined where it has to run it. docs/open-inference.md lists these
 * reasons; what else does not run is a fault.
 */
export declare function lackOf({ graph, opsetImport }: onnx.ModelProto): string | undefined;
