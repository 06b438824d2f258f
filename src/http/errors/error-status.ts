import type { ErrorCode } from '../../errors/domain-error';

/** The HTTP status of each error code, for both protocols. 499 is the customary mark of a client that left. */
export const STATUS_OF: Record<ErrorCode, number> = {
  invalid_json: 400,
  invalid_request: 400,
  missing_input: 400,
  unknown_input: 400,
  unknown_output: 400,
  wrong_datatype: 400,
  shape_mismatch: 400,
  ragged_array: 400,
  unsafe_integer: 400,
  out_of_range: 400,
  body_truncated: 400,
  unauthorized: 401,
  forbidden: 403,
  route_not_found: 404,
  model_not_found: 404,
  version_not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  body_timeout: 408,
  conflict: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_encoding: 415,
  header_fields_too_large: 431,
  rate_limited: 429,
  client_closed_request: 499,
  internal_error: 500,
  runtime_failure: 500,
  bad_upstream: 502,
  not_ready: 503,
  draining: 503,
  model_unavailable: 503,
  overloaded: 503,
  deadline_exceeded: 504,
};

const CODE_OF_STATUS: Partial<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'route_not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'body_timeout',
  409: 'conflict',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'header_fields_too_large',
  503: 'not_ready',
};

/** The code for a status that a framework chose. */
export function codeOfStatus(status: number): ErrorCode {
  return CODE_OF_STATUS[status] ?? (status < 500 ? 'invalid_request' : 'internal_error');
}
