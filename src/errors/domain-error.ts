/**
 * What can go wrong, as a stable code a client may switch on. The table in `http/error-status.ts`
 * says which HTTP status each one becomes; nothing below the HTTP rooms knows a status.
 */
export const ERROR_CODES = [
  // what the client sent
  'invalid_json',
  'invalid_request',
  'missing_input',
  'unknown_input',
  'unknown_output',
  'wrong_datatype',
  'shape_mismatch',
  'ragged_array',
  'unsafe_integer',
  'out_of_range',
  'body_truncated',
  'unauthorized',
  'forbidden',
  'route_not_found',
  'model_not_found',
  'version_not_found',
  'method_not_allowed',
  'not_acceptable',
  'body_timeout',
  'conflict',
  'body_too_large',
  'unsupported_media_type',
  'unsupported_encoding',
  'header_fields_too_large',
  'rate_limited',
  'client_closed_request',
  // what happened here
  'internal_error',
  'runtime_failure',
  'bad_upstream',
  'not_ready',
  'draining',
  'model_unavailable',
  'overloaded',
  'deadline_exceeded',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface DomainErrorOptions {
  /** A list of faults, when there is more than one thing to mend. */
  details?: readonly string[];
  /** When trying again may succeed, in whole seconds; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** The error underneath, for the log; never shown to a client. */
  cause?: unknown;
}

/** An error with a meaning: `message` is written for the client, `code` is for its program. */
export class DomainError extends Error {
  readonly details?: readonly string[];
  readonly retryAfterSeconds?: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: DomainErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The text of anything thrown, for a log line or a state's reason. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
