import type { Tensor, TensorSpec } from '../../tensors/tensor';

/** One inference request of the Open Inference Protocol, its tensors in the model's order. */
export interface V2Call {
  /** Echoed in the response. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted, in the order of the answer; undefined for all of the model's. */
  readonly outputs: readonly string[] | undefined;
  /** For each output of the answer: in binary? */
  readonly binaryOutputs: readonly boolean[];
  /** For each output of the answer: how many of its best classes in its place; undefined where none has any. */
  readonly classes: readonly (number | undefined)[] | undefined;
  /** 1 is the most urgent, 0 the default. */
  readonly priority: number;
  readonly timeoutMs: number | undefined;
}

/** What the codec needs to know of a model. */
export interface V2Model {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Elements that an input of BYTES may have; any number where that is not said. */
  readonly maxTexts?: number;
}
