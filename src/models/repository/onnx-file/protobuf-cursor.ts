import type { FileHandle } from 'node:fs/promises';

/** What a field's value looks like on the wire. https://protobuf.dev/programming-guides/encoding/ */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const WINDOW_BYTES = 64 * 1024;
const MAX_VARINT_BYTES = 10;
/** A tag and a length at most. */
const MAX_HEADER_BYTES = 2 * MAX_VARINT_BYTES;

/** A file that is not the protobuf message it should be. */
export class MalformedMessage extends Error {}

/**
 * Reads a protobuf file forwards through one small window. What is skipped is not read, so that a file of
 * gigabytes costs no more memory than a small one.
 */
export class ProtobufCursor {
  private readonly window = Buffer.allocUnsafe(WINDOW_BYTES);
  private windowStart = 0;
  private windowEnd = 0;
  /** Offset in the file of the next byte. */
  position = 0;

  constructor(
    private readonly file: FileHandle,
    readonly sizeBytes: number,
  ) {}

  /** Makes a tag and a length readable by `varint`, as far as the file goes. */
  async atField(): Promise<void> {
    await this.load(MAX_HEADER_BYTES);
  }

  /** @throws MalformedMessage where the window ends within it */
  varint(): number {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.position >= this.windowEnd) throw new MalformedMessage('it ends within a number');
      const byte = this.window[this.position++ - this.windowStart] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage('it has a number of more than 64 bits');
  }

  /** A number that may be negative: one of 64 bits in two's complement, which takes all ten bytes then. */
  integer(): number {
    const start = this.position - this.windowStart;
    const value = this.varint();
    if (this.position - this.windowStart - start < MAX_VARINT_BYTES) return value;
    let complement = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const bits = i === MAX_VARINT_BYTES - 1 ? 1 : 0x7f;
      complement += (~(this.window[start + i] ?? 0) & bits) * 2 ** (7 * i);
    }
    return -complement - 1;
  }

  /** Makes the next bytes readable by `varint` and `integer`, as far as the window goes. */
  async reach(length: number): Promise<void> {
    await this.load(Math.min(length, WINDOW_BYTES));
  }

  /** The next bytes as text; they must be fewer than the window has. */
  async text(length: number, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string> {
    if (length > WINDOW_BYTES) throw new MalformedMessage('it has a text of absurd length');
    await this.load(length);
    const from = this.position - this.windowStart;
    if (this.position + length > this.windowEnd) throw new MalformedMessage('it ends within a text');
    this.position += length;
    return this.window.toString(encoding, from, from + length);
  }

  private async load(length: number): Promise<void> {
    const enough = Math.min(this.position + length, this.sizeBytes);
    if (this.position >= this.windowStart && enough <= this.windowEnd) return;
    this.windowStart = this.windowEnd = this.position;
    while (this.windowEnd < enough) {
      const filled = this.windowEnd - this.windowStart;
      const { bytesRead } = await this.file.read(this.window, filled, WINDOW_BYTES - filled, this.windowEnd);
      // The file became shorter while it was read.
      if (bytesRead === 0) return;
      this.windowEnd += bytesRead;
    }
  }
}
