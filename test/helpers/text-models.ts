import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onnx } from 'onnx-proto';
import { bytesOf, encode, initializer, intAttribute, node, value } from './onnx-models';
import { seededRandom } from './seeded-random';

const { DataType } = onnx.TensorProto;

/** Rows of the small tokenizers' vocabularies. */
const VOCABULARY = 1700;
export const WIDTH = 8;

/** Where the small tokenizers are. */
export const TOKENIZERS = join(__dirname, '..', 'fixtures', 'tokenizers');

/**
 * A small model of texts: `input_ids` and `attention_mask` INT64 [N, L]; each token's vector is its own and the mean of all
 * those of its row, so that it makes a difference what is masked.
 * @param head `hidden`: `last_hidden_state` FP32 [N, L, 8]; `last`: `sentence_embedding` [N, 8], the last of these; `tokens`: `logits` [N, L, classes]; `sequence`: `logits` [N, classes]
 * @param heedsMask else what is masked counts as well
 */
export function smallTextModel(
  head: 'hidden' | 'last' | 'tokens' | 'sequence',
  classes = 2,
  heedsMask = true,
): Uint8Array {
  const random = seededRandom(7);
  const weights = (count: number): Uint8Array =>
    bytesOf(Float32Array.from({ length: count }, () => random(2001) / 1000 - 1));
  const last = head === 'hidden' ? 'last_hidden_state' : 'each';
  const nodes = [
    node('Gather', ['table', 'input_ids'], ['embedded']),
    node('Cast', ['attention_mask'], ['mask'], [intAttribute('to', DataType.FLOAT)]),
    node('Sub', ['mask', 'mask'], ['zeros']),
    node('Exp', ['zeros'], ['ones']),
    node('Unsqueeze', [heedsMask ? 'mask' : 'ones', 'last_axis'], ['column']),
    node('Mul', ['embedded', 'column'], ['masked']),
    node('ReduceSum', ['masked', 'tokens_axis'], ['sum']),
    node('ReduceSum', ['column', 'tokens_axis'], ['count']),
    node('Div', ['sum', 'count'], ['mean']),
    node('Add', ['embedded', 'mean'], [last]),
  ];
  if (head === 'tokens') nodes.push(node('MatMul', [last, 'head'], ['logits']));
  if (head === 'last') {
    nodes.push(node('Gather', [last, 'end'], ['sentence_embedding'], [intAttribute('axis', 1)]));
  }
  if (head === 'sequence') {
    nodes.push(
      node('Squeeze', ['mean', 'tokens_axis'], ['row']),
      node('MatMul', ['row', 'head'], ['logits']),
    );
  }
  const name = { hidden: last, last: 'sentence_embedding', tokens: 'logits', sequence: 'logits' }[head];
  const shapes = {
    hidden: ['N', 'L', WIDTH],
    last: ['N', WIDTH],
    tokens: ['N', 'L', classes],
    sequence: ['N', classes],
  };
  return encode({
    node: nodes,
    initializer: [
      initializer('table', DataType.FLOAT, [VOCABULARY, WIDTH], weights(VOCABULARY * WIDTH)),
      initializer('head', DataType.FLOAT, [WIDTH, classes], weights(WIDTH * classes)),
      initializer('tokens_axis', DataType.INT64, [1], bytesOf(BigInt64Array.of(1n))),
      initializer('end', DataType.INT64, [], bytesOf(BigInt64Array.of(-1n))),
      initializer('last_axis', DataType.INT64, [1], bytesOf(BigInt64Array.of(2n))),
    ],
    input: ['input_ids', 'attention_mask'].map((name) => value(name, DataType.INT64, ['N', 'L'])),
    output: [value(name, DataType.FLOAT, shapes[head])],
  });
}

/**
 * Puts a model into a folder as Hugging Face has it, with a small tokenizer: nothing of it is declared.
 * @param options is it all there is, as it was downloaded, or a version of the model?
 */
export function writeTextFolder(
  folder: string,
  name: string,
  model: Uint8Array,
  files: Readonly<Record<string, object>>,
  { downloaded = false } = {},
): void {
  const place = downloaded ? join(folder, name) : join(folder, name, '1');
  const modelFile = join(place, downloaded ? 'onnx/model.onnx' : 'model.onnx');
  mkdirSync(dirname(modelFile), { recursive: true });
  writeFileSync(modelFile, model);
  copyFileSync(join(TOKENIZERS, 'wordpiece.json'), join(place, 'tokenizer.json'));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(place, file, '..'), { recursive: true });
    writeFileSync(join(place, file), JSON.stringify(content));
  }
}

const LIMITS = { 'tokenizer_config.json': { model_max_length: 64, pad_token: '[PAD]' } };

/** As sentence-transformers leave a model: mean pooling, vectors one long. */
export const SENTENCE_FILES = {
  ...LIMITS,
  'config.json': { architectures: ['BertModel'], model_type: 'bert' },
  'modules.json': [
    { idx: 0, path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ],
  '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
};

/** As transformers leaves a model of this architecture. */
export function transformersFiles(architecture: string, labels: readonly string[]): Record<string, object> {
  return {
    ...LIMITS,
    'config.json': { architectures: [architecture], model_type: 'bert', id2label: { ...labels } },
  };
}
