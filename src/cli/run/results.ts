import { createReadStream } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';

const LF = 0x0a;

/** Where answers go, whole lines at a time. */
export interface Results {
  /** @throws what the system says: `ENOSPC`; `EPIPE` where a reader has seen enough */
  write(lines: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** A file that an earlier run may have begun, or standard output. */
export async function openResults(file: string | undefined, mode: 'begin' | 'go on'): Promise<Results> {
  if (file === undefined) return STANDARD_OUTPUT;
  return new ResultsFile(await open(file, mode === 'begin' ? 'w' : 'a'));
}

class ResultsFile implements Results {
  constructor(private readonly file: FileHandle) {}

  async write(lines: Buffer): Promise<void> {
    await this.file.appendFile(lines);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const STANDARD_OUTPUT: Results = {
  write: (lines) =>
    new Promise((resolve, reject) => {
      process.stdout.write(lines, (error) => (error ? reject(error) : resolve()));
    }),
  close: () => Promise.resolve(),
};

/** How many lines of an earlier run are there; what it did not write to its end is cut off. */
export async function linesThere(file: string | undefined): Promise<number> {
  if (file === undefined) return 0;
  let lines = 0;
  let at = 0;
  let end = 0;
  try {
    for await (const chunk of createReadStream(file)) {
      const bytes = chunk as Buffer;
      for (let i = bytes.indexOf(LF); i !== -1; i = bytes.indexOf(LF, i + 1)) {
        lines++;
        end = at + i + 1;
      }
      at += bytes.length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  if (end < at) await truncate(file, end);
  return lines;
}
