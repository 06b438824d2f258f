import {
  bool,
  choice,
  integer,
  type KeyTable,
  pathBelow,
  type Reader,
  text,
} from '../../config/yaml/readers';
import { charsetOf } from '../../common/media-type';
import { isJsonObject } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import { printShape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { declaredType, type Signature, type TellFault } from '../declared-type';
import { placeOf, type RawInput, textOfBytes } from '../raw-input';
import type { TextPlan } from '../text/text-plan';
import type { RawInputType } from './input-type';

const MOST_TOKENS = 1_000_000;
const MAX_PROMPTS = 64;
const MAX_PROMPT_LENGTH = 4096;

interface Settings extends Pick<
  TextPlan,
  'truncate' | 'pairs' | 'prompts' | 'defaultPrompt' | 'padToken' | 'paddingSide'
> {
  readonly tokenizerFile: string;
  readonly ids: string | undefined;
  readonly mask: string | undefined;
  readonly types: string | undefined;
  readonly positions: string | undefined;
  readonly maxLength: number | undefined;
}

/** Names to the texts that stand before each input. */
const prompts: Reader<Readonly<Record<string, string>>> = (value, fault) => {
  const rule = `must be a mapping of at most ${MAX_PROMPTS} names to texts of at most ${MAX_PROMPT_LENGTH} characters`;
  if (!isJsonObject(value) || Object.keys(value).length > MAX_PROMPTS) return fault(rule);
  const isSound = Object.values(value).every(
    (prompt) => typeof prompt === 'string' && prompt.length <= MAX_PROMPT_LENGTH,
  );
  return isSound ? (value as Readonly<Record<string, string>>) : fault(rule);
};

const KEYS: KeyTable<Settings> = {
  tokenizerFile: { key: 'tokenizer', read: pathBelow, fallback: 'tokenizer.json' },
  ids: { key: 'ids', read: text(256), fallback: undefined },
  mask: { key: 'mask', read: text(256), fallback: undefined },
  types: { key: 'types', read: text(256), fallback: undefined },
  positions: { key: 'positions', read: text(256), fallback: undefined },
  maxLength: { key: 'max_length', read: integer(8, MOST_TOKENS), fallback: undefined },
  truncate: { key: 'truncate', read: bool, fallback: true },
  pairs: { key: 'pairs', read: bool, fallback: false },
  prompts: { key: 'prompts', read: prompts, fallback: Object.freeze({}) },
  defaultPrompt: { key: 'default_prompt', read: text(64), fallback: undefined },
  padToken: { key: 'pad_token', read: text(64), fallback: undefined },
  paddingSide: { key: 'padding_side', read: choice(['left', 'right']), fallback: undefined },
};

/** Sentences and longer texts, which a tokenizer turns into ids. */
export const TEXT: RawInputType<TextPlan> = {
  ...declaredType({
    type: 'text',
    options: ['truncate', 'prompt'],
    keys: KEYS,
    assets: ({ tokenizerFile }) => [tokenizerFile],
    bind: async (name, settings, signature, assets, fault) => {
      const tensors = tensorsOf(settings, signature, fault);
      const maxLength = lengthOf(settings, tensors?.ids, fault);
      const { defaultPrompt } = settings;
      if (defaultPrompt !== undefined && !Object.hasOwn(settings.prompts, defaultPrompt)) {
        fault(`default_prompt: there is no prompt ${defaultPrompt}`);
      }
      const tokenizerFile = await assets.path(settings.tokenizerFile);
      if (tensors === undefined || maxLength === undefined) return undefined;
      const { truncate, pairs, padToken, paddingSide } = settings;
      const plan: TextPlan = {
        type: 'text',
        name,
        covers: [tensors.ids, tensors.mask, tensors.types, tensors.positions].flatMap(
          (tensor) => tensor?.name ?? [],
        ),
        tokenizerFile,
        ...tensors,
        maxLength,
        truncate,
        pairs,
        prompts: settings.prompts,
        defaultPrompt,
        padToken,
        paddingSide,
        wantsSpans: false,
      };
      return plan;
    },
  }),
  contentTypes: ['text/plain'],
  fromJson: (name, value, plan) => {
    if (plan.pairs) return pairsIn(name, value);
    const isList = Array.isArray(value);
    const items: readonly unknown[] = isList ? value : [value];
    const pieces = items.map((item, i) => {
      if (typeof item === 'string') return item;
      throw new DomainError(
        'invalid_request',
        `${placeOf({ name, isList }, i)}: expected a text, got ${shown(item)}.`,
      );
    });
    return { name, media: 'text', pieces, isList };
  },
  fromBytes: (name, bytes, contentType, plan) => {
    if (plan.pairs) {
      throw new DomainError(
        'invalid_request',
        `Input "${name}": takes pairs of texts, which a JSON body has.`,
      );
    }
    const text = textOfBytes(bytes, `Input "${name}"`, charsetOf(contentType));
    return { name, media: 'text', pieces: [text], isList: false };
  },
};

interface TextTensors {
  readonly ids: TensorSpec;
  readonly mask: TensorSpec | undefined;
  readonly types: TensorSpec | undefined;
  readonly positions: TensorSpec | undefined;
}

function tensorsOf(settings: Settings, { inputs }: Signature, fault: TellFault): TextTensors | undefined {
  const found = (key: keyof TextTensors, customary: string): TensorSpec | undefined => {
    const wanted = settings[key];
    const tensor = inputs.find(({ name }) => name === (wanted ?? customary));
    if (tensor === undefined) {
      const names = inputs.map(({ name }) => name).join(', ');
      if (wanted !== undefined) fault(`${key}: the model has no input ${wanted}; its inputs are ${names}`);
      else if (key === 'ids') fault(`ids: must name one of the model's inputs, which are ${names}`);
      return undefined;
    }
    const { shape, datatype } = tensor;
    if (shape.length === 2 && (datatype === 'INT64' || datatype === 'INT32')) return tensor;
    fault(
      `${key}: needs INT64 or INT32 of shape [rows, tokens], and ${tensor.name} is ${datatype} ${printShape(shape)}`,
    );
    return undefined;
  };
  const ids = found('ids', 'input_ids');
  const mask = found('mask', 'attention_mask');
  const types = found('types', 'token_type_ids');
  const positions = found('positions', 'position_ids');
  return ids && { ids, mask, types, positions };
}

/** The most tokens: what is declared, within what the model takes. */
function lengthOf(
  { maxLength }: Settings,
  ids: TensorSpec | undefined,
  fault: TellFault,
): number | undefined {
  const taken = ids?.shape[1] ?? -1;
  if (maxLength === undefined) {
    if (taken !== -1) return taken;
    fault('max_length: must say how many tokens the model takes');
    return undefined;
  }
  if (taken === -1 || maxLength <= taken) return maxLength;
  fault(`max_length: is ${maxLength}, but the model takes ${taken} tokens`);
  return undefined;
}

/** `{"text": "...", "pair": "..."}`, or a list of them; or `{"query": "...", "texts": [...]}`, one query for all. */
function pairsIn(name: string, value: unknown): RawInput {
  const query = isObject(value) && 'query' in value ? value : undefined;
  if (query !== undefined) {
    const { query: first, texts, ...others } = query;
    if (typeof first !== 'string' || !isTexts(texts) || Object.keys(others).length > 0) {
      throw new DomainError(
        'invalid_request',
        `Input "${name}": expected {"query": "...", "texts": ["...", ...]}.`,
      );
    }
    return { name, media: 'pairs', pieces: texts.flatMap((text) => [first, text]), isList: true };
  }
  const isList = Array.isArray(value);
  const items: readonly unknown[] = isList ? value : [value];
  const pieces = items.flatMap((item, i) => {
    const { text: first, pair, ...others } = isObject(item) ? item : {};
    if (typeof first === 'string' && typeof pair === 'string' && Object.keys(others).length === 0)
      return [first, pair];
    throw new DomainError(
      'invalid_request',
      `${placeOf({ name, isList }, i)}: expected {"text": "...", "pair": "..."}, got ${shown(item)}.`,
    );
  });
  return { name, media: 'pairs', pieces, isList };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
