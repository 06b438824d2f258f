import { promisify } from 'node:util';
import { gunzip, inflate as inflateZlib } from 'node:zlib';
import { DomainError, reasonOf } from '../errors/domain-error';

const DECODERS: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflateZlib),
  identity: (body) => Promise.resolve(body),
};

/**
 * Undoes a request's Content-Encoding, on the thread pool of libuv.
 * @param limitBytes of the body after decompression
 * @throws unsupported_encoding, body_too_large, invalid_request for bytes that are not what the header says
 */
export async function inflate(body: Buffer, encoding: string, limitBytes: number): Promise<Buffer> {
  const decode = DECODERS[encoding.trim().toLowerCase()];
  if (decode === undefined) {
    throw new DomainError(
      'unsupported_encoding',
      `Content-Encoding "${encoding.slice(0, 40)}" is not supported; use gzip, deflate or none.`,
    );
  }
  try {
    return await decode(body, { maxOutputLength: limitBytes });
  } catch (error) {
    if (error instanceof RangeError) {
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
