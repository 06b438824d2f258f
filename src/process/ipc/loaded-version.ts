/** A model version that a worker has loaded. */
export interface LoadedVersion {
  readonly model: string;
  readonly version: string;
  /** Of its content and its settings. */
  readonly digest: string;
  /** Is the server not ready without it? */
  readonly required: boolean;
  /** Do requests that name no version get it? */
  readonly byDefault: boolean;
  /** On each worker. */
  readonly memoryBytes: number;
}
