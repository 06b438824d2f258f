/** A decoded picture: rows of pixels without gaps, a byte for each channel. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A rectangle of pixels in a picture. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels that are a part of a picture, and where in it they lie. */
export interface PicturePart {
  readonly pixels: Pixels;
  readonly left: number;
  readonly top: number;
  /** Of the whole picture. */
  readonly width: number;
  readonly height: number;
}

export function wholePicture(pixels: Pixels): PicturePart {
  return { pixels, left: 0, top: 0, width: pixels.width, height: pixels.height };
}
