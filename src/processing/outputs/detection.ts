import { choice, integer, type KeyTable, number, type Reader } from '../../config/yaml/readers';
import type { JsonValue } from '../../config/yaml/json-value';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { printShape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { declaredType, type Signature, type TellFault, tensorMeant } from '../declared-type';
import type { ImageFrame } from '../prepared';
import { type BoxLayout, BOX_LAYOUTS, candidatesOf } from './box-layouts';
import { byScore, suppress } from './boxes';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

const UNITS = ['pixel', 'fraction'] as const;

/** Things in a picture, each with a label, a score and a box. */
export interface DetectionPlan {
  readonly type: 'detection';
  readonly name: string;
  /** One output; for `boxes_scores_classes` three, in this order. */
  readonly from: readonly string[];
  readonly layout: BoxLayout;
  /** Of the tensor's pixels, or of its width and height. */
  readonly unit: (typeof UNITS)[number];
  /** Boxes must have more than this. */
  readonly score: number;
  /** Undefined: the model has chosen among overlapping boxes itself. */
  readonly iou: number | undefined;
  readonly max: number;
  readonly labels: readonly string[] | undefined;
}

interface Settings extends Omit<DetectionPlan, 'type' | 'name' | 'from' | 'labels'> {
  readonly from: readonly string[] | undefined;
  readonly labels: LabelSource | undefined;
}

const sources: Reader<readonly string[]> = (value, fault) => {
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  const names = list.filter((name): name is string => typeof name === 'string');
  return names.length === list.length && (list.length === 1 || list.length === 3)
    ? names
    : fault('must be the name of an output, or a list of three: boxes, scores, classes');
};

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: sources, fallback: undefined },
  layout: { key: 'layout', read: choice(BOX_LAYOUTS), fallback: 'yolov8' },
  unit: { key: 'unit', read: choice(UNITS), fallback: 'pixel' },
  score: { key: 'score', read: number(0, 1, 'inclusive'), fallback: 0.25 },
  iou: { key: 'iou', read: number(0, 1, 'inclusive'), fallback: undefined },
  max: { key: 'max', read: integer(1, 100_000), fallback: 300 },
  labels: { key: 'labels', read: labelSource, fallback: undefined },
};

/** What ultralytics takes where nothing is said. */
const YOLO_IOU = 0.45;

export const DETECTION = declaredType({
  type: 'detection',
  options: ['score', 'iou', 'max'],
  keys: KEYS,
  assets: ({ labels }) => labelAssets(labels),
  async bind(name, settings, signature, assets, fault): Promise<DetectionPlan | undefined> {
    const outputs = outputsMeant(settings, signature, fault);
    if (outputs === undefined) return undefined;
    const { layout } = settings;
    const [, channels = -1, boxes = -1] = outputs[0]?.shape ?? [];
    if (layout === 'yolov8' && settings.labels === undefined && boxes !== -1 && channels > boxes) {
      fault(
        `layout: yolov8 has [rows, 4 + classes, boxes], and ${outputs[0]!.name} is ${printShape(outputs[0]!.shape)}; labels would say that it is that`,
      );
    }
    const labels = await readLabels(settings.labels, classesOf(layout, outputs[0]), assets, fault);
    const iou = settings.iou ?? (layout === 'yolov8' || layout === 'yolox' ? YOLO_IOU : undefined);
    return { ...settings, type: 'detection', name, from: outputs.map((one) => one.name), iou, labels };
  },
});

/** How many classes a model tells apart; undefined where its shape does not say. */
function classesOf(layout: BoxLayout, output: Pick<TensorSpec, 'shape'> | undefined): number | undefined {
  const [, first = -1, second = -1] = output?.shape ?? [];
  if (layout === 'yolov8' && first > 4) return first - 4;
  return layout === 'yolox' && second > 5 ? second - 5 : undefined;
}

/** The outputs of the layout; undefined after a fault. */
function outputsMeant(
  { from, layout }: Settings,
  { outputs }: Signature,
  fault: TellFault,
): readonly TensorSpec[] | undefined {
  const isThree = layout === 'boxes_scores_classes';
  if (isThree !== (from?.length === 3)) {
    if (isThree) fault('from: must list three outputs, boxes, scores and classes, where the layout has them');
    else if (from?.length === 3) fault(`from: must be one output where the layout is ${layout}`);
  }
  if (isThree && from?.length !== 3) return undefined;
  const wanted = from ?? [undefined];
  const found = wanted.flatMap((one) => tensorMeant(one, outputs, 'from', fault) ?? []);
  if (found.length < wanted.length) return undefined;
  const shapes = isThree ? [[4], [], []] : layout === 'end2end' ? [[6]] : [[-1]];
  const odd = found.find(({ shape, datatype }, i) => {
    const last = shapes[i] ?? [];
    const isLast = last.length === 0 || last[0] === -1 || shape.at(-1) === -1 || shape.at(-1) === last[0];
    return datatype === 'BYTES' || shape.length !== 2 + last.length || !isLast;
  });
  if (odd === undefined) return found;
  fault(`from: ${odd.name} is ${odd.datatype} ${printShape(odd.shape)}, which is not what ${layout} has`);
  return undefined;
}

