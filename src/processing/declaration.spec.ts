import { readKeys } from '../config/yaml/readers';
import { readYamlMapping } from '../config/yaml/yaml-mapping';
import type { DomainError } from '../errors/domain-error';
import { type DeclarationConfig, DECLARATION_KEYS, declarationOf } from './declaration';
import type { Signature } from './declared-type';
import { bindPipeline, type Pipeline } from './pipeline';
import { type Fact, NOTHING_RECOGNISED } from './recognition/recognised';
import { assetsOf } from './testing/assets';

const CATS: Signature = {
  inputs: [{ name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, 224, 224] }],
  outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 2] }],
};

const TORCHVISION = `
input:
  image:
    type: image
    resize: { shorter: 256, filter: bicubic }
    crop: { width: 224, height: 224 }
    scale: 1/255
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
output:
  labels: { type: classification, labels: [tabby, tiger] }
`;

function read(yaml: string): { config: DeclarationConfig; faults: string[] } {
  const faults: string[] = [];
  const config = readKeys(readYamlMapping(yaml, faults), DECLARATION_KEYS, faults);
  return { config, faults };
}

function bind(
  yaml: string,
  signature: Signature = CATS,
  facts: readonly Fact[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<Pipeline | undefined> {
  const { config, faults } = read(yaml);
  expect(faults).toEqual([]);
  return bindPipeline(declarationOf(config, { facts, reason: '' }), signature, assetsOf(files));
}

async function faultsOf(yaml: string, signature: Signature = CATS, files = {}): Promise<readonly string[]> {
  const error = (await bind(yaml, signature, [], files).catch((thrown: unknown) => thrown)) as DomainError;
  expect(error.code).toBe('model_unavailable');
  return error.details ?? [error.message];
}

describe('a declaration in model.yaml', () => {
  it('becomes the plan of a recipe, checked against the session', async () => {
    const pipeline = await bind(TORCHVISION);
    expect(pipeline?.inputs[0]?.plan).toEqual({
      type: 'image',
      name: 'image',
      to: CATS.inputs[0],
      covers: ['pixel_values'],
      orient: 'exif',
      color: 'rgb',
      resize: { mode: 'shorter', size: 256 },
      filter: 'bicubic',
      antialias: true,
      crop: { width: 224, height: 224, round: 'half_even' },
      scale: { times: 1, over: 255 },
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      layout: 'nchw',
    });
    expect(pipeline?.outputs).toEqual([
      {
        type: 'classification',
        name: 'labels',
        from: 'logits',
        activation: 'softmax',
        labels: ['tabby', 'tiger'],
        topK: 5,
      },
    ]);
    expect(pipeline?.options).toEqual(['top_k']);
  });

  it('says where each value is from', async () => {
    const pipeline = await bind(TORCHVISION);
    const [image] = pipeline?.resolved.input ?? [];
    expect(image).toMatchObject({
      name: 'image',
      type: 'image',
      keys: {
        scale: { value: '1/255', from: 'model.yaml' },
        orient: { value: 'exif', from: 'default' },
        to: { value: 'pixel_values', from: 'model' },
        layout: { value: 'nchw', from: 'model' },
        color: { value: 'rgb', from: 'model' },
      },
    });
  });

  it('is completed key by key by what files say, under the name that it gives', async () => {
    const fact = (key: string, value: Fact['value']): Fact => ({
      side: 'input',
      name: 'image',
      key,
      value,
      from: 'preprocessor_config.json',
    });
    const facts = [
      fact('type', 'image'),
      fact('resize', { width: 224, height: 224, filter: 'bilinear' }),
      fact('scale', 0.5),
    ];
    const pipeline = await bind('input: { photo: { type: image, scale: 1/255 } }', CATS, facts);
    const [photo] = pipeline?.resolved.input ?? [];
    expect(photo?.name).toBe('photo');
    expect(photo?.keys.scale).toEqual({ value: '1/255', from: 'model.yaml' });
    expect(photo?.keys.resize?.from).toBe('preprocessor_config.json');
    expect(pipeline?.inputs).toHaveLength(1);
  });

  it('takes nothing from files that mean another type', async () => {
    const facts: Fact[] = [
      { side: 'output', name: 'labels', key: 'type', value: 'classification', from: 'config.json' },
      { side: 'output', name: 'labels', key: 'activation', value: 'sigmoid', from: 'config.json' },
    ];
    const pipeline = await bind(
      `${TORCHVISION.split('output:')[0]}\noutput: { vector: { type: embedding } }`,
      CATS,
      facts,
    );
    expect(pipeline?.outputs).toEqual([
      { type: 'embedding', name: 'vector', from: 'logits', pooling: 'none', normalize: false },
    ]);
  });

  it('is no pipeline where there is nothing of it', async () => {
    expect(await bind('{}')).toBeUndefined();
  });

  it("answers the model's own outputs where it declares none", async () => {
    const pipeline = await bind(TORCHVISION.split('output:')[0] ?? '');
    expect(pipeline?.outputs).toEqual([{ type: 'raw', name: 'logits', from: 'logits' }]);
  });

  it('names classes of plain tensors where it declares outputs alone', async () => {
    const pipeline = await bind('output: { labels: { type: classification, labels: names.txt } }', CATS, [], {
      'names.txt': 'tabby\r\ntiger\n',
    });
    expect(pipeline?.inputs).toEqual([]);
    expect(pipeline?.outputs[0]).toMatchObject({ labels: ['tabby', 'tiger'] });
  });

  it.each([
    ['input: [image]', 'input: must be a mapping of at most 32 names to declarations'],
    ['input: { image: { type: picture } }', 'input: image: type: must be one of image'],
    ['input: { image: { type: image, colour: rgb } }', 'input: image: colour: unknown key'],
    [
      'input: { image: { type: image, std: 0 } }',
      'input: image: std: must be a number other than 0, or 3 of them',
    ],
    ['input: { image: { type: image, scale: 1/0 } }', 'input: image: scale: must be a number, or a fraction'],
    [
      'input: { image: { type: image, resize: { shorter: 9, width: 9 } } }',
      'input: image: resize: must have one of',
    ],
    ['input: { image: { type: image, resize: { shorter: 0 } } }', 'must be a whole number from 1 to 8192'],
    ['input: { "a b": { type: image } }', 'input: a b: is no name'],
    ['input: { top_k: { type: image } }', 'input: top_k: is the name of an option'],
    [
      'output: { labels: { type: classification, top_k: 0 } }',
      'output: labels: top_k: must be a whole number',
    ],
    ['output: { labels: { type: classification, labels: ../secret } }', 'output: labels: labels: must be'],
    ['output: { price: { type: regression, unit: euro } }', 'output: price: unit: unknown key'],
    ['output: { mask: { type: mask, layout: chw } }', 'output: mask: layout: must be one of nchw, nhwc'],
    ['output: { mask: { type: mask, size: 3 } }', 'output: mask: size: must be one of picture, model'],
    ['output: { mask: { type: mask, threshold: x } }', 'output: mask: threshold: must be a number'],
    ['pipeline: on', 'pipeline: must be one of auto, off'],
  ])('refuses %s', (yaml, fault) => {
    expect(read(yaml).faults.join('\n')).toContain(fault);
  });

  it.each([
    ['to: other', 'to: the model has no input other; its inputs are pixel_values'],
    ['color: grey', 'color: gives 1 channels, and pixel_values is [-1, 3, 224, 224]'],
    ['layout: nhwc', 'color: gives 3 channels'],
    ['layout: nhw', 'layout: must be nhw, which has 3 dimensions'],
    [
      'crop: { width: 256, height: 224 }',
      'resize, crop: make pictures of 256 x 224, and pixel_values takes 224 x 224',
    ],
    ['orient: none', 'resize: must say how a picture becomes 224 x 224, the size of pixel_values'],
  ])('is held against the session: %s', async (key, fault) => {
    expect((await faultsOf(`input: { image: { type: image, ${key} } }`)).join('\n')).toContain(fault);
  });

  it.each<readonly [string, readonly number[], string]>([
    ['type: regression', [-1, 3], 'labels: must name the 3 numbers that logits has for each row'],
    ['type: regression, labels: [a, b]', [-1, 3], 'labels: are 2, but logits has 3 numbers for each row'],
    ['type: regression, labels: [a, a]', [-1, 2], 'labels: must be different, without dots, and none'],
    ['type: regression, labels: [a, counts]', [-1, 2], 'labels: must be different, without dots, and none'],
    ['type: regression', [], 'from: needs numbers of shape [rows, ...], and logits is FP32 []'],
    ['type: regression, from: other', [-1], 'from: the model has no output other; its outputs are logits'],
    ['type: mask', [-1, 2], 'from: needs numbers of shape [rows, classes, height, width], or of'],
    ['type: mask, labels: [a]', [-1, 2, 8, 8], 'labels: are 1, but the model has 2 classes'],
    ['type: mask, labels: [a]', [-1, 8, 8], 'labels: are 1, but the model has 2 classes'],
    ['type: mask, layout: nhwc, labels: [a]', [-1, 8, 8, 4], 'labels: are 1, but the model has 4 classes'],
  ])('is held against the outputs of the session: %s of %j', async (keys, shape, fault) => {
    const signature = { ...CATS, outputs: [{ ...CATS.outputs[0]!, shape }] };
    const [told] = await faultsOf(`output: { y: { ${keys} } }`, signature);
    expect(told).toContain(`output: y: ${fault}`);
  });

  it('makes no mask of a whole picture that the model sees but a crop of', async () => {
    const signature = { ...CATS, outputs: [{ ...CATS.outputs[0]!, shape: [-1, 2, 56, 56] }] };
    const yaml = (keys: string): string =>
      `${TORCHVISION.split('output:')[0]}output: { mask: { type: mask${keys} } }`;
    expect(await faultsOf(yaml(''), signature)).toEqual([
      'output: mask: size: the model sees but a crop of the picture; must be model',
    ]);
    expect((await bind(yaml(', size: model'), signature))?.outputs[0]).toMatchObject({ size: 'model' });
  });

  it('is refused where a label is missing, or a file', async () => {
    const labels = (text: string): string => `output: { labels: { type: classification, labels: ${text} } }`;
    expect(await faultsOf(labels('[cat]'))).toEqual([
      'output: labels: labels: are 1, but the model has 2 classes',
    ]);
    expect(await faultsOf(labels('names.txt'))).toEqual([
      'names.txt, which its declaration names, is not there',
    ]);
    expect((await faultsOf(labels('a.json'), CATS, { 'a.json': '{"0": "x", "2": "y"}' }))[0]).toContain(
      '0, 1, 2',
    );
  });

  it("is refused where one of the model's inputs comes from nowhere", async () => {
    const two = {
      ...CATS,
      inputs: [...CATS.inputs, { name: 'mask', datatype: 'FP32' as const, shape: [-1] }],
    };
    const yaml = 'input: { image: { type: image, to: pixel_values, resize: { width: 224, height: 224 } } }';
    expect(await faultsOf(yaml, two)).toEqual(["input: nothing is declared for the model's input mask"]);
  });

  it('has the labels of ten thousand classes in the order of their numbers', async () => {
    const names = Object.fromEntries(Array.from({ length: 12 }, (_, id) => [String(id), `class ${id}`]));
    const signature = { ...CATS, outputs: [{ ...CATS.outputs[0]!, shape: [-1, 12] }] };
    const yaml = 'output: { labels: { type: classification, labels: id2label.json } }';
    const pipeline = await bind(yaml, signature, [], { 'id2label.json': JSON.stringify(names) });
    expect(pipeline?.outputs[0]).toMatchObject({ labels: Object.values(names) });
  });

  it('has nothing recognised to begin with', () => {
    expect(declarationOf(read('{}').config, NOTHING_RECOGNISED)).toEqual({
      inputs: [],
      outputs: [],
      isOwn: false,
      reason: '',
    });
  });
});
