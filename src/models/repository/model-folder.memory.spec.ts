import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelFolder } from './model-folder';

/** Longer ago than a file system's times are coarse, for what was written; its `ctime` cannot be set. */
const LONG_AGO = new Date(Date.now() - 60_000);

describe('what is remembered of a model folder', () => {
  let dir: string;
  let nowMs: number;
  const put = (path: string, text: string): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
    utimesSync(join(dir, path), LONG_AGO, LONG_AGO);
  };
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-memory-')));
    nowMs = Date.now() + 10_000;
    // As if all that was written some time ago.
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(dir, { recursive: true });
  });

  it('is the same as long as nothing changes, and seen to change when anything does', async () => {
    put('m/1/model.onnx', 'one');
    const folder = new ModelFolder(dir);
    const first = await folder.find('m');
    expect(await folder.find('m')).toBe(first);
    put('m/model.yaml', 'description: new');
    const described = await folder.find('m');
    expect(described?.yaml).toBe('description: new');
    put('m/model.yaml', 'description: old');
    expect((await folder.find('m'))?.yaml).toBe('description: old');
    put('m/2/model.onnx', 'two, longer');
    expect((await folder.find('m'))?.versions.map(({ version }) => version)).toEqual(['1', '2']);
    put('m/2/model.onnx', 'two');
    expect((await folder.find('m'))?.versions[1]?.sizeBytes).toBe(3);
    renameSync(join(dir, 'm'), join(dir, 'n'));
    expect(await folder.find('m')).toBeUndefined();
    expect((await folder.find('n'))?.versions).toHaveLength(2);
  });

  it('holds for the flat layout, too', async () => {
    put('m.onnx', 'one');
    const folder = new ModelFolder(dir);
    expect(await folder.find('m')).toBe(await folder.find('m'));
    put('m.yaml', 'weight: 2');
    expect((await folder.find('m'))?.yaml).toBe('weight: 2');
    put('m.yaml', 'weight: 3');
    expect((await folder.find('m'))?.yaml).toBe('weight: 3');
  });

  it('is nothing while files are so young that a change may not show in their times', async () => {
    nowMs -= 10_000;
    put('m/1/model.onnx', 'one');
    const folder = new ModelFolder(dir);
    const first = await folder.find('m');
    expect(await folder.find('m')).not.toBe(first);
    expect(await folder.find('m')).toEqual(first);
  });

  it('is nothing where something is wrong', async () => {
    put('m/1/model.onnx', 'one');
    put('m/x/model.onnx', 'no version');
    const folder = new ModelFolder(dir);
    const first = await folder.find('m');
    expect(first?.faults).toHaveLength(1);
    expect(await folder.find('m')).not.toBe(first);
  });
});
