import type { ModelRecorder } from '../../telemetry/metrics/recorder';
import type { ModelRunner } from '../../runners/runner';
import type { RunnerDescription, Weights } from '../../runners/runner-kind';
import type { SeenRun } from '../../scheduling/empty-inputs';
import type { ScheduledModel } from '../../scheduling/scheduled-model';
import type { TensorSpec } from '../../tensors/tensor';
import type { ModelConfig } from '../repository/model-config';
import type { ModelProcessing } from '../../processing/model-processing';
import type { WarmUpInputs } from './warm-up-inputs';

/** It ends where the audit of its batches finds one that is wrong. */
export interface BatchingState {
  enabled: boolean;
  reason?: string;
}

/** One version of a model that is loaded and warm: what a request needs to know of it. */
export interface LoadedModel {
  readonly name: string;
  readonly version: string;
  readonly config: ModelConfig;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Inputs that its file has a value for, which no request can give. */
  readonly defaulted: readonly string[];
  /** Where its runs happen. */
  readonly runner: ModelRunner;
  readonly description: RunnerDescription;
  /** Where its requests wait for a run. */
  readonly queue: ScheduledModel;
  /** Who holds it. */
  readonly use: Lease;
  /** About what its weights take in memory that no other process shares. */
  readonly memoryBytes: number;
  /** Where they are; undefined for a model on another server. */
  readonly weights: Weights | undefined;
  /** Is it small, with nothing to be proved before it serves? Then it comes and goes in one message to each worker. */
  readonly light: boolean;
  /** Are requests run together in batches? If not, why not. */
  readonly batching: BatchingState;
  /** Inputs of one row that the model was seen to accept; undefined when none was found. */
  readonly sample: WarmUpInputs | undefined;
  /** A run that succeeded, of that sample. */
  readonly seen: SeenRun | undefined;
  /** Hex digest of its files and of the settings that change its results. */
  readonly digest: string;
  /** Does it give the same answer to the same request? */
  readonly deterministic: boolean;
  /** Where its requests and runs are counted. */
  readonly recorder: ModelRecorder;
  /** What it declares of pictures, texts and rows; undefined where that is nothing. */
  readonly processing: ModelProcessing | undefined;
  /** Why what lies beside it was not recognised; empty when there is nothing to say. */
  readonly processingReason: string;
}

/** All of them are made here, so that they are of one hidden class: what is compiled for one fits the next. */
export function loadedModel(parts: LoadedModel): LoadedModel {
  return {
    name: parts.name,
    version: parts.version,
    config: parts.config,
    inputs: parts.inputs,
    outputs: parts.outputs,
    defaulted: parts.defaulted,
    runner: parts.runner,
    description: parts.description,
    queue: parts.queue,
    use: parts.use,
    memoryBytes: parts.memoryBytes,
    weights: parts.weights,
    light: parts.light,
    batching: parts.batching,
    sample: parts.sample,
    seen: parts.seen,
    digest: parts.digest,
    deterministic: parts.deterministic,
    recorder: parts.recorder,
    processing: parts.processing,
    processingReason: parts.processingReason,
  };
}

/** Who holds a loaded version: it is not unloaded under them. */
export class Lease {
  /** Requests that hold it. */
  leases = 0;
  /** Of `performance.now()`. */
  lastUsedAtMs = performance.now();
  private waiting: (() => void)[] = [];

  take(): void {
    this.leases++;
    this.lastUsedAtMs = performance.now();
  }

  release(): void {
    this.leases--;
    if (this.leases > 0) return;
    for (const resume of this.waiting.splice(0)) resume();
  }

  /** Resolves when nobody holds it. */
  idle(): Promise<void> {
    if (this.leases === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
