import { choice, integer, type KeyTable, text } from '../../config/yaml/readers';
import { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { numbersOf } from './elements';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

const ACTIVATIONS = ['softmax', 'sigmoid', 'none'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** The likeliest classes of each row, of a score for every class. */
export interface ClassificationPlan {
  readonly type: 'classification';
  readonly name: string;
  /** The model's output with a number for each class. */
  readonly from: string;
  readonly activation: Activation;
  /** In the order of the classes; undefined: they are called by their numbers. */
  readonly labels: readonly string[] | undefined;
  readonly topK: number;
}

interface Settings {
  readonly from: string | undefined;
  readonly activation: Activation;
  readonly labels: LabelSource | undefined;
  readonly topK: number;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  activation: { key: 'activation', read: choice(ACTIVATIONS), fallback: 'softmax' },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
  topK: { key: 'top_k', read: integer(1, 100_000), fallback: 5 },
};

export const CLASSIFICATION = declaredType({
  type: 'classification',
  options: ['top_k'],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, { outputs }, assets, fault): Promise<ClassificationPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return undefined;
    const { shape, datatype } = output;
    const { activation, topK } = settings;
    const isPlain = shape.slice(2).every((size) => size === 1 || size === -1);
    const isOne = shape.length === 1 || shape[1] === 1;
    if (shape.length === 0 || !isPlain || datatype === 'BYTES' || datatype === 'BOOL') {
      fault(
        `from: needs numbers of shape [rows, classes], and ${output.name} is ${datatype} ${printShape(shape)}`,
      );
      return undefined;
    }
    const given = await readLabels(
      settings.labels,
      isOne || shape[1] === -1 ? undefined : shape[1],
      assets,
      fault,
    );
    const labels = given ?? output.labels;
    // One number is how likely the second of two classes is, or the only one.
    if (isOne && (activation === 'softmax' || labels === undefined || labels.length > 2)) {
      const has = `${output.name} has one number for each row`;
      fault(`labels: ${has}, which takes one or two labels, and activation: sigmoid, or none`);
      return undefined;
    }
    return { type: 'classification', name, from: output.name, activation, labels, topK };
  },
});

/**
 * Labels, BYTES `[rows, k]`, and their scores, FP32 `[rows, k]`, the likeliest first; equal ones in the order of the
 * classes, NaN behind all others.
 */
export function finishClassification(plan: ClassificationPlan, { outputs, options }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const [rows = 0] = output.shape;
  const columns = rows === 0 ? 0 : elementCount(output.shape) / rows;
  const isBinary = columns === 1 && plan.labels?.length === 2 && plan.activation !== 'softmax';
  const classes = isBinary ? 2 : columns;
  if (plan.labels !== undefined && rows > 0 && plan.labels.length !== classes) {
    throw new Error(`${plan.from} has ${classes} classes, and ${plan.labels.length} labels are declared.`);
  }
  const values = numbersOf(output);
  const k = Math.min(options.top_k ?? plan.topK, classes);
  const labels: string[] = [];
  const scores = new Float32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    const scored = activate(plan.activation, values, row * columns, columns);
    const activated = isBinary ? Float64Array.of(1 - scored[0]!, scored[0]!) : scored;
    topOf(activated, k).forEach((id, i) => {
      labels.push(plan.labels?.[id] ?? String(id));
      scores[row * k + i] = activated[id]!;
    });
  }
  return [
    { name: plan.name, datatype: 'BYTES', shape: [rows, k], data: labels },
    { name: `${plan.name}.scores`, datatype: 'FP32', shape: [rows, k], data: scores },
  ];
}

/** `[{"label": "tabby", "score": 0.78}, ...]` */
export function printClassification(
  [labels, scores]: readonly Tensor[],
  row: number,
  writer: JsonWriter,
): void {
  const k = labels?.shape[1] ?? 0;
  writer.raw('[');
  for (let i = row * k; i < (row + 1) * k; i++) {
    writer.raw(i === row * k ? '{"label":' : ',{"label":');
    writer.string(labels?.data[i] as string);
    writer.raw(',"score":');
    writer.tensorNested((scores?.data as Float32Array).subarray(i, i + 1), 'FP32', []);
    writer.raw('}');
  }
  writer.raw(']');
}

/** In double, as an FP32 sum of a thousand exponentials is off in its sixth digit. */
function activate(
  activation: Activation,
  values: ArrayLike<number>,
  start: number,
  count: number,
): Float64Array {
  const scores = new Float64Array(count);
  for (let i = 0; i < count; i++) scores[i] = values[start + i]!;
  switch (activation) {
    case 'none':
      return scores;
    case 'sigmoid':
      return scores.map((value) => 1 / (1 + Math.exp(-value)));
    case 'softmax': {
      let most = -Infinity;
      for (const value of scores) if (value > most) most = value;
      let sum = 0;
      for (let i = 0; i < count; i++) sum += scores[i] = Math.exp(scores[i]! - most);
      return scores.map((value) => value / sum);
    }
  }
}

/** The ids of the `k` highest scores. */
function topOf(scores: Float64Array, k: number): number[] {
  const isBefore = (a: number, b: number): boolean => {
    const one = scores[a]!;
    const other = scores[b]!;
    if (Number.isNaN(one) || Number.isNaN(other)) {
      return Number.isNaN(one) === Number.isNaN(other) ? a < b : Number.isNaN(other);
    }
    return one > other || (one === other && a < b);
  };
  if (k > 32) {
    return Array.from(scores.keys())
      .sort((a, b) => (isBefore(a, b) ? -1 : 1))
      .slice(0, k);
  }
  // A few of many: each goes into its place among the best so far.
  const top: number[] = [];
  for (let id = 0; id < scores.length; id++) {
    if (top.length === k && !isBefore(id, top[k - 1]!)) continue;
    let place = top.length;
    while (place > 0 && isBefore(id, top[place - 1]!)) place--;
    top.splice(place, 0, id);
    if (top.length > k) top.pop();
  }
  return top;
}
