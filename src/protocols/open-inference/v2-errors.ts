import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { V2ErrorResponse } from './v2.dto';

/** What each status means, for the OpenAPI document. */
export const V2_MEANINGS = {
  400: 'What was sent is malformed or does not fit the model; the message says what was expected and what came.',
  404: 'Unknown model or version.',
  406: 'The client accepts nothing that this call answers.',
  408: 'The request did not arrive in time.',
  413: 'The body is larger than its limit.',
  415: 'Content type or encoding are not supported.',
  500: 'The runtime failed on a well-formed request.',
  503: 'Not ready, shutting down or overloaded; Retry-After says when to come back.',
  504: 'The deadline passed.',
} as const;

type Status = keyof typeof V2_MEANINGS;

/** Documents the errors of a call, each with the protocol's `{"error": "<string>"}`. */
export function V2Errors(...statuses: Status[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({ status, type: V2ErrorResponse, description: V2_MEANINGS[status] }),
    ),
  );
}

/** Everything that an inference call may answer instead of its result. */
export const INFER_ERRORS: readonly Status[] = [400, 404, 406, 408, 413, 415, 500, 503, 504];
