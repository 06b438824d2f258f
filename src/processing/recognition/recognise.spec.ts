import { assetsOf } from '../testing/assets';
import { pythonLiteral } from './python-literal';
import { recognise } from './recognise';
import { type FileFacts, NOTHING_SAID } from './recognised';

const VIT = { architectures: ['ViTForImageClassification'], id2label: { '0': 'cat', '1': 'dog' } };
const PROCESSOR = {
  do_resize: true,
  size: { height: 224, width: 224 },
  resample: 3,
  do_rescale: true,
  rescale_factor: 0.00392156862745098,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

const NONE = { input: {}, output: {} };

function said(facts: Partial<FileFacts>): FileFacts {
  return { ...NOTHING_SAID, ...facts };
}

async function keysOf(
  config: object,
  preprocessor: object | undefined,
): Promise<{ input: unknown; output: unknown; reason: string }> {
  const files: Record<string, string> = { 'config.json': JSON.stringify(config) };
  if (preprocessor !== undefined) files['preprocessor_config.json'] = JSON.stringify(preprocessor);
  const { facts, reason } = await recognise(assetsOf(files), NOTHING_SAID, NONE);
  const side = (wanted: string): unknown =>
    Object.fromEntries(facts.filter((one) => one.side === wanted).map(({ key, value }) => [key, value]));
  return { input: side('input'), output: side('output'), reason };
}

describe('a Hugging Face folder', () => {
  it('says recipe, labels and activation of an image classifier', async () => {
    expect(await keysOf(VIT, PROCESSOR)).toEqual({
      input: {
        type: 'image',
        resize: { height: 224, width: 224, filter: 'bicubic' },
        scale: 0.00392156862745098,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      output: { type: 'classification', activation: 'softmax', labels: { '0': 'cat', '1': 'dog' } },
      reason: '',
    });
  });

  it('says recipe and classes of one that parts pictures, and when it is a regression', async () => {
    const segformer = { ...VIT, architectures: ['SegformerForSemanticSegmentation'] };
    expect(await keysOf(segformer, PROCESSOR)).toMatchObject({
      input: { type: 'image', resize: { height: 224, width: 224 } },
      output: { type: 'mask', labels: { '0': 'cat', '1': 'dog' } },
      reason: '',
    });
    const { output } = await keysOf({ ...VIT, problem_type: 'regression' }, PROCESSOR);
    expect(output).toEqual({ type: 'regression', labels: { '0': 'cat', '1': 'dog' } });
  });

  it('has several labels at a time where its problem is such', async () => {
    const { output } = await keysOf({ ...VIT, problem_type: 'multi_label_classification' }, PROCESSOR);
    expect(output).toMatchObject({ activation: 'sigmoid' });
  });

  it('crops as its processor does', async () => {
    const bit = {
      ...PROCESSOR,
      size: { shortest_edge: 256 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
    };
    expect((await keysOf(VIT, bit)).input).toMatchObject({
      resize: { shorter: 256, filter: 'bicubic' },
      crop: { width: 224, height: 224, round: 'floor' },
    });
  });

  it.each([
    [224, { resize: { shorter: 256 }, crop: { width: 224, height: 224 } }],
    [384, { resize: { width: 384, height: 384 } }],
  ])("resizes as ConvNeXt's does at %i", async (size, keys) => {
    const convNext = { ...PROCESSOR, size: { shortest_edge: size }, crop_pct: 0.875 };
    expect((await keysOf(VIT, convNext)).input).toMatchObject(keys);
  });

  it('has no steps that are switched off', async () => {
    const none = { ...PROCESSOR, do_resize: false, do_rescale: false, do_normalize: false };
    expect((await keysOf(VIT, none)).input).toEqual({ type: 'image' });
  });

  it.each([
    [{ ...PROCESSOR, do_pad: true }, 'preprocessor_config.json pads pictures, which is not understood'],
    [{ ...PROCESSOR, keep_aspect_ratio: true }, 'preprocessor_config.json resizes by its own rule'],
    [{ ...PROCESSOR, size_divisor: 32 }, 'preprocessor_config.json resizes by its own rule'],
    [{ ...PROCESSOR, size: { longest_edge: 9 } }, 'has a size of {"longest_edge":9}'],
    [{ ...PROCESSOR, resample: 9 }, 'resamples by 9'],
    [undefined, 'config.json names ViTForImageClassification, and there is no preprocessor_config.json'],
  ])('is never guessed at: %j', async (preprocessor, reason) => {
    const found = await keysOf(VIT, preprocessor);
    expect(found).toMatchObject({ input: {}, output: {} });
    expect(found.reason).toContain(reason);
  });

  it('says why nothing of it was used', async () => {
    const { reason } = await keysOf({ architectures: ['BertForMaskedLM'] }, undefined);
    expect(reason).toBe('config.json names BertForMaskedLM, for which there is no output type');
  });

  it('is refused with a file that is no JSON', async () => {
    await expect(recognise(assetsOf({ 'config.json': 'null' }), NOTHING_SAID, NONE)).rejects.toThrow(
      'config.json is no JSON object; with "pipeline: off" it is not read',
    );
  });
});

describe('an export of ultralytics', () => {
  const metadata = new Map([
    ['author', 'Ultralytics'],
    ['task', 'detect'],
    ['names', "{0: 'person', 1: \"dog's\"}"],
    ['imgsz', '[480, 640]'],
  ]);

  it('says size, labels and layout in its own metadata', async () => {
    const { facts } = await recognise(assetsOf(), said({ metadata }), NONE);
    const found = Object.fromEntries(facts.map(({ side, key, value }) => [`${side}.${key}`, value]));
    expect(found).toMatchObject({
      'input.resize': { fit: [640, 480], pad: 114, anchor: 'center', antialias: false },
      'input.scale': '1/255',
      'output.type': 'detection',
      'output.layout': 'yolov8',
      'output.labels': { '0': 'person', '1': "dog's" },
    });
    expect(new Set(facts.map(({ from }) => from))).toEqual(new Set(['metadata of model.onnx']));
  });

  it('says why nothing of it was used', async () => {
    const { reason } = await recognise(
      assetsOf(),
      said({ metadata: new Map([...metadata, ['task', 'pose']]) }),
      NONE,
    );
    expect(reason).toContain('is for the task "pose", for which there is no output type');
  });
});

describe('a pipeline of scikit-learn', () => {
  const column = (name: string, isImputed = false): FileFacts['columns'][number] => ({ name, isImputed });
  const pipeline = said({ producer: 'skl2onnx', columns: [column('age', true), column('sex')] });
  const keys = async (
    file: FileFacts,
    given: Parameters<typeof recognise>[2] = NONE,
  ): Promise<readonly unknown[]> => {
    const { facts, reason } = await recognise(undefined, file, given);
    return [...facts.map(({ name, key, value }) => [name, key, value]), reason];
  };

  it('is a table of its columns, also where the folder is not its own', async () => {
    const columns = { age: { missing: 'nan' }, sex: {} };
    expect(await keys(pipeline)).toEqual([['row', 'type', 'table'], ['row', 'columns', columns], '']);
    const { facts } = await recognise(undefined, pipeline, NONE);
    expect(new Set(facts.map(({ from }) => from))).toEqual(new Set(['inputs of model.onnx, by skl2onnx']));
  });

  it.each<readonly [string, string[], unknown[]]>([
    ['whose columns are numbers, in their order', ['1', '0'], ['row', 'columns', ['1', '0']]],
    ['with a column of that name', ['row', 'sex'], ['table', 'columns', ['row', 'sex']]],
    ['of one column', ['review'], ['row', 'columns', ['review']]],
  ])('is one %s', async (_what, names, fact) => {
    const columns = names.map((name) => column(name, name === '1'));
    expect(await keys(said({ producer: 'OnnxMLTools', columns }))).toContainEqual(fact);
  });

  it('is none with a matrix, whose columns have no names, and says so unless they are declared', async () => {
    const matrix = said({ producer: 'skl2onnx' });
    expect(await keys(matrix)).toEqual([expect.stringContaining('are no columns with names')]);
    expect(await keys(matrix, { input: { x: { type: 'table' } }, output: {} })).toEqual(['']);
  });

  it.each([
    ['another exporter', said({ columns: pipeline.columns, producer: 'pytorch' }), NONE],
    ['outputs that are declared alone, for tensors', pipeline, { input: {}, output: { y: {} } }],
  ])('is none with %s', async (_what, file, given) => {
    expect(await keys(file, given)).toEqual(['']);
  });
});

describe("a literal of Python's", () => {
  it.each([
    ['[640, 640]', [640, 640]],
    ["{0: 'a', 1: 'b\\'c', }", { '0': 'a', '1': "b'c" }],
    ['(1, -2.5, 1e3)', [1, -2.5, 1000]],
    ['True', true],
    ['{}', {}],
  ])('is read: %s', (text, value) => {
    expect(pythonLiteral(text)).toEqual(value);
  });

  it.each(['', '[1', '{1}', 'x', '__import__("os")', '[1] [2]', '['.repeat(100)])(
    'is nothing else: %s',
    (text) => {
      expect(pythonLiteral(text)).toBeUndefined();
    },
  );
});
