import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { temporaryFolder } from '../../../../test/helpers/model-folder';
import { transfer } from './transfer';

const CONTENT = Buffer.from('what a model is made of');

describe('the transfer of a file', () => {
  const folder = temporaryFolder();
  const asked: number[] = [];
  let path: string;
  beforeEach(() => {
    asked.length = 0;
    path = join(folder, String(Math.random()));
  });

  /** Answers that bring so many bytes each, and then break off at once where there is more. */
  function fetch(bytes: number, ranges = true): Promise<number> {
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
    const file = { path: 'model.onnx', sizeBytes: CONTENT.length, sha256: undefined, identity: '', open };
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
});
