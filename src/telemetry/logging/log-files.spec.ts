import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { LogFiles } from './log-files';

// So often that a look finds files which are not opened yet.
const CHECK_MS = 1;
/** Where a gzip file says how hard it was compressed, and what it says of the fastest way (RFC 1952). */
const GZIP_EXTRA_FLAGS = 8;
const GZIP_FASTEST = 4;

let root: string;
let dir: string;
let notes: { msg: string; fields: object }[];
let files: LogFiles;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nestor-files-'));
  dir = join(root, 'logs');
  notes = [];
});

afterEach(async () => {
  await files.close();
  rmSync(root, { recursive: true });
});

function open(fileMaxBytes = 1_048_576): void {
  files = new LogFiles(
    dir,
    { fileMaxBytes, filesKept: 2 },
    (_, msg, fields) => notes.push({ msg, fields }),
    CHECK_MS,
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

const told = (msg: string) => () => notes.some((note) => note.msg === msg);
const contains = (name: string, text: string) => () =>
  existsSync(join(dir, name)) && readFileSync(join(dir, name), 'utf8').includes(text);

describe('LogFiles', () => {
  it('warns once of a folder that cannot be made, and writes when it can', async () => {
    writeFileSync(dir, 'a file stands where the folder would be');
    open();
    files.write('app', Buffer.from('lost\n'));
    await until(told('log files are switched off'));
    files.write('app', Buffer.from('lost as well\n'));
    await setTimeout(3 * CHECK_MS);
    expect(notes.map((note) => note.msg)).toEqual(['log files are switched off']);

    rmSync(dir);
    await until(told('log files are written again'));
    expect(notes.at(-1)?.fields).toMatchObject({ lostLines: 2 });
    files.write('error', Buffer.from('kept\n'));
    await until(contains('error.log', 'kept\n'));
  });

  it('survives a rotation that fails', async () => {
    mkdirSync(join(dir, 'app.log.1.gz'), { recursive: true });
    mkdirSync(join(dir, 'app.log.2.gz', 'not empty'), { recursive: true });
    open(10);
    files.write('app', Buffer.from('more than ten bytes\n'));
    await until(told('log files are switched off'));
    expect(() => files.write('app', Buffer.from('lost\n'))).not.toThrow();
  });

  it('makes the files anew when somebody has removed the folder', async () => {
    open();
    files.write('app', Buffer.from('one\n'));
    await until(() => ['app', 'access', 'error'].every((name) => contains(`${name}.log`, '')()));
    rmSync(dir, { recursive: true });
    await until(told('log files had been removed and are opened anew'));
    files.write('app', Buffer.from('two\n'));
    await until(contains('app.log', 'two\n'));
  });

  it('keeps no more compressed files than it is told', async () => {
    open(10);
    for (let index = 0; index < 4; index += 1) files.write('app', Buffer.alloc(200_000, `${index}\n`));
    await files.close();
    expect(
      ['app.log.1.gz', 'app.log.2.gz', 'app.log.3.gz'].map((name) => existsSync(join(dir, name))),
    ).toEqual([true, true, false]);
  });

  it('compresses at the speed of the requests', async () => {
    open(10);
    files.write('app', Buffer.from('more than ten bytes\n'));
    await files.close();
    const compressed = readFileSync(join(dir, 'app.log.1.gz'));
    expect(gunzipSync(compressed).toString()).toBe('more than ten bytes\n');
    expect(compressed[GZIP_EXTRA_FLAGS]).toBe(GZIP_FASTEST);
  });

  it('appends what waits when the process ends', async () => {
    open();
    await until(contains('app.log', ''));
    for (let index = 0; index < 10; index += 1) files.write('app', Buffer.from(`${index}\n`));
    files.flushSync();
    expect(readFileSync(join(dir, 'app.log'), 'utf8')).toContain('9\n');
  });
});
