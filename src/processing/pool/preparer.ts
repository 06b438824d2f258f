import type { RequestOptions } from '../options';
import type { RowPadding } from '../../tensors/row-padding';
import type { InputContext, RunFreedom } from '../prepared';
import type { RawInput } from '../raw-input';
import type { Tensor } from '../../tensors/tensor';

/** What has come of one declared input, or of some of its rows. */
export interface PreparedInput {
  /** By the names of the model's inputs. */
  readonly tensors: readonly Tensor[];
  /** What the steps behind the model want to know; undefined when there is nothing. */
  readonly context?: InputContext;
  /** Which rows these are; undefined: all of them. */
  readonly rows?: readonly number[];
  readonly padding?: RowPadding;
}

export interface PrepareTerms extends RunFreedom {
  /** When it is of no use any more, by this thread's `performance.now()`. */
  readonly deadlineMs: number;
}

/** Makes tensors of one declared input, on a processing thread. Several may be under way at a time. */
export interface Preparer {
  /**
   * @returns one item, or several where it may come in parts
   * @throws DomainError of the input's own codes, naming the input and the place in it; `deadline_exceeded`
   */
  prepare(
    raw: RawInput,
    options: RequestOptions,
    terms: PrepareTerms,
  ): readonly PreparedInput[] | Promise<readonly PreparedInput[]>;
}
