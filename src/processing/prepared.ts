import type { RowPadding } from '../tensors/row-padding';
import type { Tensor } from '../tensors/tensor';

/** How one picture came into the tensor, so that boxes find the way back. Lengths in pixels. */
export interface ImageFrame {
  /** The picture as it is seen, after its EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** A point (x, y) of the picture lies at (x * scaleX + left, y * scaleY + top) of the tensor. */
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
  /** The tensor's own size. */
  readonly tensorWidth: number;
  readonly tensorHeight: number;
}

/** A text, and where each of its tokens lies in it, in UTF-16 units. */
export interface TokenizedText {
  readonly text: string;
  readonly spans: readonly (readonly [start: number, end: number])[];
}

/** Where padding stands: before a row's tokens, or behind them. */
export type PaddingSide = 'left' | 'right';

/** What the steps behind the model want to know of an input, beyond its tensors; one item for each row. */
export type InputContext =
  | { readonly type: 'image'; readonly frames: readonly ImageFrame[] }
  | {
      readonly type: 'text';
      /** The declared input. */
      readonly name: string;
      /** Tokens of each row; what is beside them is padding. */
      readonly lengths: readonly number[];
      readonly paddingSide: PaddingSide;
      readonly isTruncated: readonly boolean[];
      /** Undefined where no step wants them. */
      readonly tokens: readonly TokenizedText[] | undefined;
    };

/** At which of a row's positions its tokens begin, and how many they are; all of them where no text is known. */
export function tokensOf(
  contexts: readonly InputContext[],
  row: number,
  positions: number,
): { readonly first: number; readonly count: number } {
  const text = contexts.find((context) => context.type === 'text');
  const count = text?.lengths[row] ?? positions;
  return { first: text?.paddingSide === 'left' ? positions - count : 0, count };
}

/** What may be made of a request's rows on their way to the model. */
export interface RunFreedom {
  /** May they come in several runs? Not where the model's own outputs are wanted, which differ in length. */
  readonly mayPart: boolean;
  /** May shorter rows be padded? Not where that changes what the model gives. */
  readonly mayPad: boolean;
}

/** Tensors that the model takes in one run. */
export interface PreparedRun {
  /** By the names of the model's inputs, in no order. */
  readonly tensors: readonly Tensor[];
  readonly contexts: readonly InputContext[];
  /** Which rows of the request these are; undefined: all of them. */
  readonly rows: readonly number[] | undefined;
  readonly padding: RowPadding | undefined;
}

/** What became of a request's raw inputs: one run, or several where its texts differ much in length. */
export type Prepared = readonly PreparedRun[];
