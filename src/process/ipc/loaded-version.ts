/** A model version that a worker has loaded. */
export interface LoadedVersion {
  readonly model: string;
  readonly version: string;
  /** Of its content and its settings. */
  readonly digest: string;
  /** Was it loaded at the start? Then it never makes room for others. */
  readonly kept: boolean;
  /** Do requests that name no version get it? */
  readonly byDefault: boolean;
  /** On each worker. */
  readonly memoryBytes: number;
  /** Is it small, with nothing to be proved before it serves? */
  readonly light: boolean;
  /** Absent for one that is on its way. */
  readonly load?: LoadReport;
}

/** How a version's load went, for the log. */
export interface LoadReport {
  readonly ms: number;
  /** In words. */
  readonly takes: string;
  readonly gives: string;
  readonly batching: boolean;
  readonly batchingReason?: string;
  /** Why its answers are not cached, where that is not the settings' doing. */
  readonly cacheReason?: string;
}

/** A model that requests ought to get an answer from, and do not. */
export interface UnavailableModel {
  readonly model: string;
  readonly reason: string;
  /** Is the server not ready without it? */
  readonly required: boolean;
}
