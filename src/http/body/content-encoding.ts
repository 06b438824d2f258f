import { promisify } from 'node:util';
import { constants, createGunzip, createInflate, createInflateRaw, deflate, gzip } from 'node:zlib';
import type { Transform } from 'node:stream';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { type ContentCoding, preferredCoding } from '../headers/content-negotiation';
import { type BodyRoom, GrowingBody } from './body-reader';

/** Of what comes out of a decoder at a time: each is a way to another thread and back. */
const PIECES = { chunkSize: 64 * 1024 };

/** What undoes a coding; undefined: there is nothing to undo. */
type MakeDecoder = (body: Buffer) => Transform | undefined;

const DECODERS: ReadonlyMap<string, MakeDecoder> = new Map<string, MakeDecoder>([
  ['gzip', () => createGunzip(PIECES)],
  ['x-gzip', () => createGunzip(PIECES)],
  // By the standard in zlib's wrapping; some clients leave that away.
  ['deflate', (body) => (hasZlibHeader(body) ? createInflate(PIECES) : createInflateRaw(PIECES))],
  ['identity', () => undefined],
]);

/** https://www.rfc-editor.org/rfc/rfc1950#page-4: the method is 8, and both bytes together a multiple of 31. */
function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}

/**
 * Undoes a request's Content-Encoding, on the thread pool of libuv, piece by piece: it takes no more memory than it has
 * asked for.
 * @param limitBytes of the body after decompression
 * @throws unsupported_encoding, body_too_large, invalid_request for bytes that are not what the header says; what
 *   `room.hold` throws
 */
export async function inflate(
  body: Buffer,
  encoding: string,
  limitBytes: number,
  room: BodyRoom = {},
): Promise<Buffer> {
  const makeDecoder = DECODERS.get(encoding.trim().toLowerCase());
  if (makeDecoder === undefined) {
    throw new DomainError(
      'unsupported_encoding',
      `Content-Encoding "${encoding.slice(0, 40)}" is not supported; use gzip, deflate or none.`,
    );
  }
  const decoder = makeDecoder(body);
  if (decoder === undefined) return body;
  const tooLarge = (): DomainError =>
    new DomainError(
      'body_too_large',
      `The request body is larger than ${limitBytes} bytes after decompression (BODY_LIMIT).`,
    );
  const inflated = new GrowingBody(room, {
    limitBytes,
    besidesBytes: body.length,
    ownsPieces: false,
    tooLarge,
  });
  try {
    decoder.end(body);
    for await (const piece of decoder as AsyncIterable<Buffer>) inflated.add(piece);
  } catch (error) {
    if (!isOfZlib(error)) throw error;
    throw new DomainError(
      'invalid_request',
      `The body is not valid ${encoding.slice(0, 40)}: ${reasonOf(error)}.`,
    );
  }
  return inflated.whole();
}

function isOfZlib(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errno' in error;
}

/** Answers are waited for, and their digits shrink well at once. */
const OPTIONS = { level: constants.Z_BEST_SPEED };
const ENCODERS = { gzip: promisify(gzip), deflate: promisify(deflate) };

/** An answer's headers, as names and values in turn, and its bytes, one part after the other. */
export interface EncodedAnswer {
  readonly headers: readonly string[];
  readonly body: readonly Buffer[];
}

/** Which answers are worth the work. */
export interface CompressionConfig {
  readonly json: boolean;
  /** Tensors hardly become smaller; `requests` of Python and others ask for it by themselves. */
  readonly binary: boolean;
  /** A smaller answer is left alone. */
  readonly leastBytes: number;
}

/** The answer in the coding that the client's `Accept-Encoding` likes best, where it is worth the work. */
export function compress(
  answer: EncodedAnswer,
  acceptEncoding: string | undefined,
  config: CompressionConfig,
): EncodedAnswer | Promise<EncodedAnswer> {
  let sizeBytes = 0;
  for (const part of answer.body) sizeBytes += part.length;
  if (sizeBytes < config.leastBytes || !(isBinary(answer) ? config.binary : config.json)) return answer;
  const headers = [...answer.headers, 'vary', 'accept-encoding'];
  const coding = preferredCoding(acceptEncoding);
  if (coding === undefined) return { headers, body: answer.body };
  headers.push('content-encoding', coding);
  const [only, ...rest] = answer.body;
  const whole = only !== undefined && rest.length === 0 ? only : Buffer.concat(answer.body, sizeBytes);
  return encoded(headers, whole, coding);
}

function isBinary({ headers }: EncodedAnswer): boolean {
  return headers.includes('application/octet-stream');
}

async function encoded(
  headers: readonly string[],
  body: Buffer,
  coding: ContentCoding,
): Promise<EncodedAnswer> {
  return { headers, body: [await ENCODERS[coding](body, OPTIONS)] };
}
