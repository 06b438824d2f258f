// Made by `nestor types` from "http://localhost:8000/api"; made anew, not edited.
/** A number of a floating-point tensor: JSON has no literal for the last three. */
export type Float = number | 'NaN' | 'Infinity' | '-Infinity';
/** A 64-bit integer; beyond 2^53 it travels as decimal digits. */
export type Int64 = number | string;
/** The bytes of a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or these in base64. */
export type Picture = Uint8Array | { readonly b64: string };
/** A value of a table; null where there is none. */
export type Cell = number | string | boolean | null;
export type Label = { label: string; score: Float };

export interface Models {
  /** Handwritten digits, 8x8 grey pixels from 0 to 16; the example shows a 3 */
  digits: {
    inputs: {
      /** FP32 [any, 8, 8] */
      image: Float[][][];
    };
    outputs: {
      /** FP32 [any, 10] */
      probabilities: Float[][];
    };
    declared: {
      inputs: { picture: Picture };
      outputs: { digit: Label[] };
    };
  };
  /** Iris species (setosa, versicolor, virginica) from four measurements in cm; the example is a setosa */
  iris: {
    inputs: {
      /** FP32 [any, 4] */
      features: Float[][];
    };
    outputs: {
      /** INT64 [any] */
      label: Int64[];
      /** FP32 [any, 3] */
      probabilities: Float[][];
    };
    declared: {
      inputs: { flower: { sepal_length: Cell; sepal_width: Cell; petal_length: Cell; petal_width: Cell } };
      outputs: { species: Label[] };
    };
  };
}
