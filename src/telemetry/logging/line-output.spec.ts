import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LineOutput } from './line-output';

const LINE_BYTES = 100;
const LINES = 10_000;
const MAX_PENDING_BYTES = 65_536;

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nestor-output-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

function pipe(): { reader: number; writer: number } {
  const path = join(dir, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, 'w') };
}

/** What is in the pipe now. */
function readNow(fd: number): string {
  const chunk = Buffer.alloc(65_536);
  let text = '';
  for (;;) {
    try {
      const bytes = readSync(fd, chunk);
      if (bytes === 0) return text;
      text += chunk.toString('latin1', 0, bytes);
    } catch {
      return text;
    }
  }
}

const line = (index: number) => `${String(index).padEnd(LINE_BYTES - 1, '.')}\n`;

describe('LineOutput', () => {
  it('neither waits nor grows when its reader is stuck, tears no line and counts the dropped ones', async () => {
    const { reader, writer } = pipe();
    let dropped: number | undefined;
    const output = new LineOutput(writer, {
      maxPendingBytes: MAX_PENDING_BYTES,
      onRecovered: (lines) => (dropped = lines),
    });
    const reused = Buffer.alloc(LINE_BYTES);
    for (let index = 0; index < LINES; index += 1) {
      reused.write(line(index));
      output.write(reused);
    }
    expect(output.pendingBytes).toBeLessThanOrEqual(MAX_PENDING_BYTES + LINE_BYTES);

    let text = '';
    while (dropped === undefined) {
      text += readNow(reader);
      await setImmediate();
    }
    text += readNow(reader);
    const read = text.split(/(?<=\n)/);
    expect(read).toEqual(read.map((_, index) => line(index)));
    expect(read.length + dropped).toBe(LINES);
    await output.close();
  });

  it('writes what waits before it closes', async () => {
    const { reader, writer } = pipe();
    const output = new LineOutput(writer, { maxPendingBytes: LINES * LINE_BYTES });
    for (let index = 0; index < 2_000; index += 1) output.write(line(index));
    let closed = false;
    const closing = output.close().then(() => (closed = true));
    let text = '';
    while (!closed) {
      text += readNow(reader);
      await setImmediate();
    }
    await closing;
    expect((text + readNow(reader)).length).toBe(2_000 * LINE_BYTES);
  });

  it('survives a reader that has gone', () => {
    const { reader, writer } = pipe();
    const output = new LineOutput(writer, { maxPendingBytes: MAX_PENDING_BYTES });
    closeSync(reader);
    expect(() => output.write(line(1))).not.toThrow();
    expect(output.pendingBytes).toBe(0);
  });

  it('survives a full disk, and reports nothing to an output that fails', () => {
    const output: LineOutput = new LineOutput(openSync('/dev/full', 'w'), {
      maxPendingBytes: MAX_PENDING_BYTES,
      onRecovered: () => output.write('recovered\n'),
    });
    expect(() => output.write(line(1))).not.toThrow();
    expect(() => output.write(line(2))).not.toThrow();
  });

  it('appends to a file that the console is redirected to', async () => {
    const path = join(dir, 'file');
    const output = new LineOutput(openSync(path, 'a'), { maxPendingBytes: MAX_PENDING_BYTES });
    output.write('one\n');
    output.write('two\n');
    await output.close();
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  });
});
