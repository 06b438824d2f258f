import type { Tensor } from '../../tensors/tensor';
import type { ImageFrame } from '../prepared';
import type { Candidates } from './boxes';
import { numbersOf } from './elements';

/**
 * How detectors put their boxes into tensors.
 * `yolov8`: `[rows, 4 + classes, boxes]`, a box being its middle, width and height, then a score for each class;
 * `yolox`: `[rows, boxes, 5 + classes]`, a box for each cell of three grids, in units of these, then how sure it is that
 * there is anything, and a score for each class;
 * `end2end`: `[rows, boxes, 6]`, a box being its corners, score and class;
 * `boxes_scores_classes`: `[rows, boxes, 4]` corners, `[rows, boxes]` and `[rows, boxes]`.
 */
export const BOX_LAYOUTS = ['yolov8', 'yolox', 'end2end', 'boxes_scores_classes'] as const;
export type BoxLayout = (typeof BOX_LAYOUTS)[number];

/** Pixels of a cell of each of YOLOX's grids, in their order; the largest models have a fourth one. */
const STRIDES = [8, 16, 32, 64];

/**
 * The boxes of a row whose score is high enough.
 * @param frame how its picture came into the tensor; undefined where a tensor was sent, which is square then
 */
export function candidatesOf(
  layout: BoxLayout,
  tensors: readonly Tensor[],
  row: number,
  least: number,
  frame: ImageFrame | undefined,
): Candidates {
  switch (layout) {
    case 'yolov8':
      return ofMiddles(tensors[0]!, row, least);
    case 'yolox':
      return ofGrids(tensors[0]!, row, least, frame);
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

/** Cells of YOLOX's grids. https://github.com/Megvii-BaseDetection/YOLOX/blob/main/yolox/models/yolo_head.py */
function ofGrids(tensor: Tensor, row: number, least: number, frame: ImageFrame | undefined): Candidates {
  const [, boxes = 0, width = 5] = tensor.shape;
  const values = numbersOf(tensor);
  const start = row * boxes * width;
  const cells = cellsOf(boxes, frame);
  const best = new Float64Array(boxes);
  const ids = new Int32Array(boxes);
  for (let box = 0; box < boxes; box++) {
    const at = start + box * width + 5;
    for (let id = 1; id < width - 5; id++) if (values[at + id]! > values[at + ids[box]!]!) ids[box] = id;
    best[box] = values[at - 1]! * values[at + ids[box]!]!;
  }
  return collect(
    boxes,
    (box) => best[box]!,
    (box) => ids[box]!,
    least,
    (box) => {
      const at = start + box * width;
      const [column = 0, line = 0, stride = 1] = cells.subarray(box * 3, box * 3 + 3);
      const [x, y] = [(values[at]! + column) * stride, (values[at + 1]! + line) * stride];
      const [halfWidth, halfHeight] = [values[at + 2]!, values[at + 3]!].map(
        (log) => (Math.exp(log) * stride) / 2,
      ) as [number, number];
      return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
    },
  );
}

/** Column, line and stride of each cell. */
function cellsOf(boxes: number, frame: ImageFrame | undefined): Int32Array {
  for (const count of [3, 4]) {
    const strides = STRIDES.slice(0, count);
    const side = Math.round(Math.sqrt(boxes / strides.reduce((sum, stride) => sum + 1 / stride ** 2, 0)));
    const { tensorWidth, tensorHeight } = frame ?? { tensorWidth: side, tensorHeight: side };
    const grids = strides.map((stride) => [
      Math.floor(tensorWidth / stride),
      Math.floor(tensorHeight / stride),
      stride,
    ]);
    if (grids.reduce((sum, [columns = 0, lines = 0]) => sum + columns * lines, 0) !== boxes) continue;
    const cells = new Int32Array(boxes * 3);
    let at = 0;
    for (const [columns = 0, lines = 0, stride = 1] of grids) {
      for (let line = 0; line < lines; line++) {
        for (let column = 0; column < columns; column++, at += 3) cells.set([column, line, stride], at);
      }
    }
    return cells;
  }
  throw new Error(`${boxes} boxes are not the cells of the grids that YOLOX has.`);
}
