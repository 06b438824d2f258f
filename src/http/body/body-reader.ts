import type { IncomingMessage } from 'node:http';
import { DomainError } from '../../errors/domain-error';
import { type BodyTaker, UnbufferedRequest } from '../node/unbuffered-request';
import { detachBuffer } from '../../common/detach-buffer';

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

/** What a body that was not declared gets room for at first. */
const FIRST_BYTES = 64 * 1024;

export interface BodyRoom {
  /** Told how many bytes of memory the body is about to take; it may refuse by throwing. */
  hold?(sizeBytes: number): void;
  /** Told that the body is going to be read. */
  begin?(): void;
  /** Gives memory for a body that comes in several pieces. */
  acquire?(sizeBytes: number): Buffer;
}

interface GrowthOptions {
  /** How long it is going to be, where that is known. */
  readonly declaredBytes?: number;
  readonly limitBytes: number;
  /** What is held for as long as it grows, and not part of it. */
  readonly besidesBytes?: number;
  /** Are the pieces nobody else's, so that nobody looks at one afterwards? */
  readonly ownsPieces: boolean;
  readonly tooLarge: () => DomainError;
}

/** The pieces of a body, put together. */
export class GrowingBody {
  private first: Buffer | undefined;
  private memory: Buffer | undefined;
  private length = 0;

  constructor(
    private readonly room: BodyRoom,
    private readonly options: GrowthOptions,
  ) {}

  /** @throws what `tooLarge` makes beyond the limit; what `room.hold` throws */
  add(piece: Buffer): void {
    const { limitBytes, declaredBytes, tooLarge } = this.options;
    const start = this.length;
    this.length += piece.length;
    if (this.length > limitBytes) throw tooLarge();
    if (start === 0 && (declaredBytes === undefined || declaredBytes === piece.length)) {
      this.first = piece;
      return;
    }
    const memory = this.withRoom();
    if (this.first !== undefined) this.move(this.first, memory, 0);
    this.first = undefined;
    this.move(piece, memory, start);
  }

  whole(): Buffer {
    const { first, memory, length } = this;
    if (first !== undefined) return first;
    return memory === undefined || memory.length === length
      ? (memory ?? Buffer.alloc(0))
      : memory.subarray(0, length);
  }

  private move(piece: Buffer, memory: Buffer, start: number): void {
    piece.copy(memory, start);
    if (this.options.ownsPieces) detachBuffer(piece);
  }

  /** Memory for what has come: exact when the length was declared, doubling when not. */
  private withRoom(): Buffer {
    const { memory, length, room } = this;
    const { declaredBytes: declared, limitBytes, besidesBytes = 0 } = this.options;
    if (memory !== undefined && memory.length >= length) return memory;
    const size = Math.max(declared ?? Math.min(limitBytes, Math.max(FIRST_BYTES, length * 2)), length);
    if (declared === undefined) room.hold?.(size + besidesBytes);
    const larger = room.acquire?.(size) ?? Buffer.allocUnsafe(size);
    memory?.copy(larger);
    this.memory = larger;
    return larger;
  }
}
