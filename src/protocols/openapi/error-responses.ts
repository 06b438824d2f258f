import type { OpenAPIObject } from '@nestjs/swagger';
import type { ResponsesObject } from './openapi-types';

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The body is malformed, or an input is missing, unknown, or of the wrong datatype or shape.',
  404: 'Unknown model or version.',
  406: 'The client accepts nothing that this call answers.',
  408: 'The request did not arrive in time.',
  413: 'The body is larger than BODY_LIMIT.',
  415: 'Content type or encoding are not supported.',
  500: 'The runtime failed on a well-formed request.',
  503: 'Not ready, shutting down or overloaded; Retry-After says when to come back.',
  504: 'The deadline passed.',
};

const schema = { $ref: '#/components/schemas/ErrorResponse' };

/** What every native inference call may answer instead of its result. */
export const errorResponses: ResponsesObject = Object.fromEntries(
  Object.entries(MEANINGS).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema } } },
  ]),
);

/** Gives the generic inference call its errors, which its decorators would only repeat. */
export function addErrorResponses(document: OpenAPIObject, apiPrefix: string): OpenAPIObject {
  const call = document.paths[`${apiPrefix}/inference/{model}`]?.post;
  if (call !== undefined) call.responses = { ...call.responses, ...errorResponses };
  return document;
}
