import { choice, type KeyTable, number, text } from '../../config/yaml/readers';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { type NumericDatatype, isFloat } from '../../tensors/datatype';
import { elementCount, printShape, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { pngOf } from '../images/png';
import type { ImageFrame } from '../prepared';
import { eachClass, eachNearest } from './class-map';
import { numbersOf } from './elements';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

const LAYOUTS = ['nchw', 'nhwc'] as const;
const SIZES = ['picture', 'model'] as const;
/** Classes that a byte tells apart. */
const BYTE_CLASSES = 256;

/** Of what class each pixel of a picture is. */
export interface MaskPlan {
  readonly type: 'mask';
  readonly name: string;
  readonly from: string;
  /** Where the classes are; an output of three dimensions has none for them. */
  readonly layout: (typeof LAYOUTS)[number];
  /** Is it as large as the picture, or as the model's output? */
  readonly size: (typeof SIZES)[number];
  /** What the one score of a pixel must be above to be of class 1, where the model has one. */
  readonly threshold: number;
  readonly labels: readonly string[] | undefined;
}

interface Settings extends Omit<MaskPlan, 'type' | 'name' | 'from' | 'labels'> {
  readonly from: string | undefined;
  readonly labels: LabelSource | undefined;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  layout: { key: 'layout', read: choice(LAYOUTS), fallback: 'nchw' },
  size: { key: 'size', read: choice(SIZES), fallback: 'picture' },
  threshold: { key: 'threshold', read: number(-1e6, 1e6, 'inclusive'), fallback: 0.5 },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
};

export const MASK = declaredType({
  type: 'mask',
  options: [],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, { outputs }, assets, fault): Promise<MaskPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return undefined;
    const { shape, datatype } = output;
    if ((shape.length !== 3 && shape.length !== 4) || datatype === 'BYTES') {
      fault(
        `from: needs numbers of shape [rows, classes, height, width], or of [rows, height, width], and ${output.name} is ${datatype} ${printShape(shape)}`,
      );
      return undefined;
    }
    const count = classesOf(output, { ...settings, labels: undefined });
    const labels = await readLabels(settings.labels, count, assets, fault);
    return { ...settings, type: 'mask', name, from: output.name, labels };
  },
});

/** How many classes there are; undefined where only the model's answers, or nobody, says it. */
function classesOf(
  { shape, datatype }: Pick<TensorSpec, 'shape' | 'datatype'>,
  { layout, labels }: Pick<MaskPlan, 'layout' | 'labels'>,
): number | undefined {
  const channels = channelsOf(shape, layout);
  if (channels > 1) return channels;
  return channels === 1 && isFloat(datatype as NumericDatatype) ? 2 : labels?.length;
}

function channelsOf(shape: Shape, layout: MaskPlan['layout']): number {
  return shape.length === 3 ? 1 : shape[layout === 'nchw' ? 1 : 3]!;
}

/**
 * PNGs in base64 of one grey channel, a pixel's value being the number of its class, BYTES `[rows]`; their widths and
 * heights, INT32 `[rows, 2]`; and what share of its pixels each class has, FP32 `[rows, classes]`.
 */
export function finishMask(plan: MaskPlan, { outputs, contexts }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const [rows = 0] = output.shape;
  const frames = contexts.find((context) => context.type === 'image')?.frames;
  const classes = classesOf(output, plan) ?? BYTE_CLASSES;
  const values = numbersOf(output);
  const pngs: string[] = [];
  const sizes = new Int32Array(rows * 2);
  const shares = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const frame = plan.size === 'picture' ? frames?.[row] : undefined;
    const { width, height, png, counts } = maskOf(plan, { ...output, values }, row, classes, frame);
    pngs.push(png);
    sizes.set([width, height], row * 2);
    for (let id = 0; id < classes; id++) shares[row * classes + id] = counts[id]! / (width * height);
  }
  const { name } = plan;
  return [
    { name, datatype: 'BYTES', shape: [rows], data: pngs },
    { name: `${name}.sizes`, datatype: 'INT32', shape: [rows, 2], data: sizes },
    { name: `${name}.shares`, datatype: 'FP32', shape: [rows, classes], data: shares },
  ];
}

