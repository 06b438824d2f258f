import type { ErrorCode } from '../../errors/domain-error';

/** The protocols of inference calls, in the order in which they are counted. */
export const PROTOCOLS = ['native', 'v2'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** How an inference call can end, in the order in which the endings are counted. */
export const OUTCOMES = [
  'success',
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
export type Outcome = (typeof OUTCOMES)[number];

/** How an answer came about, in the order of counting: the values of the header `x-cache`. */
export const CACHE_OUTCOMES = ['HIT', 'MISS', 'BYPASS', 'SHARED'] as const;
export type CacheOutcome = (typeof CACHE_OUTCOMES)[number];

/** How one attempt of a call to a remote can end, in the order of counting; docs/remote.md says what each means. */
export const REMOTE_OUTCOMES = [
  'success',
  'unreachable',
  'connect_timeout',
  'timeout',
  'broken',
  'busy',
  'unavailable',
  'gateway',
  'gateway_timeout',
  'missing',
  'failed',
  'refused',
  'redirected',
  'malformed',
  'too_large',
  'cancelled',
] as const;
export type RemoteOutcome = (typeof REMOTE_OUTCOMES)[number];

/** The outcome that each error code counts as. */
export const OUTCOME_OF: Readonly<Record<ErrorCode, Exclude<Outcome, 'success'>>> = {
  invalid_json: 'client_error',
  invalid_request: 'client_error',
  missing_input: 'client_error',
  unknown_input: 'client_error',
  unknown_output: 'client_error',
  wrong_datatype: 'client_error',
  shape_mismatch: 'client_error',
  ragged_array: 'client_error',
  unsafe_integer: 'client_error',
  out_of_range: 'client_error',
  body_truncated: 'client_error',
  unauthorized: 'client_error',
  forbidden: 'client_error',
  route_not_found: 'client_error',
  model_not_found: 'client_error',
  version_not_found: 'client_error',
  method_not_allowed: 'client_error',
  not_acceptable: 'client_error',
  body_timeout: 'client_error',
  conflict: 'client_error',
  body_too_large: 'client_error',
  unsupported_media_type: 'client_error',
  unsupported_encoding: 'client_error',
  header_fields_too_large: 'client_error',
  rate_limited: 'rejected',
  not_ready: 'rejected',
  draining: 'rejected',
  model_unavailable: 'rejected',
  overloaded: 'rejected',
  deadline_exceeded: 'deadline',
  client_closed_request: 'cancelled',
  internal_error: 'failed',
  runtime_failure: 'failed',
  bad_upstream: 'failed',
};
