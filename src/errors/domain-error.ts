/** How a call that did not succeed is counted, in the order of counting. */
export const FAILURES = [
  /** What the client sent was at fault. */
  'client_error',
  /** Shed, or there was nothing to run it: the same request may succeed later. */
  'rejected',
  /** Its deadline passed. */
  'deadline',
  /** Its client left. */
  'cancelled',
  /** The fault is this server's. */
  'failed',
] as const;

/** What an error code means to those who answer, count and log it. */
export interface ErrorMeaning {
  /** Of the HTTP answer, in each protocol. 499 is the customary mark of a client that left. */
  readonly status: number;
  readonly outcome: (typeof FAILURES)[number];
  /** Of the line in the log. A client's mistakes and overload show in the access line, and nowhere else. */
  readonly level: 'error' | 'warn' | 'silent';
}

/** What can go wrong, as a stable code that a client may switch on: codes are added, never renamed. */
export const ERRORS = {
  // what the client sent
  invalid_json: { status: 400, outcome: 'client_error', level: 'silent' },
  invalid_request: { status: 400, outcome: 'client_error', level: 'silent' },
  missing_input: { status: 400, outcome: 'client_error', level: 'silent' },
  unknown_input: { status: 400, outcome: 'client_error', level: 'silent' },
  unknown_output: { status: 400, outcome: 'client_error', level: 'silent' },
  wrong_datatype: { status: 400, outcome: 'client_error', level: 'silent' },
  shape_mismatch: { status: 400, outcome: 'client_error', level: 'silent' },
  ragged_array: { status: 400, outcome: 'client_error', level: 'silent' },
  unsafe_integer: { status: 400, outcome: 'client_error', level: 'silent' },
  out_of_range: { status: 400, outcome: 'client_error', level: 'silent' },
  invalid_image: { status: 400, outcome: 'client_error', level: 'silent' },
  invalid_table: { status: 400, outcome: 'client_error', level: 'silent' },
  input_too_large: { status: 413, outcome: 'client_error', level: 'silent' },
  body_truncated: { status: 400, outcome: 'client_error', level: 'silent' },
  unauthorized: { status: 401, outcome: 'client_error', level: 'silent' },
  forbidden: { status: 403, outcome: 'client_error', level: 'silent' },
  route_not_found: { status: 404, outcome: 'client_error', level: 'silent' },
  model_not_found: { status: 404, outcome: 'client_error', level: 'silent' },
  version_not_found: { status: 404, outcome: 'client_error', level: 'silent' },
  method_not_allowed: { status: 405, outcome: 'client_error', level: 'silent' },
  not_acceptable: { status: 406, outcome: 'client_error', level: 'silent' },
  body_timeout: { status: 408, outcome: 'client_error', level: 'silent' },
  conflict: { status: 409, outcome: 'client_error', level: 'silent' },
  body_too_large: { status: 413, outcome: 'client_error', level: 'silent' },
  text_too_long: { status: 413, outcome: 'client_error', level: 'silent' },
  unsupported_media_type: { status: 415, outcome: 'client_error', level: 'silent' },
  unsupported_encoding: { status: 415, outcome: 'client_error', level: 'silent' },
  expectation_failed: { status: 417, outcome: 'client_error', level: 'silent' },
  misdirected_request: { status: 421, outcome: 'client_error', level: 'silent' },
  unsupported_transfer_coding: { status: 501, outcome: 'client_error', level: 'silent' },
  header_fields_too_large: { status: 431, outcome: 'client_error', level: 'silent' },
  rate_limited: { status: 429, outcome: 'rejected', level: 'silent' },
  client_closed_request: { status: 499, outcome: 'cancelled', level: 'silent' },
  answer_too_large: { status: 400, outcome: 'client_error', level: 'silent' },
  // what happened here
  internal_error: { status: 500, outcome: 'failed', level: 'error' },
  runtime_failure: { status: 500, outcome: 'failed', level: 'error' },
  bad_upstream: { status: 502, outcome: 'failed', level: 'silent' },
  not_ready: { status: 503, outcome: 'rejected', level: 'silent' },
  draining: { status: 503, outcome: 'rejected', level: 'silent' },
  model_unavailable: { status: 503, outcome: 'rejected', level: 'silent' },
  model_quarantined: { status: 503, outcome: 'rejected', level: 'silent' },
  overloaded: { status: 503, outcome: 'rejected', level: 'silent' },
  deadline_exceeded: { status: 504, outcome: 'deadline', level: 'silent' },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

export interface DomainErrorOptions {
  /** A list of faults, when there is more than one thing to mend. */
  details?: readonly string[];
  /** Models that are in the way, which not everybody may know of: only who may see them is told, see `naming`. */
  inTheWay?: readonly string[];
  /** When trying again may succeed, in whole seconds; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** The error underneath, for the log; never shown to a client. */
  cause?: unknown;
}

/** An error with a meaning: `message` is written for the client, `code` is for its program. */
export class DomainError extends Error {
  readonly details?: readonly string[];
  readonly retryAfterSeconds?: number;
  readonly inTheWay?: readonly string[];

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: DomainErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.inTheWay = options.inTheWay;
  }
}

/** The message of an error for somebody who may see some models: it names those that were in the way. */
export function naming(
  { message, inTheWay = [] }: DomainError,
  maySee: (model: string) => boolean = () => true,
): string {
  const seen = inTheWay.filter(maySee).map((model) => `"${model}"`);
  if (seen.length === 0) return message;
  return `${message}; ${seen.join(', ')} ${seen.length > 1 ? 'hold' : 'holds'} the execution slot`;
}

/** The text of anything thrown, for a log line or a state's reason. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What a client is told of anything thrown: a domain error as it is, and of everything else only that
 * something failed here, since a foreign message may name paths or data.
 */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  return new DomainError('internal_error', 'The server failed on this request; its log has the reason.', {
    cause: error,
  });
}

/** An error on its way from one thread to another, which copies fields and no class. */
export interface ErrorFields {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: readonly string[];
}

export function errorFields(error: unknown): ErrorFields {
  const known = error instanceof DomainError ? error : undefined;
  return { code: known?.code ?? 'internal_error', message: reasonOf(error), details: known?.details };
}

export function errorFrom({ code, message, details }: ErrorFields): DomainError {
  return new DomainError(code, message, { details });
}
