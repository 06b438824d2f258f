import type { Tensor } from '../../tensors/tensor';
import type { SessionSignature } from './session-messages';

/** One loaded session; used only inside a session thread, which its calls block. */
export interface RuntimeSession extends SessionSignature {
  /** All outputs in declared order. At once with the synchronous binding, else as a promise. */
  run(inputs: readonly Tensor[]): Tensor[] | Promise<Tensor[]>;
  release(): void | Promise<void>;
}
