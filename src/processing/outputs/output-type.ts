import type { Tensor } from '../../tensors/tensor';
import type { RequestOptions } from '../options';
import type { InputContext } from '../prepared';

/** What an output is made of. */
export interface Finishing {
  /** The model's outputs, all of them. */
  readonly outputs: readonly Tensor[];
  /** What is known of the inputs; nothing where tensors were sent. */
  readonly contexts: readonly InputContext[];
  readonly options: RequestOptions;
}

/** The model's output of this name. The plan was checked against the session, which gives all that it declares. */
export function outputNamed(outputs: readonly Tensor[], name: string): Tensor {
  const found = outputs.find((output) => output.name === name);
  if (found === undefined) throw new Error(`The session gave no output ${name}.`);
  return found;
}
