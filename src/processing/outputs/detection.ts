import { choice, integer, type KeyTable, number, type Reader } from '../../config/yaml/readers';
import type { JsonValue } from '../../config/yaml/yaml-mapping';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { printShape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { declaredType, type Signature, type TellFault, tensorMeant } from '../declared-type';
import type { ImageFrame } from '../prepared';
import { byScore, type Candidates, suppress } from './boxes';
import { numbersOf } from './elements';
import { type LabelSource, labelAssets, labelSource, readLabels } from './label-list';
import { type Finishing, outputNamed } from './output-type';

const LAYOUTS = ['yolov8', 'end2end', 'boxes_scores_classes'] as const;
export type DetectionLayout = (typeof LAYOUTS)[number];
const UNITS = ['pixel', 'fraction'] as const;

/** Things in a picture, each with a label, a score and a box. */
export interface DetectionPlan {
  readonly type: 'detection';
  readonly name: string;
  /** One output; for `boxes_scores_classes` three, in this order. */
  readonly from: readonly string[];
  /**
   * `yolov8`: `[rows, 4 + classes, boxes]`, a box being its middle, width and height, then a score for each class;
   * `end2end`: `[rows, boxes, 6]`, a box being its corners, score and class;
   * `boxes_scores_classes`: `[rows, boxes, 4]` corners, `[rows, boxes]` and `[rows, boxes]`.
   */
  readonly layout: DetectionLayout;
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
  layout: { key: 'layout', read: choice(LAYOUTS), fallback: 'yolov8' },
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
    const classes = outputs[0]?.shape[1];
    const count =
      settings.layout === 'yolov8' && classes !== undefined && classes > 4 ? classes - 4 : undefined;
    const labels = await readLabels(settings.labels, count, assets, fault);
    const iou = settings.iou ?? (settings.layout === 'yolov8' ? YOLO_IOU : undefined);
    return { ...settings, type: 'detection', name, from: outputs.map((one) => one.name), iou, labels };
  },
});

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
  const frames = contexts.find((context) => context.type === 'image')?.frames;
  const least = options.score ?? plan.score;
  const iou = options.iou ?? plan.iou;
  const most = options.max ?? plan.max;
  const labels: string[] = [];
  const scores: number[] = [];
  const boxes: number[] = [];
  const counts: bigint[] = [];
  for (let row = 0; row < rows; row++) {
    const candidates = candidatesOf(plan.layout, tensors, row, least);
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

/** The boxes of a row whose score is high enough. */
function candidatesOf(
  layout: DetectionLayout,
  tensors: readonly Tensor[],
  row: number,
  least: number,
): Candidates {
  switch (layout) {
    case 'yolov8':
      return ofMiddles(tensors[0]!, row, least);
    case 'end2end':
      return ofCorners(tensors[0]!, row, least);
    case 'boxes_scores_classes':
      return ofThree(tensors, row, least);
  }
}

function ofMiddles(tensor: Tensor, row: number, least: number): Candidates {
  const [, channels = 0, boxes = 0] = tensor.shape;
  const values = numbersOf(tensor);
  const start = row * channels * boxes;
  const best = new Float64Array(boxes).fill(-Infinity);
  const ids = new Int32Array(boxes);
  for (let id = 0; id < channels - 4; id++) {
    for (let box = 0, at = start + (4 + id) * boxes; box < boxes; box++, at++) {
      if (values[at]! > best[box]!) {
        best[box] = values[at]!;
        ids[box] = id;
      }
    }
  }
  return collect(
    boxes,
    (box) => best[box]!,
    (box) => ids[box]!,
    least,
    (box) => {
      const [x, y, width, height] = [0, 1, 2, 3].map((i) => values[start + i * boxes + box]!) as Four;
      return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    },
  );
}

type Four = [number, number, number, number];

function ofCorners(tensor: Tensor, row: number, least: number): Candidates {
  const [, boxes = 0, width = 6] = tensor.shape;
  const values = numbersOf(tensor);
  const at = (box: number, i: number): number => values[(row * boxes + box) * width + i]!;
  const cornersAt = (box: number): Four => [at(box, 0), at(box, 1), at(box, 2), at(box, 3)];
  return collect(
    boxes,
    (box) => at(box, 4),
    (box) => at(box, 5),
    least,
    cornersAt,
  );
}

function ofThree([corners, scores, classes]: readonly Tensor[], row: number, least: number): Candidates {
  const boxes = scores?.shape[1] ?? 0;
  const [values, best, ids] = [corners!, scores!, classes!].map(numbersOf) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const at = (box: number, i: number): number => values[(row * boxes + box) * 4 + i]!;
  return collect(
    boxes,
    (box) => best[row * boxes + box]!,
    (box) => ids[row * boxes + box]!,
    least,
    (box) => [at(box, 0), at(box, 1), at(box, 2), at(box, 3)],
  );
}

function collect(
  boxes: number,
  scoreOf: (box: number) => number,
  classOf: (box: number) => number,
  least: number,
  cornersOf: (box: number) => Four,
): Candidates {
  const wanted: number[] = [];
  for (let box = 0; box < boxes; box++) if (scoreOf(box) > least) wanted.push(box);
  return {
    corners: Float64Array.from(wanted.flatMap(cornersOf)),
    scores: Float64Array.from(wanted, scoreOf),
    classes: Int32Array.from(wanted, classOf),
  };
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
