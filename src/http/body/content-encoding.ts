import { promisify } from 'node:util';
import { constants, deflate, gunzip, gzip, inflate as inflateZlib, inflateRaw } from 'node:zlib';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { type ContentCoding, preferredCoding } from '../headers/accept-encoding';

/** Undoes one coding; beyond `maxOutputLength` bytes it gives up. */
type Decode = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const unzip = promisify(gunzip);
const inflateWrapped: Decode = promisify(inflateZlib);
const inflateBare: Decode = promisify(inflateRaw);

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', unzip],
  ['x-gzip', unzip],
  // By the standard in zlib's wrapping; some clients leave that away.
  ['deflate', (body, options) => (hasZlibHeader(body) ? inflateWrapped : inflateBare)(body, options)],
  ['identity', (body) => Promise.resolve(body)],
]);

/** https://www.rfc-editor.org/rfc/rfc1950#page-4: the method is 8, and both bytes together a multiple of 31. */
function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}

/**
 * Undoes a request's Content-Encoding, on the thread pool of libuv.
 * @param limitBytes of the body after decompression
 * @throws unsupported_encoding, body_too_large, invalid_request for bytes that are not what the header says
 */
export async function inflate(body: Buffer, encoding: string, limitBytes: number): Promise<Buffer> {
  const decode = DECODERS.get(encoding.trim().toLowerCase());
  if (decode === undefined) {
    throw new DomainError(
      'unsupported_encoding',
      `Content-Encoding "${encoding.slice(0, 40)}" is not supported; use gzip, deflate or none.`,
    );
  }
  try {
    return await decode(body, { maxOutputLength: limitBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DomainError(
        'body_too_large',
        `The request body is larger than ${limitBytes} bytes after decompression (BODY_LIMIT).`,
      );
    }
    throw new DomainError(
      'invalid_request',
      `The body is not valid ${encoding.slice(0, 40)}: ${reasonOf(error)}.`,
    );
  }
}

/** A smaller answer is one packet anyway. */
const LEAST_BYTES = 1024;
/** Answers are waited for, and their digits shrink well at once. */
const OPTIONS = { level: constants.Z_BEST_SPEED };
const ENCODERS = { gzip: promisify(gzip), deflate: promisify(deflate) };

/** An answer's headers, as names and values in turn, and its bytes, one part after the other. */
export interface EncodedAnswer {
  readonly headers: readonly string[];
  readonly body: readonly Buffer[];
}

/** The answer in the coding that the client's `Accept-Encoding` likes best, where it is worth the work. */
export function compress(
  answer: EncodedAnswer,
  acceptEncoding: string | undefined,
): EncodedAnswer | Promise<EncodedAnswer> {
  let sizeBytes = 0;
  for (const part of answer.body) sizeBytes += part.length;
  if (sizeBytes < LEAST_BYTES) return answer;
  const headers = [...answer.headers, 'vary', 'accept-encoding'];
  const coding = preferredCoding(acceptEncoding);
  if (coding === undefined) return { headers, body: answer.body };
  headers.push('content-encoding', coding);
  const [only, ...rest] = answer.body;
  const whole = only !== undefined && rest.length === 0 ? only : Buffer.concat(answer.body, sizeBytes);
  return encoded(headers, whole, coding);
}

async function encoded(
  headers: readonly string[],
  body: Buffer,
  coding: ContentCoding,
): Promise<EncodedAnswer> {
  return { headers, body: [await ENCODERS[coding](body, OPTIONS)] };
}
