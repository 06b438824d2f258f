import { runtimeVersion } from '../../config/package-version';
import type { ProcessFigures } from '../../process/process-watch';
import type { Figures } from './figures';

/** The versions of what is running. */
export interface BuildInfo {
  readonly version: string;
  readonly node: string;
  readonly onnxruntime: string;
}

/** @param version of the application, as it is configured */
export function buildInfo(version: string): BuildInfo {
  return { version, node: process.versions.node, onnxruntime: runtimeVersion };
}

/** What a worker tells its primary. */
export interface WorkerSnapshot {
  /** Counts up: of two snapshots that overtook each other, the higher one is newer. */
  readonly sequence: number;
  readonly figures: Figures;
  readonly process: ProcessFigures;
  /** The models that ought to serve there and do not. */
  readonly unavailable: readonly string[];
  /** Requests that may wait in this worker. */
  readonly queueLimit: number;
}

export const WORKER_STATES = ['starting', 'ready', 'leaving'] as const;

/** The whole server at one moment. */
export interface ServerSnapshot {
  readonly figures: Figures;
  /** By the value of the label `worker`: a place that workers take one after the other, or `primary`. */
  readonly processes: readonly { readonly worker: string; readonly figures: ProcessFigures }[];
  /** The models that ought to serve and do not, in one worker at least. */
  readonly unavailable: readonly string[];
  readonly queueLimit: number;
  readonly configuredWorkers: number;
  /** The state of each worker process that there is. */
  readonly workers: readonly string[];
  readonly restarts: number;
  /** Keys and public keys that could not be read anew. */
  readonly accessFailures: number;
  readonly preparations: Preparations;
}

/** What became of models that were to be prepared. */
export interface Preparations {
  readonly made: number;
  readonly failed: number;
  readonly doubted: number;
}

/** Where there is no primary, nothing is prepared. */
export const NO_PREPARATIONS: Preparations = { made: 0, failed: 0, doubted: 0 };

/** Topics between the primary and its workers. */
export const TOPIC = {
  /** To a worker: its snapshot. */
  snapshot: 'metrics.snapshot',
  /** To the primary: a worker's snapshot, unasked. */
  push: 'metrics.push',
  /** To the primary: the figures of the whole server. */
  figures: 'metrics.figures',
  /** To the primary: what the server did within the last minute. */
  activity: 'metrics.activity',
  /** To the primary: the same for Prometheus. */
  text: 'metrics.text',
} as const;
