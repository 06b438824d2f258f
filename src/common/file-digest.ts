import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Read and hashed at once: larger than a stream's usual 64 KiB, small enough for an event loop to bear. */
const CHUNK_BYTES = 256 * 1024;

/** SHA-256 of a file's bytes, as hex digits. @throws the file system's error when it cannot be read */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
