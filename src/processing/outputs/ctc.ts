import { choice, integer, type KeyTable, text } from '../../config/yaml/readers';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { numbersOf } from './elements';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

const ACTIVATIONS = ['none', 'softmax'] as const;

/** A line of text, of a score for every character at every step. https://doi.org/10.1145/1143844.1143891 */
export interface CtcPlan {
  readonly type: 'ctc';
  readonly name: string;
  /** `[rows, steps, classes]` */
  readonly from: string;
  readonly activation: (typeof ACTIVATIONS)[number];
  /** The class that stands for no character. */
  readonly blank: number;
  /** The characters of all classes, with nothing for the blank. */
  readonly characters: readonly string[];
}

interface Settings {
  readonly from: string | undefined;
  readonly activation: (typeof ACTIVATIONS)[number];
  readonly blank: number;
  readonly labels: LabelSource | undefined;
  readonly append: string;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  activation: { key: 'activation', read: choice(ACTIVATIONS), fallback: 'none' },
  blank: { key: 'blank', read: integer(0, 1_000_000), fallback: 0 },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
  append: { key: 'append', read: text(16), fallback: '' },
};

export const CTC = declaredType({
  type: 'ctc',
  options: [],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, { outputs }, assets, fault): Promise<CtcPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return undefined;
    const { shape, datatype } = output;
    if (shape.length !== 3 || datatype === 'BYTES') {
      fault(
        `from: needs numbers of shape [rows, steps, classes], and ${output.name} is ${datatype} ${printShape(shape)}`,
      );
      return undefined;
    }
    if (settings.labels === undefined) {
      fault('labels: must be there');
      return undefined;
    }
    const labels = await readLabels(settings.labels, undefined, assets, fault);
    if (labels === undefined) return undefined;
    const characters = [...labels, ...(settings.append === '' ? [] : [settings.append])];
    if (settings.blank > characters.length) fault(`blank: must be at most ${characters.length}`);
    characters.splice(settings.blank, 0, '');
    const classes = shape[2];
    if (classes !== -1 && classes !== characters.length) {
      fault(`labels: make ${characters.length} classes with the blank, but the model has ${classes}`);
    }
    return {
      type: 'ctc',
      name,
      from: output.name,
      activation: settings.activation,
      blank: settings.blank,
      characters,
    };
  },
});

/**
 * Texts, BYTES `[rows]`, and their scores, FP32 `[rows]`: the likeliest class of each step, of which repetitions and
 * blanks are left out; the score is the mean of what is left, as PP-OCR has it.
 */
export function finishCtc(plan: CtcPlan, { outputs }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const [rows = 0, steps = 0, classes = 0] = output.shape;
  if (rows * steps > 0 && classes !== plan.characters.length) {
    throw new Error(`${plan.from} has ${classes} classes, and the labels make ${plan.characters.length}.`);
  }
  const values = numbersOf(output);
  const texts: string[] = [];
  const scores = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let line = '';
    let sum = 0;
    let count = 0;
    let before = -1;
    for (let step = 0; step < steps; step++) {
      const start = (row * steps + step) * classes;
      const best = highest(values, start, classes);
      if (best !== before && best !== plan.blank) {
        line += plan.characters[best] ?? '';
        sum += plan.activation === 'none' ? values[start + best]! : shareOf(values, start, classes, best);
        count++;
      }
      before = best;
    }
    texts.push(line);
    scores[row] = count === 0 ? 0 : sum / count;
  }
  return [
    { name: plan.name, datatype: 'BYTES', shape: [rows], data: texts },
    { name: `${plan.name}.scores`, datatype: 'FP32', shape: [rows], data: scores },
  ];
}

/** `{"text": "hello", "score": 0.98}` */
export function printCtc([texts, scores]: readonly Tensor[], row: number, writer: JsonWriter): void {
  writer.raw('{"text":');
  writer.string(texts?.data[row] as string);
  writer.raw(',"score":');
  writer.tensorNested((scores?.data as Float32Array).subarray(row, row + 1), 'FP32', []);
  writer.raw('}');
}

function highest(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

/** What softmax makes of the highest one. */
function shareOf(values: ArrayLike<number>, start: number, count: number, best: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(values[start + i]! - values[start + best]!);
  return 1 / sum;
}
