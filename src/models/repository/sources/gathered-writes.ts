import type { FileHandle } from 'node:fs/promises';

/** A write for each piece that a network gives would cost more than all else. */
const WRITE_BYTES = 1024 ** 2;
/** What has come is written so often at least, so that little of it is lost with the process. */
const WRITE_MS = 100;
/** The disk is told to begin so often: what is left to the end has to be waited for there. */
const SYNC_BYTES = 64 * 1024 ** 2;

/** Writes to a file, together and while more comes; what waits for that is bounded. */
export class GatheredWrites {
  private pieces: Buffer[] = [];
  private gatheredBytes = 0;
  private writtenMs = -Infinity;
  private unsyncedBytes = 0;
  private writing: Promise<void> = Promise.resolve();
  private syncing: Promise<void> = Promise.resolve();

  /** @param at where it begins in the file */
  constructor(
    private readonly file: FileHandle,
    private at: number,
  ) {}

  /** @throws what a write before has met */
  async add(piece: Buffer): Promise<void> {
    this.pieces.push(piece);
    this.gatheredBytes += piece.length;
    if (this.gatheredBytes >= WRITE_BYTES || performance.now() - this.writtenMs >= WRITE_MS)
      await this.begin();
  }

  /** All of it is on disk. */
  async end(): Promise<void> {
    await this.begin();
    await this.writing;
    await this.syncing;
    await this.file.sync();
  }

  private async begin(): Promise<void> {
    await this.writing;
    const { pieces, gatheredBytes, at } = this;
    this.pieces = [];
    this.gatheredBytes = 0;
    this.at += gatheredBytes;
    this.writtenMs = performance.now();
    this.writing = writeAll(this.file, pieces, gatheredBytes, at);
    // Whoever comes next is told.
    this.writing.catch(() => undefined);
    this.unsyncedBytes += gatheredBytes;
    if (this.unsyncedBytes < SYNC_BYTES) return;
    this.unsyncedBytes = 0;
    await this.syncing;
    this.syncing = this.file.datasync();
    this.syncing.catch(() => undefined);
  }
}

async function writeAll(file: FileHandle, pieces: Buffer[], bytes: number, at: number): Promise<void> {
  if (bytes === 0) return;
  const { bytesWritten } = await file.writev(pieces, at);
  if (bytesWritten === bytes) return;
  // A write of the rest says why there is one.
  await file.write(Buffer.concat(pieces), bytesWritten, bytes - bytesWritten, at + bytesWritten);
}