export function maskSpecs(plan: MaskPlan, outputs: readonly TensorSpec[]): TensorSpec[] {
  const output = outputs.find(({ name }) => name === plan.from);
  const isOpen = output !== undefined && channelsOf(output.shape, plan.layout) === -1;
  const classes = (output && classesOf(output, plan)) ?? (isOpen ? -1 : BYTE_CLASSES);
  const { name } = plan;
  return [
    { name, datatype: 'BYTES', shape: [-1] },
    { name: `${name}.sizes`, datatype: 'INT32', shape: [-1, 2] },
    { name: `${name}.shares`, datatype: 'FP32', shape: [-1, classes] },
  ];
}

interface Mask {
  readonly width: number;
  readonly height: number;
  readonly png: string;
  /** Pixels of each class. */
  readonly counts: Float64Array;
}

function maskOf(
  { layout, threshold, from }: MaskPlan,
  { shape, datatype, values }: Tensor & { readonly values: ArrayLike<number> },
  row: number,
  classes: number,
  frame: ImageFrame | undefined,
): Mask {
  const channels = channelsOf(shape, layout);
  const isFirst = shape.length === 3 || layout === 'nchw';
  const [height = 0, width = 0] = isFirst ? shape.slice(-2) : shape.slice(1, 3);
  const start = row * elementCount(shape.slice(1));
  const at = (id: number, x: number, y: number): number => {
    const place = y * width + x;
    const value = values[start + (isFirst ? id * width * height + place : place * channels + id)]!;
    // NaN is never the likeliest.
    return Number.isNaN(value) ? -Infinity : value;
  };
  const size = frame ?? { width, height };
  const bytes = classes > BYTE_CLASSES ? 2 : 1;
  const most = 256 ** bytes;
  const lines = Buffer.alloc(size.height * (1 + size.width * bytes));
  const counts = new Float64Array(classes);
  let pixel = 0;
  const set = (id: number): void => {
    if (!(id >= 0 && id < most))
      throw new Error(`${from} has the class ${id}, beyond the ${most} of a mask.`);
    const byte = 1 + Math.floor(pixel / size.width) + pixel * bytes;
    if (bytes === 1) lines[byte] = id;
    else lines.writeUInt16BE(id, byte);
    pixel++;
    if (id < classes) counts[id]!++;
  };
  const map = { classes, width, height };
  if (channels > 1) eachClass({ ...map, score: at }, frame, set);
  else if (!isFloat(datatype as NumericDatatype)) eachNearest(map, frame, (x, y) => set(at(0, x, y)));
  else eachClass({ ...map, score: (id, x, y) => (id === 0 ? threshold : at(0, x, y)) }, frame, set);
  const png = pngOf(bytes === 1 ? 'grey8' : 'grey16', size.width, size.height, lines);
  return { width: size.width, height: size.height, png: png.toString('base64'), counts };
}

/** `{"png": "iVBORw0...", "width": 640, "height": 480, "labels": [{"label": "sky", "value": 2, "share": 0.31}, ...]}` */
export function printMask(
  [pngs, sizes, shares]: readonly Tensor[],
  row: number,
  writer: JsonWriter,
  { labels }: MaskPlan,
): void {
  const [width = 0, height = 0] = (sizes!.data as Int32Array).subarray(2 * row);
  const classes = shares!.shape[1]!;
  const own = (shares!.data as Float32Array).subarray(row * classes, (row + 1) * classes);
  const present = [...own.keys()].filter((id) => own[id]! > 0).sort((a, b) => own[b]! - own[a]! || a - b);
  writer.raw('{"png":');
  writer.string(pngs!.data[row] as string);
  writer.raw(`,"width":${width},"height":${height},"labels":[`);
  present.forEach((id, i) => {
    writer.raw(i === 0 ? '{"label":' : ',{"label":');
    writer.string(labels?.[id] ?? String(id));
    writer.raw(`,"value":${id},"share":`);
    writer.tensorNested(own.subarray(id, id + 1), 'FP32', []);
    writer.raw('}');
  });
  writer.raw(']}');
}
