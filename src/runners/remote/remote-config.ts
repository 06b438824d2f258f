import type { JsonValue } from '../../config/yaml/json-value';
import type { TensorSpec } from '../../tensors/tensor';

/**
 * How a remote is spoken to: by the Open Inference Protocol V2, with binary tensors where the server has that
 * extension, only in JSON or only in binary; or by a template, for other JSON APIs.
 */
export const REMOTE_PROTOCOLS = ['v2', 'v2-json', 'v2-binary', 'template'] as const;
export type RemoteProtocol = (typeof REMOTE_PROTOCOLS)[number];

/** A header that every call carries: its text, or the variable of the environment that holds a secret. */
export type HeaderSource =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly variable: string; readonly prefix: string };

/** How a model behind another server's HTTP API is reached: the part of `model.yaml` that says so. */
export interface RemoteModelConfig {
  /** Where it is served, at one place or several; empty for EXTERNAL_API_URL. */
  readonly urls: readonly string[];
  readonly protocol: RemoteProtocol;
  readonly headers: readonly HeaderSource[];
  /** For one attempt, from connecting to the answer's last byte; undefined: the server's. */
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number;
  /** How often a call is made again after it failed. */
  readonly retries: number;
  /** May a call that was perhaps carried out be made again? Undefined: where the protocol is V2. */
  readonly idempotent: boolean | undefined;
  /** Calls under way at once; undefined: the server's. */
  readonly maxConnections: number | undefined;
  /** Undefined: read from the remote. */
  readonly inputs: readonly TensorSpec[] | undefined;
  readonly outputs: readonly TensorSpec[] | undefined;
  /** For a template: the request, with `$name` where an input goes. */
  readonly request: JsonValue | undefined;
  /** For a template: where each output is in the answer. */
  readonly response: Readonly<Record<string, string>> | undefined;
  /** For a template: a path on the remotes that answers 2xx when they are ready. */
  readonly health: string | undefined;
}