/**
 * Labels, BYTES `[boxes]`, scores, FP32 `[boxes]`, and corners, FP32 `[boxes, 4]` in pixels of the pictures as they are
 * seen, of all rows one after the other; and how many each row has, INT64 `[rows]`. The highest score is first.
 */
export function finishDetection(plan: DetectionPlan, { outputs, contexts, options }: Finishing): Tensor[] {
  const tensors = plan.from.map((name) => outputNamed(outputs, name));
  const rows = tensors[0]?.shape[0] ?? 0;
  const classes = classesOf(plan.layout, tensors[0]);
  if (classes !== undefined && plan.labels !== undefined && plan.labels.length !== classes) {
    throw new Error(`${plan.from[0]} has ${classes} classes, and ${plan.labels.length} labels are declared.`);
  }
  const frames = contexts.find((context) => context.type === 'image')?.frames;
  const least = options.score ?? plan.score;
  const iou = options.iou ?? plan.iou;
  const most = options.max ?? plan.max;
  const labels: string[] = [];
  const scores: number[] = [];
  const boxes: number[] = [];
  const counts: bigint[] = [];
  for (let row = 0; row < rows; row++) {
    const candidates = candidatesOf(plan.layout, tensors, row, least, frames?.[row]);
    const kept = iou === undefined ? byScore(candidates).slice(0, most) : suppress(candidates, iou, most);
    for (const index of kept) {
      const id = candidates.classes[index]!;
      labels.push(plan.labels?.[id] ?? String(id));
      scores.push(candidates.scores[index]!);
      boxes.push(
        ...inPicture(candidates.corners.subarray(index * 4, index * 4 + 4), plan.unit, frames?.[row]),
      );
    }
    counts.push(BigInt(kept.length));
  }
  const { name } = plan;
  return [
    { name, datatype: 'BYTES', shape: [labels.length], data: labels },
    { name: `${name}.scores`, datatype: 'FP32', shape: [labels.length], data: Float32Array.from(scores) },
    { name: `${name}.boxes`, datatype: 'FP32', shape: [labels.length, 4], data: Float32Array.from(boxes) },
    { name: `${name}.counts`, datatype: 'INT64', shape: [rows], data: BigInt64Array.from(counts) },
  ];
}

/** `[{"label": "person", "score": 0.91, "box": [12.1, 30.5, 210, 400.2]}, ...]` */
export function printDetection(
  [labels, scores, boxes, counts]: readonly Tensor[],
  row: number,
  writer: JsonWriter,
): void {
  const numbers = counts?.data as BigInt64Array;
  let first = 0;
  for (let i = 0; i < row; i++) first += Number(numbers[i]);
  writer.raw('[');
  for (let i = first; i < first + Number(numbers[row]); i++) {
    writer.raw(i === first ? '{"label":' : ',{"label":');
    writer.string(labels?.data[i] as string);
    writer.raw(',"score":');
    writer.tensorNested((scores?.data as Float32Array).subarray(i, i + 1), 'FP32', []);
    writer.raw(',"box":');
    writer.tensorNested((boxes?.data as Float32Array).subarray(i * 4, i * 4 + 4), 'FP32', [4]);
    writer.raw('}');
  }
  writer.raw(']');
}

/** A box of the tensor as one of the picture, within its edges; as it is where no picture is known. */
function inPicture(
  corners: Float64Array,
  unit: DetectionPlan['unit'],
  frame: ImageFrame | undefined,
): number[] {
  if (frame === undefined) return [...corners];
  const { width, height, scaleX, scaleY, left, top, tensorWidth, tensorHeight } = frame;
  return Array.from(corners, (value, i) => {
    const isX = i % 2 === 0;
    const pixel = unit === 'fraction' ? value * (isX ? tensorWidth : tensorHeight) : value;
    const place = isX ? (pixel - left) / scaleX : (pixel - top) / scaleY;
    return Math.min(Math.max(place, 0), isX ? width : height);
  });
}
