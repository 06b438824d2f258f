import { type DomainError, ERRORS } from '../../errors/domain-error';

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
