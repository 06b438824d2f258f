import type { FileStamp } from '../common/file-stamp';
import type { JsonObject } from '../config/yaml/json-value';
import type { KeyTable } from '../config/yaml/readers';
import type { TensorSpec } from '../tensors/tensor';
import type { ModelRunner } from './runner';

/** What a kind of runner has to say in a model's `model.yaml`. */
export interface RunnerKeys<Settings extends object = object> {
  /** What `runtime` calls it. */
  readonly runtime: string;
  /** Its own keys, beside those of every model. */
  readonly keys: KeyTable<Settings>;
  /** The models that the server's own settings declare: by name, the text of a `model.yaml`. */
  readonly declared?: ReadonlyMap<string, string>;
  /** Does it run on another server? Then no file is looked for, and no slot of this machine is taken. */
  readonly elsewhere: boolean;
  /** What does not go together, of keys that are each right. */
  faults?(this: void, settings: Settings, model: string): string[];
}

/** The files of a version that runs here. */
export interface ModelFile {
  /** Absolute path of the ONNX file. */
  readonly path: string;
  /** With its external data. */
  readonly sizeBytes: number;
  /** Of its own file and its external data, as of which its digest is taken. */
  readonly contents: FileStamp;
  /** Are weights of it in other files? */
  readonly hasExternalData: boolean;
  /** Its operators, those of other domains than ONNX's own as `domain.operator`; empty where its graph is too large to look at. */
  readonly operators: ReadonlySet<string>;
  /** Those of them that make its outputs. */
  readonly lastOperators: ReadonlySet<string>;
  /** Of its graph and those within it; Infinity where it cannot be looked at. */
  readonly nodes: number;
  /**
   * Hex digest of the content and of these settings, which change what it answers.
   * @throws model_unavailable when a file cannot be read
   */
  digest(this: void, resultSettings: readonly unknown[]): Promise<string>;
  /** Are these still the files that they were when this began? */
  unchanged(this: void): Promise<boolean>;
  /** Present: it is to be opened only while this holds, before and after; otherwise whoever has it opened sees to that. */
  readonly stamp?: FileStamp;
}

/** A version that is to be opened. */
export interface Opening<Settings extends object = object> {
  readonly model: string;
  readonly version: string;
  readonly settings: Settings;
  /** Inputs of one row that it is known to take, by name; undefined where nobody said. */
  readonly example: JsonObject | undefined;
  /** Elements that one of its outputs of BYTES may have. */
  readonly maxTexts: number;
  /** Undefined where none was found, or none is looked for. */
  readonly file: ModelFile | undefined;
  /**
   * To be called as soon as the digest is known: what is not wanted is not even tried, as it may be a file that no
   * process survives.
   * @throws model_unavailable when other content is wanted
   */
  expectContent(this: void, digest: string): void;
}

/** What people and clients are told of where a model runs. */
export interface RunnerDescription {
  /** As Triton calls such: `onnxruntime`, `remote`. */
  readonly backend: string;
  /** Runs it on something else than CPUs? */
  readonly accelerated: boolean;
  /** Runs that each worker may have under way. */
  readonly instances: number;
  /** Other settings worth knowing, by their keys in `model.yaml`. */
  readonly settings: Readonly<Record<string, string | number | undefined>>;
}

/** Where the weights of a version that runs here are. */
export interface Weights {
  /** Are they mapped out of a prepared form, which all workers share? If not, why not. */
  prepared: boolean;
  reason?: string;
  /** About what each worker holds of them for itself, and what all have together. */
  ownBytes: number;
  sharedBytes: number;
}

/** A version that can be run, not yet warm. */
export interface OpenedRunner {
  readonly runner: ModelRunner;
  readonly description: RunnerDescription;
  /** About what it takes in memory here that no other process shares. */
  readonly memoryBytes: number;
  /** Undefined for a model on another server. It changes where a prepared form is found to be wrong later on. */
  readonly weights: Weights | undefined;
  /** Hex digest of what it is and of the settings that change its results. */
  readonly digest: string;
  /** Is it so small that a run to warm it up, of what is known to work, would be a good part of its load? */
  readonly light: boolean;
  /** May it be sent zeros, of which nobody said that it takes them, to warm it up? */
  mayGuess(this: void, inputs: readonly TensorSpec[]): boolean;
}

/** A kind of runner: in sessions of this process, or on another server. One more is a folder beside this file. */
export interface RunnerKind<Settings extends object = object> extends RunnerKeys<Settings> {
  /** @throws whatever kept it from being opened; nothing stays open then */
  open(opening: Opening<Settings>): Promise<OpenedRunner>;
}

/** All kinds there are, the one that a `model.yaml` without `runtime` means first. */
export const RUNNER_KINDS = Symbol('RUNNER_KINDS');
