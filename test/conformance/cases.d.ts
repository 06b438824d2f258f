import type { Tensor } from '../../src/tensors/tensor';
/** One set of inputs, and the outputs that belong to them, in the order of the model's. */
export interface DataSet {
    readonly name: string;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
}
/** A case of ONNX's backend tests: a model, and what it is to make of some inputs. */
export interface ConformanceCase {
    readonly name: string;
    readonly model: Uint8Array;
    /** What the model needs and the runtime does not have, as docs/open-inference.md says; undefined for nothing. */
    readonly lack: string | undefined;
    /** None where something is lacking. */
    readonly dataSets: readonly DataSet[];
}
/** The cases in a folder: each is a folder with a `model.onnx` and folders `test_data_set_<n>`. */
export declare function readCases(folder: string): ConformanceCase[];
