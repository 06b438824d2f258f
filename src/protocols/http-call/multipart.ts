import { DomainError } from '../../errors/domain-error';

/** One part of a form. */
export interface FormPart {
  readonly name: string;
  /** With its parameters; undefined where the part has none. */
  readonly contentType: string | undefined;
  readonly content: Buffer;
}

const CRLF = '\r\n';
const HEADERS_END = '\r\n\r\n';
const MAX_HEADER_BYTES = 8 * 1024;
/** RFC 2046 lets a boundary have 70 characters. */
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;

/**
 * The parts of a whole `multipart/form-data` body, each a view of it. https://www.rfc-editor.org/rfc/rfc7578
 * @param contentType the request's header, which names the boundary
 * @throws invalid_request, input_too_large
 */
export function readForm(body: Buffer, contentType: string, maxParts: number): FormPart[] {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed('its Content-Type names no boundary');
  const delimiter = Buffer.from(`${CRLF}--${boundary}`, 'latin1');
  const opening = delimiter.subarray(CRLF.length);
  let at = body.subarray(0, opening.length).equals(opening) ? 0 : body.indexOf(delimiter) + CRLF.length;
  if (at === CRLF.length - 1) throw malformed('it has no part');
  at += opening.length;
  const parts: FormPart[] = [];
  for (;;) {
    if (body.toString('latin1', at, at + 2) === '--') return parts;
    const headersStart = lineEnd(body, at);
    const headersEnd = body.indexOf(HEADERS_END, headersStart - CRLF.length);
    if (headersEnd === -1 || headersEnd - headersStart > MAX_HEADER_BYTES) {
      throw malformed(`the headers of part ${parts.length + 1} have no end`);
    }
    if (parts.length === maxParts) {
      throw new DomainError('input_too_large', `The form has more than ${maxParts} parts.`);
    }
    const start = headersEnd + HEADERS_END.length;
    const end = body.indexOf(delimiter, start - CRLF.length);
    if (end === -1) throw malformed(`part ${parts.length + 1} has no end`);
    parts.push(
      partOf(body.toString('utf8', headersStart, headersEnd), body.subarray(start, Math.max(start, end))),
    );
    at = end + delimiter.length;
  }
}

/** Behind the line that begins at `at` with a delimiter, which only blanks may follow. */
function lineEnd(body: Buffer, at: number): number {
  let end = at;
  while (body[end] === 0x20 || body[end] === 0x09) end++;
  if (body.toString('latin1', end, end + 2) !== CRLF)
    throw malformed('a boundary is followed by something else');
  return end + CRLF.length;
}

function partOf(headers: string, content: Buffer): FormPart {
  let name: string | undefined;
  let contentType: string | undefined;
  for (const line of headers.split(CRLF)) {
    const colon = line.indexOf(':');
    const field = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (field === 'content-disposition') name = nameIn(value);
    if (field === 'content-type') contentType = value;
    if (field === 'content-transfer-encoding' && !/^(binary|8bit|7bit)$/i.test(value)) {
      throw malformed('a part has a Content-Transfer-Encoding, which forms have no more');
    }
  }
  if (name === undefined) throw malformed('a part has no name');
  return { name, contentType, content };
}

/** Browsers escape quotes in a name as `%22`, others by a backslash. */
function nameIn(disposition: string): string | undefined {
  if (!/^form-data\s*;/i.test(disposition)) return undefined;
  const [, quoted, plain] = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(disposition) ?? [];
  return quoted?.replace(/\\(.)/g, '$1').replaceAll('%22', '"') ?? plain;
}

function malformed(reason: string): DomainError {
  return new DomainError('invalid_request', `The form is malformed: ${reason}.`);
}
