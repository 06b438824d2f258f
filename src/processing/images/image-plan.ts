import type { TensorSpec } from '../../tensors/tensor';

export const FILTERS = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const;
/** Pillow's resampling filters. https://pillow.readthedocs.io/en/stable/handbook/concepts.html#filters */
export type Filter = (typeof FILTERS)[number];

export const COLORS = ['rgb', 'bgr', 'grey'] as const;
export type Color = (typeof COLORS)[number];

export const LAYOUTS = ['nchw', 'nhwc', 'nhw'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** To what size a picture is resampled before anything is cut off; lengths in pixels. */
export type Resize =
  | { readonly mode: 'none' }
  /** Its shorter side becomes `size`, and its longer one keeps the aspect, but for `most`. */
  | { readonly mode: 'shorter' | 'longer'; readonly size: number }
  /** Exactly this size, whatever the aspect. */
  | { readonly mode: 'exact'; readonly width: number; readonly height: number }
  /** As large as it fits, the rest filled with `pad`; `start` puts it in the upper left corner. */
  | {
      readonly mode: 'fit';
      readonly width: number;
      readonly height: number;
      readonly pad: number;
      readonly anchor: 'center' | 'start';
    }
  /** Of this height; as wide as the aspect asks, but at most `maxWidth`. */
  | { readonly mode: 'height'; readonly height: number; readonly maxWidth: number };

/** The middle of a picture, this large; what it lacks is black. */
export interface Crop {
  readonly width: number;
  readonly height: number;
  /** What becomes of half a pixel: torchvision rounds half to even, Hugging Face's processors down. */
  readonly round: 'half_even' | 'floor';
}

/** How a picture becomes a tensor, in this order: orientation, colour, resize, crop, (x * scale - mean) / std. */
export interface ImagePlan {
  readonly type: 'image';
  /** The declared input. */
  readonly name: string;
  /** The model's input that it becomes. */
  readonly to: TensorSpec;
  /** Names of all the model's inputs that it becomes. */
  readonly covers: readonly string[];
  readonly orient: 'exif' | 'none';
  readonly color: Color;
  readonly resize: Resize;
  readonly filter: Filter;
  /** Widen the filter where the picture shrinks, as Pillow does and cv2 does not. */
  readonly antialias: boolean;
  readonly crop: Crop | undefined;
  /** Of a colour value 0 to 255: 1/255 for values from 0 to 1. */
  readonly scale: Scale;
  /** One for each channel of the tensor. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: Layout;
}

/** A factor, which is divided by where the recipe divides: x / 255 and x * (1 / 255) differ in their last bit. */
export interface Scale {
  readonly times: number;
  readonly over: number;
}

/** How many channels a tensor of this colour has. */
export function channelsOf(color: Color): 1 | 3 {
  return color === 'grey' ? 1 : 3;
}
