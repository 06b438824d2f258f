import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { again } from './again';
import { type SourceFile, SourceFault } from './source';

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Bytes that this file may have at most. */
  readonly maxBytes: number;
  onBytes?(bytes: number): void;
}

/**
 * Fetches a file to `path`, going on with what is there already of an earlier try, and holds it to its size and digest.
 * What a broken connection has left stays for the next try; what is wrong does not.
 * @returns the file's size
 * @throws SourceFault once tries without a new byte are used up, or where another try would not help
 */
export async function transfer(file: SourceFile, path: string, options: TransferOptions): Promise<number> {
  let before = 0;
  return again(
    options.signal,
    async () => {
      before = await sizeOf(path);
      if (!(await isWhole(file, path, before))) await fetchRest(file, path, before, options);
      return verified(file, path);
    },
    async () => (await sizeOf(path)) > before,
  );
}

async function fetchRest(
  file: SourceFile,
  path: string,
  from: number,
  options: TransferOptions,
): Promise<void> {
  // Before there is an answer: of one that breaks off, what nobody has read by then is lost.
  const target = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    const answer = await file.open(from, options.signal);
    await write(answer, file, target, from, options).finally(() => answer.destroy());
  } finally {
    await target.close();
  }
}

async function write(
  answer: IncomingMessage,
  file: SourceFile,
  target: FileHandle,
  from: number,
  options: TransferOptions,
): Promise<void> {
  const { signal, maxBytes } = options;
  // A server without ranges gives all of it again.
  let at = answer.statusCode === 206 ? from : 0;
  try {
    if (at < from) await target.truncate(0);
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (at + chunk.length > (file.sizeBytes ?? maxBytes)) {
        throw new SourceFault(`${file.path} is larger than ${file.sizeBytes ?? maxBytes} bytes`);
      }
      await target.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      options.onBytes?.(chunk.length);
    }
    await target.sync();
  } catch (error) {
    if (error instanceof SourceFault || signal.aborted || isOfDisk(error)) throw error;
    throw new SourceFault(`${file.path} broke off: ${(error as Error).message}`, true);
  }
}

/** Is there nothing to ask for? A range behind the end of a file of unknown length would be refused. */
async function isWhole(file: SourceFile, path: string, sizeBytes: number): Promise<boolean> {
  if (file.sizeBytes !== undefined) return sizeBytes === file.sizeBytes;
  return sizeBytes > 0 && file.sha256 !== undefined && (await sha256Of(path)) === file.sha256;
}

/** @throws SourceFault after which the next try begins anew */
async function verified(file: SourceFile, path: string): Promise<number> {
  const sizeBytes = await sizeOf(path);
  if (file.sizeBytes !== undefined && sizeBytes < file.sizeBytes) {
    throw new SourceFault(`${file.path} broke off after ${sizeBytes} of ${file.sizeBytes} bytes`, true);
  }
  if (file.sha256 !== undefined) {
    const actual = await sha256Of(path);
    if (actual !== file.sha256) {
      await rm(path);
      throw new SourceFault(`${file.path} has the SHA-256 ${actual}, and ${file.sha256} was expected`);
    }
  }
  return sizeBytes;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function isOfDisk(error: unknown): boolean {
  return (
    (error as NodeJS.ErrnoException).syscall === 'write' || (error as NodeJS.ErrnoException).code === 'ENOSPC'
  );
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
