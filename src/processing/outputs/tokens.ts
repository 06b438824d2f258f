import { type KeyTable, type Reader, text } from '../../config/yaml/readers';
import type { JsonValue } from '../../config/yaml/json-value';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { type TokenizedText, tokensOf } from '../prepared';
import { numbersOf } from './elements';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

/** What each part of a text is: names, places, parts of speech. */
export interface TokensPlan {
  readonly type: 'tokens';
  readonly name: string;
  /** The model's output with a number for each class of each token. */
  readonly from: string;
  readonly labels: readonly string[];
  /** Labels of what is left out. */
  readonly ignore: readonly string[];
}

interface Settings {
  readonly from: string | undefined;
  readonly labels: LabelSource | undefined;
  readonly ignore: readonly string[];
}

const ignored: Reader<readonly string[]> = (value, fault) => {
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  const labels = list.filter((label): label is string => typeof label === 'string');
  return labels.length === list.length ? labels : fault('must be a label, or a list of labels');
};

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
  ignore: { key: 'ignore', read: ignored, fallback: Object.freeze(['O']) },
};

export const TOKENS = declaredType({
  type: 'tokens',
  options: [],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, { outputs }, assets, fault): Promise<TokensPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return undefined;
    const { shape, datatype } = output;
    if (shape.length !== 3 || (datatype !== 'FP32' && datatype !== 'FP16' && datatype !== 'FP64')) {
      fault(
        `from: needs floats of shape [rows, tokens, classes], and ${output.name} is ${datatype} ${printShape(shape)}`,
      );
      return undefined;
    }
    const count = shape[2] === -1 ? undefined : shape[2];
    const labels = await readLabels(settings.labels, count, assets, fault);
    if (settings.labels === undefined) fault('labels: must name the classes');
    return labels && { type: 'tokens', name, from: output.name, labels, ignore: settings.ignore };
  },
});

/** Tokens that follow each other and are one thing. */
interface Entity {
  readonly label: string;
  readonly start: number;
  end: number;
  scoreSum: number;
  tokens: number;
}

/**
 * Labels, BYTES `[entities]`, what they stand for, BYTES `[entities]`, scores, FP32 `[entities]`, and where they are in
 * their texts, in UTF-16 units, INT32 `[entities, 2]`, of all rows one after the other; and how many each row has, INT64
 * `[rows]`. Tokens are put together as the `simple` strategy of transformers' pipeline does it: `B-` begins an entity,
 * another label as well; the score is the mean of its tokens'.
 */
export function finishTokens(plan: TokensPlan, { outputs, contexts }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const [, positions = 0, classes = 0] = output.shape;
  const values = numbersOf(output);
  const texts = contexts.flatMap((context) => (context.type === 'text' ? (context.tokens ?? []) : []));
  const found = texts.map((text, row) => {
    const { first } = tokensOf(contexts, row, positions);
    return entitiesOf(plan, text, values, (row * positions + first) * classes, classes);
  });
  const all = found.flat();
  const { name } = plan;
  const whole = found.flatMap((entities, row) =>
    entities.map(({ start, end }) => texts[row]!.text.slice(start, end)),
  );
  return [
    { name, datatype: 'BYTES', shape: [all.length], data: all.map(({ label }) => label) },
    { name: `${name}.text`, datatype: 'BYTES', shape: [all.length], data: whole },
    {
      name: `${name}.scores`,
      datatype: 'FP32',
      shape: [all.length],
      data: Float32Array.from(all, ({ scoreSum, tokens }) => scoreSum / tokens),
    },
    {
      name: `${name}.spans`,
      datatype: 'INT32',
      shape: [all.length, 2],
      data: Int32Array.from(all.flatMap(({ start, end }) => [start, end])),
    },
    {
      name: `${name}.counts`,
      datatype: 'INT64',
      shape: [found.length],
      data: BigInt64Array.from(found, (entities) => BigInt(entities.length)),
    },
  ];
}

function entitiesOf(
  { labels, ignore }: TokensPlan,
  { spans }: TokenizedText,
  values: ArrayLike<number>,
  from: number,
  classes: number,
): Entity[] {
  const entities: Entity[] = [];
  let last: Entity | undefined;
  spans.forEach(([start, end], token) => {
    // The model's own tokens are not of the text, and part nothing.
    if (start === end) return;
    const { best, share } = likeliest(values, from + token * classes, classes);
    const label = labels[best] ?? String(best);
    if (ignore.includes(label)) {
      last = undefined;
      return;
    }
    const [, mark, name = ''] = /^(?:([BI])-)?(.*)$/s.exec(label) ?? [];
    if (last !== undefined && mark !== 'B' && last.label === name) {
      last.end = end;
      last.scoreSum += share;
      last.tokens++;
      return;
    }
    last = { label: name, start, end, scoreSum: share, tokens: 1 };
    entities.push(last);
  });
  return entities;
}

/** The class of the highest number, and what softmax makes of it. */
function likeliest(values: ArrayLike<number>, start: number, count: number): { best: number; share: number } {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(values[start + i]! - values[start + best]!);
  return { best, share: 1 / sum };
}

/** `[{"label": "PER", "score": 0.99, "text": "Ada", "start": 0, "end": 3}, ...]` */
export function printTokens(tensors: readonly Tensor[], row: number, writer: JsonWriter): void {
  const [labels, texts, scores, spans, counts] = tensors.map(({ data }) => data);
  const numbers = Array.from((counts as BigInt64Array).subarray(0, row + 1), Number);
  const end = numbers.reduce((sum, count) => sum + count, 0);
  const start = end - numbers[row]!;
  writer.raw('[');
  for (let i = start; i < end; i++) {
    writer.raw(i === start ? '{"label":' : ',{"label":');
    writer.string(labels?.[i] as string);
    writer.raw(',"score":');
    writer.tensorNested((scores as Float32Array).subarray(i, i + 1), 'FP32', []);
    writer.raw(',"text":');
    writer.string(texts?.[i] as string);
    writer.raw(',"start":');
    writer.integer((spans as Int32Array)[2 * i]!);
    writer.raw(',"end":');
    writer.integer((spans as Int32Array)[2 * i + 1]!);
    writer.raw('}');
  }
  writer.raw(']');
}
