import type { BatchCheck } from '../../scheduling/batch-check';
import type { SeenRun } from '../../scheduling/empty-inputs';
import type { TensorSpec } from '../../tensors/tensor';

/** What runs have shown of a model. */
export interface Proof {
  /** Of its content and its settings; see `versionDigest`. */
  readonly digest: string;
  readonly seen: SeenRun | undefined;
  readonly batching: BatchCheck;
  readonly outputs: readonly TensorSpec[];
}
