import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fileDigest from '../../common/file-digest';
import { temporaryFolder } from '../../../test/helpers/model-folder';
import { contentDigest, type VersionFiles } from './content-digest';
import { KnownDigests } from './known-digests';

const dir = temporaryFolder();

function filesOf(name: string, text: string): VersionFiles {
  const modelFile = join(dir, name);
  writeFileSync(modelFile, text);
  return { modelFile, externalData: [] };
}

describe('KnownDigests', () => {
  let reads: jest.SpyInstance;
  beforeEach(() => (reads = jest.spyOn(fileDigest, 'sha256OfFile')));
  afterEach(() => reads.mockRestore());

  it('reads a file once for all who ask at the same time', async () => {
    const files = filesOf('once', 'a');
    const digests = new KnownDigests();
    const all = await Promise.all([1, 2, 3].map(() => digests.of({ files, resultSettings: ['all'] })));
    expect(reads).toHaveBeenCalledTimes(1);
    expect(new Set(all)).toEqual(new Set([await contentDigest(files, ['all'])]));
  });

  it('reads again what was written, and what is so young that the next change may not show', async () => {
    const files = filesOf('changed', 'a');
    const digests = new KnownDigests();
    const before = await digests.of({ files, resultSettings: [] });
    writeFileSync(files.modelFile, 'b');
    expect(await digests.of({ files, resultSettings: [] })).not.toBe(before);
    await digests.of({ files, resultSettings: [] });
    expect(reads).toHaveBeenCalledTimes(3);
  });

  it('tells settings apart, and forgets what failed', async () => {
    const files = filesOf('settings', 'a');
    const digests = new KnownDigests();
    const one = await digests.of({ files, resultSettings: ['all'] });
    expect(await digests.of({ files, resultSettings: ['basic'] })).not.toBe(one);
    renameSync(files.modelFile, `${files.modelFile}.away`);
    await expect(digests.of({ files, resultSettings: ['all'] })).rejects.toMatchObject({
      code: 'model_unavailable',
    });
    renameSync(`${files.modelFile}.away`, files.modelFile);
    utimesSync(files.modelFile, 1000, 1000);
    expect(await digests.of({ files, resultSettings: ['all'] })).toBe(one);
  });
});
