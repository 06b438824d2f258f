import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import type { AssetFiles } from '../assets';
import type { Fact, Recognised } from './recognised';

/** Beyond this, `model_max_length` is what tokenizers write where nobody knows. */
const MOST_TOKENS = 1_000_000;
/** Their positions begin behind the padding token's id. */
const OFFSET_POSITIONS: ReadonlySet<JsonValue> = new Set([
  'roberta',
  'xlm-roberta',
  'camembert',
  'mpnet',
  'longformer',
]);

/**
 * How a Hugging Face folder's texts become tokens: `tokenizer.json`, and what the files around it say of lengths, padding
 * and prompts.
 * @param config the model's `config.json`
 */
export async function textFacts(assets: AssetFiles, config: JsonObject): Promise<Recognised> {
  if ((await assets.find('tokenizer.json')) === undefined) {
    return { facts: [], reason: 'config.json names a model of texts, and there is no tokenizer.json' };
  }
  const tokenizer = (await assets.json('tokenizer_config.json')) ?? {};
  if (tokenizer.truncation_side === 'left') {
    return {
      facts: [],
      reason: 'tokenizer_config.json has a truncation_side of left, which is not understood',
    };
  }
  const facts: Fact[] = [];
  const say = (key: string, value: JsonValue, from: string): void => {
    facts.push({ side: 'input', name: 'text', key, value, from });
  };
  say('type', 'text', 'tokenizer.json');
  say('tokenizer', 'tokenizer.json', 'tokenizer.json');
  const length = await mostTokens(assets, config, tokenizer);
  if (length === undefined) return { facts: [], reason: 'no file says how many tokens the model takes' };
  say('max_length', length.value, length.from);
  const pad = tokenOf(tokenizer.pad_token);
  if (pad !== undefined) say('pad_token', pad, 'tokenizer_config.json');
  const { padding_side: side } = tokenizer;
  if (side === 'left' || side === 'right') say('padding_side', side, 'tokenizer_config.json');
  await sayPrompts(assets, say);
  return { facts, reason: '' };
}

interface Sourced {
  readonly value: number;
  readonly from: string;
}

/** The least of what the files allow; sentence-transformers' own word counts before the tokenizer's. */
async function mostTokens(
  assets: AssetFiles,
  config: JsonObject,
  tokenizer: JsonObject,
): Promise<Sourced | undefined> {
  const sentences = await assets.json('sentence_bert_config.json');
  const wanted =
    numberIn(sentences?.max_seq_length, 'sentence_bert_config.json') ??
    numberIn(tokenizer.model_max_length, 'tokenizer_config.json');
  const positions = numberIn(config.max_position_embeddings, 'config.json');
  const own = positions && { ...positions, value: positions.value - unusedPositions(config) };
  if (wanted === undefined || own === undefined) return wanted ?? own;
  return wanted.value <= own.value ? wanted : own;
}

function numberIn(value: JsonValue | undefined, from: string): Sourced | undefined {
  const isLength = typeof value === 'number' && Number.isInteger(value) && value > 0 && value < MOST_TOKENS;
  return isLength ? { value, from } : undefined;
}

function unusedPositions({ model_type: type = null, pad_token_id: pad }: JsonObject): number {
  return OFFSET_POSITIONS.has(type) && typeof pad === 'number' ? pad + 1 : 0;
}

/** A token as a text, or as `{"content": "[PAD]", ...}`. */
function tokenOf(value: JsonValue | undefined): string | undefined {
  const content = value !== undefined && isJsonObject(value) ? value.content : value;
  return typeof content === 'string' ? content : undefined;
}

async function sayPrompts(
  assets: AssetFiles,
  say: (key: string, value: JsonValue, from: string) => void,
): Promise<void> {
  const from = 'config_sentence_transformers.json';
  const config = await assets.json(from);
  const { prompts, default_prompt_name: standard } = config ?? {};
  if (prompts !== undefined && isJsonObject(prompts) && Object.keys(prompts).length > 0) {
    say('prompts', prompts, from);
    if (typeof standard === 'string') say('default_prompt', standard, from);
  }
}
