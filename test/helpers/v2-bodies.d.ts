import type { DomainError } from '../../src/errors/domain-error';
import type { V2Call, V2Model } from '../../src/protocols/open-inference/v2-call';
import type { Datatype, TensorData } from '../../src/tensors/datatype';
import type { Tensor, TensorSpec } from '../../src/tensors/tensor';
export declare const spec: (name: string, datatype: Datatype, shape: readonly number[]) => TensorSpec;
/** A model with one FP32 input and one output. */
export declare const PLAIN: V2Model;
/** A model with inputs and outputs of many kinds. */
export declare const MIXED: V2Model;
/** An input for `PLAIN`, in JSON. */
export declare const X: {
    name: string;
    shape: number[];
    datatype: string;
    data: number[];
};
/** Decodes a request that is JSON only. */
export declare function decodeJson(request: unknown, model?: V2Model): V2Call;
/** What a call is refused with. */
export declare function refusal(run: () => unknown): DomainError;
/** The only input of a call. */
export declare function only(call: V2Call): Tensor;
/** A request's body and the length that its header gives. */
export interface V2Body {
    body: Buffer;
    headerLength: number | undefined;
}
/** The body of a request that is JSON only. */
export declare function jsonBody(request: unknown): V2Body;
/**
 * The body of a request whose JSON is followed by the bytes of its binary tensors.
 * @param misalign how many bytes of white space end the JSON, to move what follows
 */
export declare function binaryBody(request: unknown, parts: readonly Uint8Array[], misalign?: number): V2Body;
/** A tensor's bytes by the binary extension, made without the code under test. */
export declare function tensorBytes(data: TensorData): Buffer;
/** A tensor's elements as plain JSON values; what JSON has no numbers for are strings. */
export declare function tensorValues({ datatype, data }: Pick<Tensor, 'data'> & {
    datatype: Datatype;
}): unknown[];
