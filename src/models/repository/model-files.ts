import type { FileStamp } from '../../common/file-stamp';

export interface FoundVersion {
  readonly version: string;
  /** Absolute path of the folder where its model.yaml is, or would be. */
  readonly configFolder: string;
  /** Absolute path of the ONNX file; undefined for a model on another server. */
  readonly file: string | undefined;
  /** Size of that file alone, without its external data; 0 without a file. */
  readonly sizeBytes: number;
  /** Of all that was looked at to find the model, where it tells of every later change. */
  readonly stamp?: FileStamp;
}

/** A version that has a file. */
export type FileVersion = FoundVersion & { readonly file: string };

/** Something in the folder that cannot be used, and why; the reason has no absolute path in it. */
export interface RepositoryFault {
  /** Undefined where it concerns the whole folder. */
  readonly name?: string;
  readonly version?: string;
  readonly reason: string;
}

/** Why what is there cannot be used. */
export interface Fault {
  readonly fault: string;
}

/** What lies in the folder for one model; whether it can be served is another matter. */
export interface ModelFiles {
  readonly name: string;
  /** Absolute path of its model.yaml, where it is or would be. */
  readonly yamlFile: string;
  /** The text of that file; undefined where there is none. */
  readonly yaml: string | Fault | undefined;
  /** Those with a model file, lowest first. */
  readonly versions: readonly FileVersion[];
  readonly faults: readonly RepositoryFault[];
  /** See there. */
  readonly stamp?: FoundVersion['stamp'];
}
