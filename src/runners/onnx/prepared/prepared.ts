import type { FileStamp } from '../../../common/file-stamp';
import type { JsonObject } from '../../../config/yaml/json-value';

/** The files of a prepared model, in a folder of its own. */
export const MODEL_FILE = 'model.onnx';
/** The weights, as the runtime's kernels want them: every process maps the same pages of it. */
export const DATA_FILE = 'model.onnx.data';

/** Inputs that can be made again wherever the model's signature is known. */
export type Probe =
  | { readonly example: JsonObject }
  /** @see madeUp; `size` stands for dynamic dimensions */
  | { readonly style: 'narrow' | 'timid'; readonly size: number };

/** What the model answers to a probe. */
export interface Proof {
  readonly probe: Probe;
  /** SHA-256 over all outputs, their shapes and bits, as hex digits. */
  readonly answer: string;
}

/** Where a prepared form lies, and how whoever loads it sees that it is what it should be. */
export interface Prepared {
  readonly key: string;
  readonly folder: string;
  /** Of its two files, as of which their digests were right. */
  readonly stamp: FileStamp;
  readonly proof: Proof;
  /** What each process has of it for itself, and what all have together. */
  readonly ownBytes: number;
  readonly sharedBytes: number;
}
