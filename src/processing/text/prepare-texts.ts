import { readFile } from 'node:fs/promises';
import { isJsonObject, type JsonValue } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import type { RequestOptions } from '../options';
import type { PreparedInput, Preparer } from '../pool/preparer';
import type { RunFreedom } from '../prepared';
import { placeOf, type RawInput } from '../raw-input';
import { cutToSize, groupByLength, type RowGroup } from './row-groups';
import type { TextPlan } from './text-plan';
import { type TextRow, TextTokenizer, type TokenRow } from './text-tokenizer';
import { fillOf, type Padding, tokenTensors } from './token-tensors';

/** Makes token ids of texts. @throws model_unavailable when its tokenizer cannot be read */
export async function openTexts(plan: TextPlan): Promise<Preparer> {
  const json = await readFile(plan.tokenizerFile, 'utf8');
  const tokenizer = await TextTokenizer.open(json);
  const added = tokenizer.added(plan.pairs);
  if (added >= plan.maxLength) {
    const reason = `its tokenizer adds ${added} tokens to a row, and it takes ${plan.maxLength} in all (max_length)`;
    throw new DomainError('model_unavailable', reason);
  }
  const texts: OpenTexts = { plan, tokenizer, pad: paddingOf(plan, tokenizer, json) };
  return { prepare: (raw, options, freedom) => prepare(texts, raw, options, freedom) };
}

interface OpenTexts {
  readonly plan: TextPlan;
  readonly tokenizer: TextTokenizer;
  readonly pad: Padding;
}

async function prepare(
  { plan, tokenizer, pad }: OpenTexts,
  raw: RawInput,
  options: RequestOptions,
  freedom: RunFreedom,
): Promise<PreparedInput[]> {
  const { maxLength, wantsSpans } = plan;
  if (raw.pieces.length === 0) throw new DomainError('invalid_request', `Input "${raw.name}": has no text.`);
  const truncate = options.truncate ?? plan.truncate;
  const place = (row: number): string => placeOf(raw, row);
  const encoding = { maxLength, truncate, wantsSpans };
  const isIds = raw.media === 'ids';
  const rows = isIds ? [] : rowsOf(raw, promptOf(plan, options));
  const encoded = isIds
    ? tokenizer.take(textsIn(raw), encoding, place)
    : await tokenizer.encode(rows, encoding, place);
  // Of nothing but padding no answer means anything: a mean of no vectors is none.
  const none = freedom.mayPart ? encoded.findIndex(({ ids }) => ids.length === 0) : -1;
  if (none !== -1) throw new DomainError('invalid_request', `${place(none)}: has no tokens.`);
  const groups = groupsOf(plan, encoded, freedom);
  return groups.map((group) => {
    const own = group.rows.map((row) => encoded[row]!);
    const tensors = tokenTensors(plan, own, fixedLength(plan) ?? group.longest, pad);
    return {
      tensors,
      rows: group.rows,
      padding:
        group.bucket === undefined
          ? undefined
          : { bucket: group.bucket, fill: fillOf(plan, pad), side: pad.side },
      context: {
        type: 'text',
        name: plan.name,
        lengths: own.map(({ ids }) => ids.length),
        paddingSide: pad.side,
        isTruncated: own.map(({ isTruncated }) => isTruncated),
        tokens: wantsSpans
          ? own.map((row, i) => ({ text: rows[group.rows[i]!]!.text, spans: row.spans! }))
          : undefined,
      },
    };
  });
}

function groupsOf(plan: TextPlan, rows: readonly TokenRow[], freedom: RunFreedom): RowGroup[] {
  const { mayPart } = freedom;
  const lengths = rows.map(({ ids }) => ids.length);
  const longest = Math.max(...lengths);
  const fixed = fixedLength(plan);
  // Without a mask a model takes padding for text.
  const mayPad = freedom.mayPad && plan.mask !== undefined;
  const all = rows.map((_, row) => row);
  if (mayPart) {
    return fixed === undefined
      ? groupByLength(lengths, mayPad)
      : cutToSize({ rows: all, longest: fixed, bucket: undefined });
  }
  if (fixed === undefined && !mayPad && lengths.some((length) => length !== longest)) {
    throw new DomainError(
      'shape_mismatch',
      `Input "${plan.name}": the texts differ in length; send them one by one.`,
    );
  }
  return [{ rows: all, longest, bucket: undefined }];
}

/** The number of tokens that the model takes, if it takes but one. */
function fixedLength({ ids }: TextPlan): number | undefined {
  const length = ids.shape[1];
  return length === -1 ? undefined : length;
}

function textsIn({ pieces }: RawInput): string[] {
  return pieces.map((piece) => {
    if (typeof piece !== 'string') throw new Error('A text is a string.');
    return piece;
  });
}

function rowsOf(raw: RawInput, prompt: string): TextRow[] {
  const { media } = raw;
  const texts = textsIn(raw);
  if (media !== 'pairs') return texts.map((text) => ({ text: prompt + text, pair: undefined }));
  return Array.from({ length: texts.length / 2 }, (_, row) => ({
    text: prompt + texts[2 * row]!,
    pair: texts[2 * row + 1]!,
  }));
}

function promptOf({ name, prompts, defaultPrompt }: TextPlan, options: RequestOptions): string {
  const wanted = options.prompt ?? defaultPrompt;
  if (wanted === undefined) return '';
  if (Object.hasOwn(prompts, wanted)) return prompts[wanted]!;
  const known = Object.keys(prompts).map((one) => `"${one}"`);
  throw new DomainError(
    'invalid_request',
    `Input "${name}": has no prompt "${wanted}"; ${known.length === 0 ? 'it has none' : `its prompts are ${known.join(', ')}`}.`,
  );
}

const CUSTOMARY_PADS = ['[PAD]', '<pad>', '<|endoftext|>'];

/** What is declared, or else what the file says, which has `null` or `{"direction": "Left", "pad_id": 0, ...}`. */
function paddingOf(plan: TextPlan, tokenizer: TextTokenizer, json: string): Padding {
  const file = JSON.parse(json) as JsonValue;
  const padding = isJsonObject(file) ? file.padding : undefined;
  const said = padding !== undefined && isJsonObject(padding) ? padding : {};
  const side = plan.paddingSide ?? (said.direction === 'Left' ? 'left' : 'right');
  return { id: padIdOf(plan, tokenizer, said.pad_id), typeId: idIn(said.pad_type_id) ?? 0, side };
}

/** With a mask any id would do, but some models tell positions by it. */
function padIdOf({ padToken }: TextPlan, tokenizer: TextTokenizer, said: JsonValue | undefined): number {
  if (padToken !== undefined) {
    const id = tokenizer.idOf(padToken);
    if (id !== undefined) return id;
    throw new DomainError(
      'model_unavailable',
      `its tokenizer has no token ${JSON.stringify(padToken)} (pad_token)`,
    );
  }
  const customary = CUSTOMARY_PADS.map((token) => tokenizer.idOf(token));
  return idIn(said) ?? customary.find((one) => one !== undefined) ?? 0;
}

function idIn(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}
