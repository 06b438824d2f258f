import type { IncomingMessage } from 'node:http';
import { DomainError } from '../errors/domain-error';

function tooLarge(limitBytes: number): DomainError {
  return new DomainError(
    'body_too_large',
    `The request body is larger than ${limitBytes} bytes (BODY_LIMIT).`,
  );
}

/** The declared length of the body in bytes; undefined when it comes in chunks of unknown number. */
export function declaredLength(req: IncomingMessage): number | undefined {
  const text = req.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

/**
 * Reads the whole body. A body that came in one piece is handed on without a copy.
 * @throws body_too_large beyond `limitBytes` (at once, when the length was declared);
 *   client_closed_request when the client left before the end; what `hold` throws
 * @param hold told how many bytes of memory the body is about to take; it may refuse by throwing
 * @param acquire gives memory for a body that comes in several pieces
 */
export function readBody(
  req: IncomingMessage,
  limitBytes: number,
  hold?: (sizeBytes: number) => void,
  acquire: (sizeBytes: number) => Buffer = (sizeBytes) => Buffer.allocUnsafe(sizeBytes),
): Promise<Buffer> {
  const declared = declaredLength(req);
  if (declared !== undefined && declared > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    if (declared !== undefined) hold?.(declared);
    let first: Buffer | undefined;
    let whole: Buffer | undefined;
    let length = 0;
    const settle = (): void => {
      req.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    const onData = (chunk: Buffer): void => {
      const start = length;
      length += chunk.length;
      if (length > limitBytes) {
        settle();
        req.pause();
        reject(tooLarge(limitBytes));
      } else if (start === 0 && (declared === undefined || declared === chunk.length)) {
        first = chunk;
      } else {
        try {
          whole = withRoom(whole, declared, length, limitBytes, hold, acquire);
        } catch (error) {
          settle();
          req.pause();
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (first !== undefined) {
          first.copy(whole);
          first = undefined;
        }
        chunk.copy(whole, start);
      }
    };
    const onEnd = (): void => {
      settle();
      resolve(first ?? (whole?.length === length ? whole : whole?.subarray(0, length)) ?? Buffer.alloc(0));
    };
    const onClose = (): void => {
      settle();
      reject(new DomainError('client_closed_request', 'The client left before its request was complete.'));
    };
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/** A buffer with room for `length` bytes: exact when the length was declared, doubling when not. */
function withRoom(
  buffer: Buffer | undefined,
  declared: number | undefined,
  length: number,
  limitBytes: number,
  hold: ((sizeBytes: number) => void) | undefined,
  acquire: (sizeBytes: number) => Buffer,
): Buffer {
  if (buffer !== undefined && buffer.length >= length) return buffer;
  const size = declared ?? Math.min(limitBytes, Math.max(64 * 1024, length * 2));
  if (declared === undefined) hold?.(size);
  const larger = acquire(Math.max(size, length));
  buffer?.copy(larger);
  return larger;
}
