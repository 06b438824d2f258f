import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isUnchanged, isUnchangedNow, settledStampOf, stampOf } from './file-stamp';

describe('the stamp of files', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nestor-stamp-'));
    file = join(dir, 'w');
    await writeFile(file, 'abc');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(dir, { recursive: true });
  });

  it('is the same while nobody touches them', async () => {
    const stamp = await stampOf([dir, file]);
    expect((await stampOf([dir, file])).text).toBe(stamp.text);
    expect([await isUnchanged(stamp), isUnchangedNow(stamp)]).toEqual([true, true]);
  });

  it('is another one after a file was written, replaced by one with the same bytes, or taken away', async () => {
    const stamps = [await stampOf([file])];
    await writeFile(file, 'abd');
    stamps.push(await stampOf([file]));
    await rm(file);
    await writeFile(file, 'abd');
    stamps.push(await stampOf([file]));
    expect(new Set(stamps.map(({ text }) => text)).size).toBe(3);
    expect(await Promise.all(stamps.map(isUnchanged))).toEqual([false, false, true]);
    expect(stamps.map(isUnchangedNow)).toEqual([false, false, true]);
    await rm(file);
    expect([await isUnchanged(stamps[2]!), isUnchangedNow(stamps[2]!)]).toEqual([false, false]);
  });

  it('of a folder changes with the names in it', async () => {
    const stamp = await stampOf([dir]);
    await writeFile(join(dir, 'v'), '');
    expect(isUnchangedNow(stamp)).toBe(false);
  });

  it('is settled when a later change could not hide in times that are too coarse', async () => {
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(file, longAgo, longAgo);
    // Its own change is as young as this test.
    expect(await settledStampOf([file])).toBeUndefined();
    const nowMs = Date.now() + 10_000;
    jest.spyOn(Date, 'now').mockReturnValue(nowMs);
    expect(await settledStampOf([file])).toEqual(await stampOf([file]));
  });

  it('names no folder when a file is gone', async () => {
    await rm(file);
    await expect(stampOf([file])).rejects.toThrow(/^w cannot be read: there is nothing$/);
  });
});
