import { writeSync } from 'node:fs';
import { countLines } from './log-line';
import { nonBlocking, type NonBlockingFd } from './non-blocking-fd';

const EMPTY = Buffer.alloc(0);
const FIRST_RETRY_MS = 2;
const LAST_RETRY_MS = 100;
const FLUSH_SYNC_MS = 1_000;
const CLOSE_MS = 3_000;

export interface LineOutputOptions {
  /** How much may wait for a slow reader; what comes on top is dropped and counted. */
  maxPendingBytes: number;
  /** The reader takes lines again, and this many were dropped meanwhile. */
  onRecovered?: (droppedLines: number) => void;
}

/**
 * Writes whole lines to a descriptor without ever waiting for who reads it.
 *
 * Each write goes to the kernel at once, which is cheaper than a hop to libuv's thread pool, leaves
 * nothing behind when the process crashes, and tells to the byte how far it came. Node's own stdout
 * would either block on a full pipe or buffer without a bound.
 */
export class LineOutput {
  private readonly target: NonBlockingFd;
  private readonly maxPendingBytes: number;
  private readonly onRecovered: (droppedLines: number) => void;
  /** What is left of a chunk that was partly written: it always goes out, so that no line is torn. */
  private rest: Buffer = EMPTY;
  private queue: Buffer[] = [];
  private queuedBytes = 0;
  private droppedLines = 0;
  private failed = false;
  private closed = false;
  private retryTimer?: NodeJS.Timeout;
  private retryDelayMs = FIRST_RETRY_MS;
  private onDrained?: () => void;

  constructor(fd: number, options: LineOutputOptions) {
    this.target = nonBlocking(fd);
    this.maxPendingBytes = options.maxPendingBytes;
    this.onRecovered = options.onRecovered ?? (() => undefined);
  }

  get pendingBytes(): number {
    return this.rest.length + this.queuedBytes;
  }

  /** Takes whole lines. The bytes may be reused once the call has returned. */
  write(lines: Buffer | string): void {
    if (this.closed) return;
    const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
    if (this.pendingBytes === 0) {
      const left = this.writeNow(bytes);
      if (left.length === 0) {
        this.reportRecovery();
      } else {
        this.rest = Buffer.from(left);
        this.retryLater();
      }
    } else if (this.queuedBytes + bytes.length <= this.maxPendingBytes) {
      this.queue.push(Buffer.from(bytes));
      this.queuedBytes += bytes.length;
    } else {
      this.droppedLines += countLines(bytes);
    }
  }

  /** For the last moments of a process: waits for the reader, but not for long. */
  flushSync(): void {
    const lastTryAt = Date.now() + FLUSH_SYNC_MS;
    const gate = new Int32Array(new SharedArrayBuffer(4));
    while (!this.closed && !this.drain() && Date.now() < lastTryAt) Atomics.wait(gate, 0, 0, FIRST_RETRY_MS);
  }

  /** Resolves when all is written, or after three seconds of a reader that does not keep up. */
  async close(): Promise<void> {
    if (this.closed) return;
    if (!this.drain()) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, CLOSE_MS);
        this.onDrained = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    clearTimeout(this.retryTimer);
    this.closed = true;
    this.target.close();
  }

  /** Writes what waits, as far as it goes; true when nothing is left. */
  private drain(): boolean {
    while (this.pendingBytes > 0) {
      if (this.rest.length === 0) {
        this.rest = Buffer.concat(this.queue);
        this.queue = [];
        this.queuedBytes = 0;
      }
      const lengthBefore = this.rest.length;
      this.rest = this.writeNow(this.rest);
      if (this.rest.length < lengthBefore) this.retryDelayMs = FIRST_RETRY_MS;
      if (this.rest.length > 0) return false;
    }
    this.reportRecovery();
    return true;
  }

  /** Returns what the kernel did not take. */
  private writeNow(bytes: Buffer): Buffer {
    let offset = 0;
    try {
      while (offset < bytes.length) offset += writeSync(this.target.fd, bytes, offset);
      this.failed = false;
      return EMPTY;
    } catch (error) {
      const left = bytes.subarray(offset);
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return left;
      // The reader is gone or the disk is full: serving goes on, and each later write tries again.
      this.failed = true;
      this.droppedLines += countLines(left);
      return EMPTY;
    }
  }

  private retryLater(): void {
    this.retryTimer ??= setTimeout(() => {
      this.retryTimer = undefined;
      if (this.drain()) {
        this.onDrained?.();
      } else {
        this.retryDelayMs = Math.min(this.retryDelayMs * 2, LAST_RETRY_MS);
        this.retryLater();
      }
    }, this.retryDelayMs).unref();
  }

  private reportRecovery(): void {
    if (this.failed || this.droppedLines === 0) return;
    const droppedLines = this.droppedLines;
    this.droppedLines = 0;
    this.onRecovered(droppedLines);
  }
}
