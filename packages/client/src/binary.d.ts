import { type Datatype, Tensor } from './tensor.js';
/**
 * The binary form of the Open Inference Protocol: JSON, then the bytes of the tensors in its order.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export declare const JSON_LENGTH_HEADER = "inference-header-content-length";
interface Head {
    readonly model_name: string;
    readonly model_version: string;
    readonly outputs: readonly {
        readonly name: string;
        readonly datatype: Datatype;
        readonly shape: readonly number[];
        readonly parameters?: {
            readonly binary_data_size?: number;
        };
        readonly data?: unknown;
    }[];
}
/** A request body, and how many of its bytes are JSON. */
export declare function encodeBinary(inputs: readonly (readonly [name: string, tensor: Tensor])[], outputs: readonly string[] | undefined): {
    body: Uint8Array<ArrayBuffer>;
    jsonLength: number;
};
/** @throws NestorError `bad_answer` for an answer that is not in the binary form */
export declare function decodeBinary(bytes: Uint8Array<ArrayBuffer>, jsonLength: number): {
    head: Head;
    outputs: Record<string, Tensor>;
};
export {};
