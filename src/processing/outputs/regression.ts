import { type KeyTable, text } from '../../config/yaml/readers';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

/** A number for each row, or several that have names: a price, a width and a height. */
export interface RegressionPlan {
  readonly type: 'regression';
  readonly name: string;
  readonly from: string;
  /** What the numbers of a row are called; undefined: it has one. */
  readonly labels: readonly string[] | undefined;
}

interface Settings {
  readonly from: string | undefined;
  readonly labels: LabelSource | undefined;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
};

export const REGRESSION = declaredType({
  type: 'regression',
  options: [],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, { outputs }, assets, fault): Promise<RegressionPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return undefined;
    const { shape, datatype } = output;
    if (shape.length === 0 || datatype === 'BYTES' || datatype === 'BOOL') {
      fault(
        `from: needs numbers of shape [rows, ...], and ${output.name} is ${datatype} ${printShape(shape)}`,
      );
      return undefined;
    }
    const labels = await readLabels(settings.labels, undefined, assets, fault);
    const row = shape.slice(1);
    const width = row.includes(-1) ? undefined : elementCount(row);
    // Each has a tensor of its name, where a dot parts and counts count.
    const isSound = labels === undefined || (new Set(labels).size === labels.length && labels.every(isName));
    if (!isSound) fault('labels: must be different, without dots, and none of them empty or "counts"');
    else if (settings.labels === undefined && width !== undefined && width !== 1) {
      fault(`labels: must name the ${width} numbers that ${output.name} has for each row`);
    } else if (labels !== undefined && width !== undefined && labels.length !== width) {
      fault(`labels: are ${labels.length}, but ${output.name} has ${width} numbers for each row`);
    }
    return { type: 'regression', name, from: output.name, labels };
  },
});

function isName(label: string): boolean {
  return label !== '' && label !== 'counts' && !label.includes('.');
}

/** Numbers of the model's own datatype, `[rows]`: one tensor, or one for each label, `<output>.<label>`. */
export function finishRegression({ name, from, labels }: RegressionPlan, { outputs }: Finishing): Tensor[] {
  const { datatype, shape, data } = outputNamed(outputs, from);
  const [rows = 0] = shape;
  const width = labels?.length ?? 1;
  if (elementCount(shape) !== rows * width)
    throw new Error(`${from} is ${printShape(shape)}, and was to have ${width} numbers a row.`);
  if (labels === undefined) return [{ name, datatype, shape: [rows], data }];
  return labels.map((label, i) => ({
    name: `${name}.${label}`,
    datatype,
    shape: [rows],
    // Of the same type, which the compiler cannot know.
    data: (data as Float32Array).filter((_, at) => at % width === i),
  }));
}

export function regressionSpecs(
  { name, from, labels }: RegressionPlan,
  outputs: readonly TensorSpec[],
): TensorSpec[] {
  const datatype = outputs.find((output) => output.name === from)?.datatype ?? 'FP32';
  const names = labels?.map((label) => `${name}.${label}`) ?? [name];
  return names.map((one) => ({ name: one, datatype, shape: [-1] }));
}

/** `12.5`, or `{"width": 12.5, "height": 3}` */
export function printRegression(
  tensors: readonly Tensor[],
  row: number,
  writer: JsonWriter,
  { labels }: RegressionPlan,
): void {
  const print = ({ data, datatype }: Tensor): void =>
    writer.tensorNested((data as Float32Array).subarray(row, row + 1), datatype, []);
  if (labels === undefined) return print(tensors[0]!);
  labels.forEach((label, i) => {
    writer.raw(i === 0 ? '{' : ',');
    writer.string(label);
    writer.raw(':');
    print(tensors[i]!);
  });
  writer.raw('}');
}
