import { types } from 'node:util';

const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;
const MAX_DETAILS = 10;
const MAX_ERRORS = 5;
const MAX_CAUSES = 3;

interface LoggedError {
  type: string;
  message: string;
  stack?: string;
  code?: string | number;
  details?: unknown[];
  cause?: unknown;
  errors?: unknown[];
}

/** Also an error of another realm, and a `DOMException` such as an `AbortSignal` gives. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/**
 * An error as it is logged: its type, message, stack, code, details and causes alone, because what
 * libraries hang on errors (requests, answers, bodies) is not for a log. Anything else that was
 * thrown stays as it is.
 */
export function errorForLog(thrown: unknown, causesLeft = MAX_CAUSES): unknown {
  if (!isError(thrown)) return thrown;
  const { code, details, errors } = thrown as { code?: unknown; details?: unknown; errors?: unknown };
  const logged: LoggedError = {
    type: thrown.name,
    message: thrown.message.slice(0, MAX_MESSAGE),
    stack: thrown.stack?.slice(0, MAX_STACK),
  };
  if (typeof code === 'string' || typeof code === 'number') logged.code = code;
  if (Array.isArray(details)) {
    logged.details = details.filter((detail) => typeof detail === 'string').slice(0, MAX_DETAILS);
  }
  if (causesLeft === 0) return logged;
  if (thrown.cause !== undefined) logged.cause = errorForLog(thrown.cause, causesLeft - 1);
  if (Array.isArray(errors)) logged.errors = errors.slice(0, MAX_ERRORS).map((one) => errorForLog(one, 0));
  return logged;
}
