import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityModel } from '../../../test/helpers/onnx-models';
import { contentDigest } from '../repository/content-digest';
import { KnownContents } from './known-contents';

describe('what is known of model files', () => {
  let dir: string;
  let modelFile: string;
  const put = (model: Uint8Array): void => {
    writeFileSync(modelFile, model);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(modelFile, longAgo, longAgo);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nestor-contents-'));
    modelFile = join(dir, 'model.onnx');
    const nowMs = Date.now() + 10_000;
    // As if the files had been written some time ago.
    jest.spyOn(Date, 'now').mockReturnValue(nowMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(dir, { recursive: true });
  });

  it('is read once for each state of the files', async () => {
    const known = new KnownContents();
    put(identityModel('FP32'));
    const first = await known.look(modelFile);
    const digest = await first.digest(['all']);
    expect(digest).toBe(await contentDigest({ modelFile, externalData: [] }, ['all']));
    const second = await known.look(modelFile);
    expect(await second.digest(['all'])).toBe(digest);
    expect(second.externalData).toBe(first.externalData);
    expect(await second.digest(['basic'])).not.toBe(digest);
  });

  it('is another thing once the files have changed, be they as large as before', async () => {
    const known = new KnownContents();
    put(identityModel('FP32'));
    const before = await (await known.look(modelFile)).digest([]);
    put(identityModel('INT32'));
    const after = await (await known.look(modelFile)).digest([]);
    expect(after).not.toBe(before);
    expect(after).toBe(await contentDigest({ modelFile, externalData: [] }, []));
  });
});
