import type { TensorSpec } from '../../tensors/tensor';
import type { PaddingSide } from '../prepared';

/** How texts become tokens, and tokens the model's inputs, each `[rows, tokens]`. */
export interface TextPlan {
  readonly type: 'text';
  /** The declared input. */
  readonly name: string;
  /** Names of all the model's inputs that it becomes. */
  readonly covers: readonly string[];
  /** Absolute path of the `tokenizer.json`. */
  readonly tokenizerFile: string;
  readonly ids: TensorSpec;
  /** 1 for a token, 0 for padding. */
  readonly mask: TensorSpec | undefined;
  /** 0 for the first text of a pair, 1 for the second. */
  readonly types: TensorSpec | undefined;
  /** Of each token in its row, from 0. */
  readonly positions: TensorSpec | undefined;
  /** Tokens of a row, those that the model adds included. */
  readonly maxLength: number;
  /** Is a text that is too long cut where a request does not say? */
  readonly truncate: boolean;
  /** Is each row two texts? */
  readonly pairs: boolean;
  /** Texts that stand before each input where a request asks for them by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The prompt of requests that name none. */
  readonly defaultPrompt: string | undefined;
  /** What stands beside a row; undefined: what the tokenizer's file says. */
  readonly padToken: string | undefined;
  /** Undefined: what the tokenizer's file says. */
  readonly paddingSide: PaddingSide | undefined;
  /** Do the steps behind the model want to know where each token lies? */
  readonly wantsSpans: boolean;
}
