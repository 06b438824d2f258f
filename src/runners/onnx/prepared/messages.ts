import type { FileStamp } from '../../../common/file-stamp';
import type { JsonObject } from '../../../config/yaml/json-value';
import type { SessionOptions } from '../session-options';

/** Topics of the primary: a prepared form is wanted; one is not what it should be; one is not used any more. */
export const PREPARE = 'onnx.prepare';
export const DOUBT = 'onnx.doubt';
export const RELEASE = 'onnx.release';

/** A model that a worker would rather load in its prepared form. */
export interface Wish {
  /** `<model>/<version>`, for the log. */
  readonly label: string;
  /** Of the model's own file and its external data, as of which `digest` was taken. */
  readonly contents: FileStamp;
  /** Hex digest of their content and of the settings that change its results. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly session: SessionOptions;
  /** Inputs of one row that it is known to take, by name. */
  readonly example: JsonObject | undefined;
}

/** Or why there is none. */
export interface Unprepared {
  readonly reason: string;
}

export interface Doubt {
  readonly key: string;
  readonly label: string;
  readonly reason: string;
}

/** What the process that prepares a model is told. */
export interface Order {
  readonly wish: Wish;
  /** An empty folder, which is renamed to the other when all is done and proved. */
  readonly partial: string;
  readonly folder: string;
}

/** What it says when it is done. */
export type Outcome = { readonly done: true } | { readonly done: false; readonly reason: string };
