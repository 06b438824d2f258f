import type { ImageFrame } from '../prepared';
import type { Crop, ImagePlan, Resize } from './image-plan';
import type { Rectangle } from './pixels';

/** Where everything goes between a picture and its tensor; lengths in pixels. */
export interface Placement {
  /** What the picture is resampled to. */
  readonly resized: { readonly width: number; readonly height: number };
  /** What of it is seen. */
  readonly window: Rectangle;
  /** Where that begins in the tensor, whose other pixels are `pad`. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** A colour value, 0 to 255; undefined: 0 in the tensor itself. */
  readonly pad: number | undefined;
  readonly frame: ImageFrame;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a picture of this size goes. Sizes are cut to whole pixels as torchvision and Hugging Face cut them. */
export function place({ resize, crop }: Pick<ImagePlan, 'resize' | 'crop'>, source: Size): Placement {
  const resized = resizedSize(resize, source);
  const tensor = crop ?? (resize.mode === 'fit' ? resize : resized);
  const horizontal = along(resized.width, tensor.width, resize, crop);
  const vertical = along(resized.height, tensor.height, resize, crop);
  const scale = scaleOf(resize, source, resized);
  return {
    resized,
    window: { left: horizontal.from, top: vertical.from, width: horizontal.count, height: vertical.count },
    left: horizontal.to,
    top: vertical.to,
    width: tensor.width,
    height: tensor.height,
    pad: crop === undefined ? (resize.mode === 'fit' ? resize.pad : undefined) : 0,
    frame: {
      width: source.width,
      height: source.height,
      scaleX: scale.x,
      scaleY: scale.y,
      left: horizontal.to - horizontal.from,
      top: vertical.to - vertical.from,
      tensorWidth: tensor.width,
      tensorHeight: tensor.height,
    },
  };
}

function resizedSize(resize: Resize, { width, height }: Size): Size {
  switch (resize.mode) {
    case 'none':
      return { width, height };
    case 'exact':
      return { width: resize.width, height: resize.height };
    case 'shorter':
    case 'longer': {
      const { size, mode } = resize;
      const widthLeads = mode === 'shorter' ? width <= height : width >= height;
      return widthLeads
        ? { width: size, height: atLeastOne(Math.trunc((size * height) / width)) }
        : { width: atLeastOne(Math.trunc((size * width) / height)), height: size };
    }
    case 'height': {
      const wanted = Math.ceil(resize.height * (width / height));
      return { width: atLeastOne(Math.min(wanted, resize.maxWidth)), height: resize.height };
    }
    case 'fit': {
      const ratio = fitRatio(resize, { width, height });
      // YOLOX cuts fractions off, ultralytics rounds them as Python does.
      const whole = resize.anchor === 'start' ? Math.trunc : roundHalfEven;
      return { width: atLeastOne(whole(width * ratio)), height: atLeastOne(whole(height * ratio)) };
    }
  }
}

function fitRatio(into: Size, { width, height }: Size): number {
  return Math.min(into.width / width, into.height / height);
}

/** Boxes go back by the ratio that was meant, as detectors' own code does it, not by what rounding made of it. */
function scaleOf(resize: Resize, source: Size, resized: Size): { x: number; y: number } {
  if (resize.mode !== 'fit') return { x: resized.width / source.width, y: resized.height / source.height };
  const ratio = fitRatio(resize, source);
  return { x: ratio, y: ratio };
}

/** Along one axis: from which pixel of the resized picture on, how many, and to which of the tensor. */
function along(
  size: number,
  wanted: number,
  resize: Resize,
  crop: Crop | undefined,
): { from: number; count: number; to: number } {
  const start = crop === undefined ? -fitStart(size, wanted, resize) : cropStart(size, crop, wanted);
  const from = Math.max(start, 0);
  const to = Math.max(-start, 0);
  return { from, count: Math.min(size - from, wanted - to), to };
}

/** How far from the edge a fitted picture begins; ultralytics' rounding, which puts half a pixel before it. */
function fitStart(size: number, wanted: number, resize: Resize): number {
  if (resize.mode !== 'fit' || resize.anchor === 'start') return 0;
  return roundHalfEven((wanted - size) / 2 - 0.1);
}

/** Where a crop begins; below 0 where it is larger than the picture. */
function cropStart(size: number, { round }: Crop, wanted: number): number {
  if (round === 'floor') return Math.floor((size - wanted) / 2);
  return size < wanted ? -Math.floor((wanted - size) / 2) : roundHalfEven((size - wanted) / 2);
}

/** As Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function atLeastOne(size: number): number {
  return Math.max(size, 1);
}
