import type { IncomingMessage } from 'node:http';
import { DomainError } from '../../errors/domain-error';
import { type BodyTaker, UnbufferedRequest } from '../node/unbuffered-request';
import { type BodyRoom, GrowingBody } from './growing-body';

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
 *   client_closed_request when the client left before the end; internal_error when somebody has read it before, in
 *   whose application this is mounted; what `room.hold` throws
 */
export function readBody(req: IncomingMessage, limitBytes: number, room: BodyRoom = {}): Promise<Buffer> {
  const declared = declaredLength(req);
  if (declared !== undefined && declared > limitBytes) return Promise.reject(tooLarge(limitBytes));
  const spent = reasonSpent(req);
  if (spent !== undefined) return Promise.reject(spent);
  return new Promise((resolve, reject) => {
    if (declared !== undefined) room.hold?.(declared);
    room.begin?.();
    const taker: BodyTaker = {
      onPiece(piece) {
        try {
          body.add(piece);
        } catch (error) {
          stop();
          req.pause();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      },
      onEnd() {
        stop();
        resolve(body.whole());
      },
      onLeave() {
        stop();
        reject(clientLeft());
      },
    };
    const endDirect = takeDirectly(req, taker);
    const stop = endDirect ?? listen(req, taker);
    const body = new GrowingBody(room, {
      declaredBytes: declared,
      limitBytes,
      ownsPieces: endDirect !== undefined,
      tooLarge: () => tooLarge(limitBytes),
    });
  });
}

function alreadyRead(): DomainError {
  return new DomainError(
    'internal_error',
    'The application has read the body of this request already: Nestor has to stand before its body parsers.',
  );
}

/** Why nothing will come of this request any more, so that nobody waits for it. */
function reasonSpent(req: IncomingMessage): DomainError | undefined {
  if (req.readableEnded || (req instanceof UnbufferedRequest && req.bodyTaken)) return alreadyRead();
  return req.destroyed ? clientLeft() : undefined;
}

function clientLeft(): DomainError {
  return new DomainError('client_closed_request', 'The client left before its request was complete.');
}

/** Takes the body from the parser, where that is to be had. @returns what ends that */
function takeDirectly(req: IncomingMessage, taker: BodyTaker): (() => void) | undefined {
  if (!(req instanceof UnbufferedRequest) || !req.takeBody(taker)) return undefined;
  return () => {
    if (!req.complete) req.returnBody();
  };
}

/** Has the body's events tell the taker. @returns what ends that */
function listen(req: IncomingMessage, { onPiece, onEnd, onLeave }: BodyTaker): () => void {
  req.on('data', onPiece).on('end', onEnd).on('close', onLeave);
  return () => req.off('data', onPiece).off('end', onEnd).off('close', onLeave);
}
