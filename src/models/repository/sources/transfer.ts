import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { again } from './again';
import { GatheredWrites } from './gathered-writes';
import { type SourceFile, SourceFault } from './source';

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Bytes that this file may have at most. */
  readonly maxBytes: number;
  onBytes?(bytes: number): void;
}

const READ_BYTES = 1024 ** 2;

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
      const hash = file.sha256 === undefined ? undefined : await hashOf(path, before);
      const whole = isWhole(file, before, hash) ? hash : await fetchRest(file, path, before, hash, options);
      return verified(file, path, whole);
    },
    async () => (await sizeOf(path)) > before,
  );
}

/**
 * @param hash of what is there
 * @returns that of all
 */
async function fetchRest(
  file: SourceFile,
  path: string,
  from: number,
  hash: Hash | undefined,
  options: TransferOptions,
): Promise<Hash | undefined> {
  // Before there is an answer: of one that breaks off, what nobody has read by then is lost.
  const target = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    const answer = await file.open(from, options.signal);
    try {
      if (answer.statusCode === 206 || from === 0)
        return await write(answer, file, target, from, hash, options);
      // A server without ranges gives all of it again.
      await target.truncate(0);
      return await write(answer, file, target, 0, hash && createHash('sha256'), options);
    } finally {
      answer.destroy();
    }
  } finally {
    await target.close();
  }
}

async function write(
  answer: IncomingMessage,
  file: SourceFile,
  target: FileHandle,
  start: number,
  hash: Hash | undefined,
  options: TransferOptions,
): Promise<Hash | undefined> {
  const limit = file.sizeBytes ?? options.maxBytes;
  const writes = new GatheredWrites(target, start);
  try {
    let at = start;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        at += piece.length;
        if (at > limit) throw new SourceFault(`${file.path} is larger than ${limit} bytes`);
        hash?.update(piece);
        await writes.add(piece);
        options.onBytes?.(piece.length);
      }
    } finally {
      // Also where the answer broke off: the next try goes on behind what came.
      await writes.end();
    }
    return hash;
  } catch (error) {
    if (error instanceof SourceFault || options.signal.aborted || isOfDisk(error)) throw error;
    throw new SourceFault(`${file.path} broke off: ${(error as Error).message}`, true);
  }
}

/** Is there nothing to ask for? A range behind the end of a file of unknown length would be refused. */
function isWhole(file: SourceFile, sizeBytes: number, hash: Hash | undefined): boolean {
  if (file.sizeBytes !== undefined) return sizeBytes === file.sizeBytes;
  return sizeBytes > 0 && hash?.copy().digest('hex') === file.sha256;
}

/** @throws SourceFault after which the next try begins anew */
async function verified(file: SourceFile, path: string, hash: Hash | undefined): Promise<number> {
  const sizeBytes = await sizeOf(path);
  if (file.sizeBytes !== undefined && sizeBytes < file.sizeBytes) {
    throw new SourceFault(`${file.path} broke off after ${sizeBytes} of ${file.sizeBytes} bytes`, true);
  }
  const actual = hash?.digest('hex');
  if (actual !== file.sha256) {
    await rm(path);
    throw new SourceFault(`${file.path} has the SHA-256 ${actual}, and ${file.sha256} was expected`);
  }
  return sizeBytes;
}

/** Of the first bytes of a file, to which those that come may be added. */
async function hashOf(path: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes === 0) return hash;
  const pieces = createReadStream(path, { end: bytes - 1, highWaterMark: READ_BYTES });
  for await (const piece of pieces) hash.update(piece as Buffer);
  return hash;
}

function isOfDisk(error: unknown): boolean {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || ['write', 'fsync', 'fdatasync', 'ftruncate'].includes(syscall ?? '');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
