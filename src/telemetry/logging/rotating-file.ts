import { appendFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, createGzip } from 'node:zlib';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { countLines } from './log-line';

const MAX_QUEUED_BYTES = 16 * 1_048_576;
const MAX_BATCH_BYTES = 262_144;
const CLOSE_MS = 3_000;
const OWNER_WRITES_GROUP_READS = 0o640;

export interface RotationLimits {
  /** A file of this size is compressed and a new one begun. */
  fileMaxBytes: number;
  /** How many compressed files are kept: `<name>.1.gz` is the youngest. */
  filesKept: number;
}

/**
 * One rotating file. Lines queue here while a batch is written or a rotation compresses; what the
 * queue can't hold is dropped and counted.
 */
export class RotatingFile {
  private readonly path: string;
  private readonly stream: RotatingFileStream;
  private queue: Buffer[] = [];
  private queuedBytes = 0;
  private writing = false;
  /** Not before it was opened the first time, nor while a rotation moves it. */
  private hasFile = false;
  private onIdle?: () => void;

  /**
   * @param onFault called once, when the file cannot be opened, written or rotated; it is dead then
   * @param onDropped gets the number of lines that found the queue full or were in hand at a fault
   */
  constructor(
    dir: string,
    name: string,
    limits: RotationLimits,
    onFault: (error: Error) => void,
    private readonly onDropped: (lines: number) => void,
  ) {
    this.path = join(dir, name);
    this.stream = createStream(name, {
      path: dir,
      size: `${limits.fileMaxBytes}B`,
      rotate: limits.filesKept,
      compress: 'gzip',
      mode: OWNER_WRITES_GROUP_READS,
    });
    // The library has no setting for it. At full load the usual level costs more than all else that becomes of a line.
    Object.assign(this.stream, { createGzip: () => createGzip({ level: constants.Z_BEST_SPEED }) });
    this.stream.once('error', onFault);
    this.stream.on('error', () => undefined);
    this.stream.on('rotation', () => (this.hasFile = false));
    this.stream.on('open', () => (this.hasFile = true));
  }

  /** Takes whole lines; a chunk is never split between two files. `onWritten` is for who wants to know. */
  write(lines: Buffer, onWritten?: () => void): void {
    if (this.queuedBytes + lines.length > MAX_QUEUED_BYTES) {
      this.onDropped(countLines(lines));
      return;
    }
    this.queue.push(lines);
    this.queuedBytes += lines.length;
    if (!this.writing) this.writeNext(onWritten);
  }

  /** True when somebody else has deleted or moved the file, so that lines go where nobody sees them. */
  async isGone(): Promise<boolean> {
    const there = await stat(this.path).then(
      () => true,
      () => false,
    );
    return !there && this.hasFile && !this.stream.destroyed;
  }

  /** For the last moments of a process: appends what still waits, without rotation. */
  flushSync(): void {
    try {
      if (this.queuedBytes > 0) appendFileSync(this.path, this.takeBatch(MAX_QUEUED_BYTES));
    } catch {
      // The process ends: nobody is left to tell.
    }
  }

  /** Resolves when all is written and closed, or after three seconds of a disk that does not answer. */
  async close(): Promise<void> {
    if (this.stream.closed) return;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_MS);
      this.stream.once('close', () => {
        clearTimeout(deadline);
        resolve();
      });
      if (this.writing) this.onIdle = () => this.stream.end();
      else this.stream.end();
    });
  }

  private writeNext(onWritten?: () => void): void {
    const batch = this.takeBatch(MAX_BATCH_BYTES);
    this.writing = true;
    this.stream.write(batch, (error) => {
      this.writing = false;
      if (error) {
        this.onDropped(countLines(batch) + countLines(this.takeBatch(MAX_QUEUED_BYTES)));
        return;
      }
      onWritten?.();
      if (this.queue.length > 0) this.writeNext();
      else this.onIdle?.();
    });
  }

  private takeBatch(maxBytes: number): Buffer {
    let count = 0;
    let bytes = 0;
    for (const lines of this.queue) {
      if (count > 0 && bytes + lines.length > maxBytes) break;
      bytes += lines.length;
      count += 1;
    }
    this.queuedBytes -= bytes;
    return Buffer.concat(this.queue.splice(0, count), bytes);
  }
}
