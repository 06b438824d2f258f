import type { IncomingMessage } from 'node:http';
import { mediaTypeOf, parameterOf } from '../../common/media-type';
import { DomainError } from '../../errors/domain-error';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** What is wrong with a body that claims to be a form, was read as JSON and is none. */
export function noJsonInForm(req: IncomingMessage, thrown: unknown): unknown {
  const isForm =
    thrown instanceof DomainError && thrown.code === 'invalid_json' && contentTypeOf(req) === FORM_TYPE;
  if (!isForm) return thrown;
  return new DomainError(
    'unsupported_media_type',
    `Content-Type "${FORM_TYPE}" is taken where the body is JSON, and this one is not; send it with the header content-type: ${JSON_TYPE}. ${thrown.message}`,
  );
}

/** What a body says that it is, without parameters, in lower case; undefined where it says nothing. */
export function contentTypeOf(req: IncomingMessage): string | undefined {
  const header = req.headers['content-type'];
  return header === undefined ? undefined : mediaTypeOf(header);
}

/**
 * Refuses a body that says it is something else than `accepted`. A request without the header is taken at
 * its word, as many small clients send none.
 * @throws unsupported_media_type
 */
export function requireContentType(req: IncomingMessage, accepted: readonly string[]): void {
  const header = req.headers['content-type'];
  if (header === undefined || accepted.includes(header)) return;
  const type = mediaTypeOf(header);
  // curl -d says so of whatever it sends: the body shows what it is.
  const isJson = accepted.includes(JSON_TYPE) && (type === JSON_TYPE || type === FORM_TYPE);
  if (isJson) requireUtf8(header);
  if (isJson || accepted.includes(type)) return;
  throw new DomainError(
    'unsupported_media_type',
    `Content-Type "${header.slice(0, 80)}" is not supported; send ${accepted.join(' or ')}.`,
  );
}

/** JSON is UTF-8, and what says otherwise would be misread. https://www.rfc-editor.org/rfc/rfc8259#section-8.1 */
export function requireUtf8(contentType: string): void {
  const charset = parameterOf(contentType, 'charset');
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return;
  throw new DomainError(
    'unsupported_media_type',
    `Content-Type "${contentType.slice(0, 80)}" is not supported: JSON is UTF-8; send it so, without a charset.`,
  );
}

/**
 * Refuses a client that wants none of what can be answered. https://www.rfc-editor.org/rfc/rfc9110#name-accept
 * @throws not_acceptable
 */
export function requireAcceptable(req: IncomingMessage, offered: readonly string[]): void {
  const header = req.headers.accept;
  if (header === undefined || header === '*/*' || header === '') return;
  const wanted = header
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range))
    .map(mediaTypeOf);
  const fits = wanted.some(
    (range) =>
      range === '*/*' ||
      offered.includes(range) ||
      (range.endsWith('/*') && offered.some((type) => type.startsWith(range.slice(0, -1)))),
  );
  if (fits) return;
  throw new DomainError(
    'not_acceptable',
    `Accept "${header.slice(0, 80)}": this call answers ${offered.join(' or ')}.`,
  );
}

/** Which of what is offered a client names first; the first of them where it names none. */
export function preferredType(req: IncomingMessage, offered: readonly [string, ...string[]]): string {
  const { accept } = req.headers;
  if (accept === undefined || accept === '*/*') return offered[0];
  return (
    accept
      .split(',')
      .map(mediaTypeOf)
      .find((type) => offered.includes(type)) ?? offered[0]
  );
}

/** A boolean in a query; `fallback` when it is absent. @throws invalid_request for anything but true and false */
export function booleanParameter(query: URLSearchParams, name: string, fallback: boolean): boolean {
  const text = query.get(name);
  switch (text?.toLowerCase()) {
    case undefined:
      return fallback;
    case 'true':
    case '1':
      return true;
    case 'false':
    case '0':
      return false;
    default:
      throw new DomainError(
        'invalid_request',
        `Query parameter ${name}: expected true or false, got "${text?.slice(0, 40)}".`,
      );
  }
}

/** The codings in which an answer can be sent. */
export type ContentCoding = 'gzip' | 'deflate';

/**
 * The coding that an `Accept-Encoding` header likes best; undefined for none, which is also what a client
 * without the header gets. https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
 */
export function preferredCoding(header: string | undefined): ContentCoding | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';');
    weights.set(name.trim(), weightIn(parameters));
  }
  const any = weights.get('*') ?? 0;
  const gzip = weights.get('gzip') ?? weights.get('x-gzip') ?? any;
  const deflate = weights.get('deflate') ?? any;
  const best = Math.max(gzip, deflate);
  // A client that names `identity` may like it better than the rest.
  if (best <= 0 || best < (weights.get('identity') ?? 0)) return undefined;
  return gzip === best ? 'gzip' : 'deflate';
}

/** The quality value among a coding's parameters, 1 without one; one that is malformed refuses the coding. */
function weightIn(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim() !== 'q') continue;
    return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value.trim()) ? Number(value) : 0;
  }
  return 1;
}
