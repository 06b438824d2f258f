import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../errors/domain-error';
import { explained, statInside } from '../common/safe-path';

const NEWLINE = 0x0a;

/** One request of a file: a line that is not blank. */
export interface RequestLine {
  /** Counted from 1. */
  readonly number: number;
  readonly body: Buffer;
}

/**
 * Where a model's file of requests lies.
 * @param root the model folder, which no link may leave
 * @param folder of the model.yaml that names it
 * @throws model_unavailable, with a reason that names the path relative to the model folder
 */
export async function findWarmUpFile(root: string, folder: string, path: string): Promise<string> {
  const realRoot = await explained(root, root, realpath(root));
  const file = join(folder, path);
  if ((await statInside(realRoot, file))?.isFile()) return file;
  throw new DomainError('model_unavailable', `${path} is not a file`);
}

/** The lines of a file, as it is read. @throws invalid_request for a line of more than `maxLineBytes` */
export async function* requestLines(file: string, maxLineBytes: number): AsyncGenerator<RequestLine> {
  let number = 0;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const add = (bytes: Buffer): void => {
    pendingBytes += bytes.length;
    if (pendingBytes > maxLineBytes) {
      throw new DomainError('invalid_request', `line ${number + 1} is longer than ${maxLineBytes} bytes`);
    }
    pending.push(bytes);
  };
  const take = (): RequestLine => {
    const body = Buffer.concat(pending, pendingBytes);
    pending = [];
    pendingBytes = 0;
    return { number: ++number, body };
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      const line = take();
      if (!isBlank(line.body)) yield line;
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  const last = take();
  if (!isBlank(last.body)) yield last;
}

function isBlank(body: Buffer): boolean {
  return body.toString('latin1').trim() === '';
}
