import { DomainError, ERRORS } from '../../errors/domain-error';

/** How one protocol words an error. */
export type ErrorBody = (error: DomainError, requestId: string) => object;

/** The native API's error body. */
export const nativeErrorBody: ErrorBody = (error, requestId) => ({
  statusCode: ERRORS[error.code].status,
  code: error.code,
  message: error.message,
  ...(error.details && { details: error.details }),
  requestId,
});

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
