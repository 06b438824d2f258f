import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { temporaryFolder } from '../../../../test/helpers/model-folder';
import { GatheredWrites } from './gathered-writes';
import { transfer } from './transfer';

const CONTENT = Buffer.from('what a model is made of');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

describe('the transfer of a file', () => {
  const folder = temporaryFolder();
  const asked: number[] = [];
  let path: string;
  beforeEach(() => {
    asked.length = 0;
    path = join(folder, String(Math.random()));
  });

  /** Answers that bring so many bytes each, and then break off at once where there is more. */
  function fetch(bytes: number, ranges = true, sha256?: string): Promise<number> {
    const open = (from: number): Promise<IncomingMessage> => {
      asked.push(from);
      const start = ranges ? from : 0;
      const answer = new PassThrough();
      answer.write(CONTENT.subarray(start, start + bytes));
      if (start + bytes >= CONTENT.length) answer.end();
      else setImmediate(() => answer.destroy(new Error('aborted')));
      const status = { statusCode: ranges && from > 0 ? 206 : 200 };
      return Promise.resolve(Object.assign(answer, status) as unknown as IncomingMessage);
    };
    const file = { path: 'model.onnx', sizeBytes: CONTENT.length, sha256, identity: '', open };
    return transfer(file, path, { signal: new AbortController().signal, maxBytes: 100 });
  }

  it('goes on behind all that came before an answer broke off', async () => {
    expect(await fetch(10)).toBe(CONTENT.length);
    expect(readFileSync(path)).toEqual(CONTENT);
    expect(asked).toEqual([0, 10, 20]);
  });

  it('begins anew where a server gives all of it again', async () => {
    writeFileSync(path, 'something');
    await fetch(CONTENT.length, false);
    expect(readFileSync(path)).toEqual(CONTENT);
    expect(asked).toEqual([9]);
  });

  it('holds a file to the digest of all of it, wherever it went on', async () => {
    expect(await fetch(10, true, SHA256)).toBe(CONTENT.length);
    writeFileSync(path, 'something');
    await fetch(CONTENT.length, false, SHA256);
    writeFileSync(path, CONTENT.subarray(0, 7));
    await fetch(10, true, SHA256);
    expect(readFileSync(path)).toEqual(CONTENT);
    expect(asked).toEqual([0, 10, 20, 9, 7, 17]);
    await fetch(10, true, SHA256);
    expect(asked).toHaveLength(6);
    writeFileSync(path, 'something');
    await expect(fetch(CONTENT.length, true, SHA256)).rejects.toThrow(`and ${SHA256} was expected`);
    expect(existsSync(path)).toBe(false);
  });

  it('writes what comes together, and all of it', async () => {
    const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(1000, i));
    const file = await open(path, 'w');
    const writes = new GatheredWrites(file, 5);
    for (const piece of pieces) await writes.add(piece);
    await writes.end();
    await file.close();
    expect(readFileSync(path).subarray(5).equals(Buffer.concat(pieces))).toBe(true);
  });
});
