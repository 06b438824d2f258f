import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelFolder } from './model-folder';

describe('a model folder that changes while it is looked at', () => {
  let dir: string;
  beforeEach(() => (dir = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-folder-')))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const put = async (name: string, text = 'model'): Promise<void> => {
    await mkdir(join(dir, name, '1'), { recursive: true });
    await writeFile(join(dir, name, '1', 'model.onnx'), text);
  };
  const namesIn = async (folder: ModelFolder): Promise<string[]> =>
    (await folder.scan()).models.filter(({ versions }) => versions.length > 0).map(({ name }) => name);

  it('is found as it was or as it is, and what stays is always found', async () => {
    const stay = Array.from({ length: 60 }, (_, i) => `stays${i}`);
    const come = Array.from({ length: 60 }, (_, i) => `comes${i}`);
    const go = Array.from({ length: 60 }, (_, i) => `goes${i}`);
    await Promise.all([...stay, ...go].map((name) => put(name)));
    const folder = new ModelFolder(dir);
    const state = { changing: true };
    const change = (async (): Promise<void> => {
      for (const [i, name] of come.entries()) {
        await put(name);
        await rm(join(dir, go[i]!), { recursive: true });
        await writeFile(join(dir, stay[i]!, '1', 'model.onnx.part'), 'larger model');
        await rename(join(dir, stay[i]!, '1', 'model.onnx.part'), join(dir, stay[i]!, '1', 'model.onnx'));
      }
      state.changing = false;
    })();
    let scans = 0;
    do {
      const { models, faults } = await folder.scan();
      const found = new Set(models.filter(({ versions }) => versions.length > 0).map(({ name }) => name));
      expect(stay.filter((name) => !found.has(name))).toEqual([]);
      expect(faults).toEqual([]);
      scans++;
    } while (state.changing);
    await change;
    expect(scans).toBeGreaterThan(1);
    expect(await namesIn(folder)).toEqual([...come, ...stay].sort());
    expect((await folder.find('stays1'))?.versions[0]?.sizeBytes).toBe('larger model'.length);
  });

  it('is looked at again where another model has taken the place of one that went', async () => {
    await put('m', 'one');
    const folder = new ModelFolder(dir);
    await folder.find('m');
    await rm(join(dir, 'm'), { recursive: true });
    expect(await folder.find('m')).toBeUndefined();
    await put('m', 'another');
    expect((await folder.find('m'))?.versions[0]?.sizeBytes).toBe('another'.length);
  });
});
