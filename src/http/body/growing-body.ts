import { DomainError } from '../../errors/domain-error';
import { detachBuffer } from '../../common/detach-buffer';

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

export interface GrowthOptions {
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
