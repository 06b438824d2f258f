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

/** What the steps behind the model want to know of an input, beyond its tensors; one item for each row. */
export type InputContext = { readonly type: 'image'; readonly frames: readonly ImageFrame[] };

/** What became of a request's raw inputs. */
export interface Prepared {
  /** By the names of the model's inputs, in no order. */
  readonly tensors: readonly Tensor[];
  readonly contexts: readonly InputContext[];
}
