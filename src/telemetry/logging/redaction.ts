import { types } from 'node:util';

export const CENSOR = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ELEMENTS = 20;
/** Of an error. */
const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;
const MAX_DETAILS = 10;
const MAX_ERRORS = 5;
const MAX_CAUSES = 3;

// Credentials, and what carries tensors: neither belongs into a log. In lower case, without - and _.
const SECRET_KEYS = new Set([
  'authorization',
  'cookie',
  'setcookie',
  'xapikey',
  'apikey',
  'password',
  'secret',
  'secretkey',
  'adminkey',
  'privatekey',
  'token',
  'accesstoken',
  'redisurl',
  'body',
  'data',
]);

const CREDENTIALS_IN_URL = /:\/\/[^\s/@"\\]+@/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]+/gi;
/** An API key after its id, which is public; a token after its header. */
const API_KEY = /\b(nk_[a-z0-9]{8})_[\w-]{43}/g;
const JSON_WEB_TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const SECRET_IN_QUERY = /([?&](?:token|key|api_key|secret|password|access_token)=)[^&\s"\\]+/gi;

/**
 * A copy of what is to be logged, without secrets and tensors, whatever its depth. Own code instead of
 * pino's `redact`, whose paths know a depth and a spelling, and cost 70 us a line for these keys.
 */
export function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  return copyOf(fields, MAX_DEPTH);
}

/** The same keys for pino's own `redact`: it alone sees the fields of child loggers, which are flat. */
export const CHILD_PATHS = [...SECRET_KEYS, 'set-cookie', 'x-api-key', 'accessToken', 'redisUrl'].map(
  (key) => `["${key}"]`,
);

/** Takes credentials out of running text by their form: in URLs, queries and authorization schemes. */
export function redactedText(text: string): string {
  let clean = text;
  if (clean.includes('://')) clean = clean.replace(CREDENTIALS_IN_URL, `://${CENSOR}@`);
  if (clean.includes('=')) clean = clean.replace(SECRET_IN_QUERY, `$1${CENSOR}`);
  if (clean.includes('nk_')) clean = clean.replace(API_KEY, `$1_${CENSOR}`);
  if (clean.includes('eyJ')) clean = clean.replace(JSON_WEB_TOKEN, CENSOR);
  return clean.replace(BEARER, `$1 ${CENSOR}`);
}

function copyOf(fields: Record<string, unknown>, depthLeft: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    copy[key] = isSecret(key) ? CENSOR : valueOf(fields[key], depthLeft - 1);
  }
  return copy;
}

function valueOf(value: unknown, depthLeft: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  // Errors have a serializer of their own; dates and URLs know how they want to be written.
  if (isError(value) || 'toJSON' in value) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depthLeft === 0) return '[deeper]';
  if (!Array.isArray(value)) return copyOf(value as Record<string, unknown>, depthLeft);
  const elements = value.slice(0, MAX_ELEMENTS).map((element) => valueOf(element, depthLeft - 1));
  return value.length > MAX_ELEMENTS ? [...elements, `[${value.length - MAX_ELEMENTS} more]`] : elements;
}

function isSecret(key: string): boolean {
  return SECRET_KEYS.has(key) || SECRET_KEYS.has(key.toLowerCase().replace(/[-_]/g, ''));
}

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
