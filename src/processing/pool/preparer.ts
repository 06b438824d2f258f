import type { RequestOptions } from '../options';
import type { InputContext } from '../prepared';
import type { RawInput } from '../raw-input';
import type { Tensor } from '../../tensors/tensor';

/** What has come of one declared input. */
export interface PreparedInput {
  /** By the names of the model's inputs. */
  readonly tensors: readonly Tensor[];
  /** What the steps behind the model want to know; undefined when there is nothing. */
  readonly context?: InputContext;
}

/** Makes tensors of one declared input, on a processing thread. Several may be under way at a time. */
export interface Preparer {
  /**
   * @param deadlineMs when it is of no use any more, by this thread's `performance.now()`
   * @throws DomainError of the input's own codes, naming the input and the place in it; `deadline_exceeded`
   */
  prepare(raw: RawInput, options: RequestOptions, deadlineMs: number): PreparedInput | Promise<PreparedInput>;
}
