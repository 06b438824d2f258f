import type { RawRequest } from '../../processing/model-processing';
import type { OptionName, RequestOptions } from '../../processing/options';
import type { RawInput } from '../../processing/raw-input';
import type { Tensor, TensorSpec } from '../../tensors/tensor';

/** One inference request of the Open Inference Protocol, its tensors in the model's order. */
export interface V2Call {
  /** Echoed in the response. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted, in the order of the answer; undefined for all that there are. */
  readonly outputs: readonly string[] | undefined;
  /** For each output of the answer: in binary? */
  readonly binaryOutputs: readonly boolean[];
  /** For each output of the answer: how many of its best classes in its place; undefined where none has any. */
  readonly classes: readonly (number | undefined)[] | undefined;
  /** 1 is the most urgent, 0 the default. */
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  /** What is asked of the model's declaration; then `inputs` may be empty, and `outputs` is left open. */
  readonly raw?: RawRequest;
  /** Of such a request, the names of the outputs wanted, in the order of the answer. */
  readonly selected?: readonly string[];
}

/** What a request's body holds: tensors, or what it asks of the model's declaration. */
export interface V2Body extends V2Call {
  readonly declared?: {
    /** Nothing where tensors are sent, and declared outputs asked for. */
    readonly inputs: readonly RawInput[];
    readonly options: RequestOptions;
    readonly wantsTensors: boolean;
  };
}

/** A declared input as this protocol carries it: in elements of BYTES. */
export interface DeclaredInput {
  readonly spec: TensorSpec;
  readonly media: 'image' | 'text' | 'pairs';
  /** What an element is, in the words of other servers. */
  readonly contentType: 'image' | 'str';
}

/** What a model declares beyond tensors, as far as this protocol carries it. */
export interface V2Declaration {
  readonly inputs: readonly DeclaredInput[];
  /** The name of a table that is all that it takes: its columns come as inputs where a request says `pd`. */
  readonly table: string | undefined;
  readonly outputs: readonly TensorSpec[];
  readonly options: readonly OptionName[];
}

/** What the codec needs to know of a model. */
export interface V2Model {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Elements that an input of BYTES may have; any number where that is not said. */
  readonly maxTexts?: number;
  /** Undefined where nothing is declared. */
  readonly declared?: V2Declaration;
}

/** Under which the protocol's calls stand in the OpenAPI document. */
export const V2_TAG = 'Open Inference Protocol V2';
