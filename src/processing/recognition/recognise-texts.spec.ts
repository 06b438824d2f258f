import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AssetFiles } from '../assets';
import { recognise } from './recognise';
import { NOTHING_SAID } from './recognised';

const TOKENIZER = {
  'tokenizer.json': {},
  'tokenizer_config.json': { model_max_length: 512, pad_token: '[PAD]' },
};
const BERT = { architectures: ['BertModel'], model_type: 'bert', max_position_embeddings: 512 };
const SENTENCES = {
  ...TOKENIZER,
  'config.json': BERT,
  'modules.json': [
    { idx: 0, path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ],
  '1_Pooling/config.json': {
    word_embedding_dimension: 384,
    pooling_mode_cls_token: false,
    pooling_mode_mean_tokens: true,
  },
  'sentence_bert_config.json': { max_seq_length: 256, do_lower_case: false },
};

/** Values by key, and the reason. */
async function keysOf(files: Readonly<Record<string, object>>): Promise<Record<string, unknown>> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-texts-')));
  for (const [name, value] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify(value));
  }
  const { facts, reason } = await recognise(new AssetFiles(folder, [folder]), NOTHING_SAID, {
    input: {},
    output: {},
  });
  return { ...Object.fromEntries(facts.map(({ side, key, value }) => [`${side}.${key}`, value])), reason };
}

describe('a Hugging Face folder of texts', () => {
  it('of sentence-transformers says how its vectors are made', async () => {
    expect(await keysOf(SENTENCES)).toEqual({
      'input.type': 'text',
      'input.tokenizer': 'tokenizer.json',
      'input.max_length': 256,
      'input.pad_token': '[PAD]',
      'output.type': 'embedding',
      'output.pooling': 'mean',
      'output.normalize': true,
      reason: '',
    });
  });

  it('has prompts where they are said', async () => {
    const prompts = { query: 'query: ', passage: 'passage: ' };
    const config = { prompts, default_prompt_name: 'query' };
    expect(await keysOf({ ...SENTENCES, 'config_sentence_transformers.json': config })).toMatchObject({
      'input.prompts': prompts,
      'input.default_prompt': 'query',
    });
  });

  it('is a classifier, a reranker or a namer of tokens by its architecture', async () => {
    const sequence = { ...BERT, architectures: ['BertForSequenceClassification'] };
    const id2label = { '0': 'NEGATIVE', '1': 'POSITIVE' };
    expect(await keysOf({ ...TOKENIZER, 'config.json': { ...sequence, id2label } })).toMatchObject({
      'input.type': 'text',
      'output.type': 'classification',
      'output.labels': id2label,
      'output.activation': 'softmax',
    });
    expect(
      await keysOf({ ...TOKENIZER, 'config.json': { ...sequence, id2label: { '0': 'LABEL_0' } } }),
    ).toMatchObject({
      'input.pairs': true,
      'output.type': 'rerank',
      'output.activation': 'sigmoid',
    });
    const tokens = {
      ...BERT,
      architectures: ['BertForTokenClassification'],
      id2label: { '0': 'O', '1': 'B-PER' },
    };
    expect(await keysOf({ ...TOKENIZER, 'config.json': tokens })).toMatchObject({ 'output.type': 'tokens' });
  });

  it('gives numbers where it was trained to, unless it holds pairs against each other', async () => {
    const sequence = {
      ...BERT,
      architectures: ['BertForSequenceClassification'],
      problem_type: 'regression',
    };
    const keys = (config: object): Promise<Record<string, unknown>> =>
      keysOf({ ...TOKENIZER, 'config.json': { ...sequence, ...config } });
    const one = await keys({ id2label: { '0': 'LABEL_0' } });
    expect(one).toMatchObject({ 'output.type': 'regression', reason: '' });
    expect(one).not.toHaveProperty(['output.labels']);
    expect(one).not.toHaveProperty(['input.pairs']);
    const id2label = { '0': 'valence', '1': 'arousal' };
    expect(await keys({ id2label })).toMatchObject({
      'output.type': 'regression',
      'output.labels': id2label,
    });
    const trained = { activation_fn: 'torch.nn.modules.activation.Sigmoid' };
    expect(await keys({ id2label: { '0': 'LABEL_0' }, sentence_transformers: trained })).toMatchObject({
      'output.type': 'rerank',
    });
  });

  it('says on which side its texts are padded', async () => {
    const left = { model_max_length: 512, padding_side: 'left' };
    expect(await keysOf({ ...SENTENCES, 'tokenizer_config.json': left })).toMatchObject({
      'input.padding_side': 'left',
      reason: '',
    });
  });

  it('takes no more tokens than the model has positions', async () => {
    const roberta = {
      architectures: ['RobertaForSequenceClassification'],
      model_type: 'roberta',
      max_position_embeddings: 514,
      pad_token_id: 1,
    };
    const endless = { 'tokenizer.json': {}, 'tokenizer_config.json': { model_max_length: 1e30 } };
    expect(await keysOf({ ...endless, 'config.json': roberta })).toMatchObject({ 'input.max_length': 512 });
  });

  it.each<readonly [string, Readonly<Record<string, object>>, string]>([
    [
      'no tokenizer',
      { 'config.json': { ...BERT, architectures: ['BertForTokenClassification'], id2label: {} } },
      'there is no tokenizer.json',
    ],
    [
      'another architecture',
      { ...TOKENIZER, 'config.json': { architectures: ['BertForMaskedLM'] } },
      'config.json names BertForMaskedLM, for which there is no output type',
    ],
    [
      'another module',
      {
        ...SENTENCES,
        'modules.json': [...SENTENCES['modules.json'], { type: 'sentence_transformers.models.Dense' }],
      },
      'modules.json has the modules Transformer, Pooling, Normalize, Dense, which is not understood',
    ],
    [
      'two poolings',
      {
        ...SENTENCES,
        '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true },
      },
      '1_Pooling/config.json has a pooling that is not understood',
    ],
    [
      'texts cut on the left',
      { ...SENTENCES, 'tokenizer_config.json': { truncation_side: 'left' } },
      'tokenizer_config.json has a truncation_side of left, which is not understood',
    ],
  ])('is left aside with %s, and says so', async (_what, files, reason) => {
    const { reason: said, ...facts } = await keysOf(files);
    expect(said).toContain(reason);
    expect(facts).toEqual({});
  });
});
