/** Corners of boxes, four numbers each: x1, y1, x2, y2. */
export type Corners = Float64Array;

/** Boxes of one picture, with what they may be. */
export interface Candidates {
  readonly corners: Corners;
  readonly scores: Float64Array;
  readonly classes: Int32Array;
}

/** More than these are not compared with one another; ultralytics' bound. */
const MOST_COMPARED = 30_000;

/** Indices of the boxes in the order of their scores, the highest first; equal ones in theirs. */
export function byScore({ scores }: Candidates): number[] {
  return Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/**
 * The boxes that are left when each has taken away those of its class that overlap it more than `iou`: greedy
 * non-maximum suppression, as torchvision's `batched_nms` does it.
 * @returns indices, the highest score first
 */
export function suppress(candidates: Candidates, iou: number, most: number): number[] {
  const { corners, classes } = candidates;
  const order = byScore(candidates).slice(0, MOST_COMPARED);
  const kept: number[] = [];
  // Side by side, as each box is compared with all of them: by far the most work of a picture of many boxes.
  const keptCorners = new Float64Array(Math.min(most, order.length) * 4);
  const keptClasses = new Int32Array(keptCorners.length / 4);
  for (const index of order) {
    if (kept.length === most) break;
    let isTaken = false;
    for (let other = 0; other < kept.length && !isTaken; other++) {
      isTaken = keptClasses[other] === classes[index] && overlap(keptCorners, other, corners, index) > iou;
    }
    if (isTaken) continue;
    keptClasses[kept.length] = classes[index]!;
    keptCorners.set(corners.subarray(index * 4, index * 4 + 4), kept.length * 4);
    kept.push(index);
  }
  return kept;
}

/** Intersection over union of two boxes, each of a list. */
function overlap(ones: Corners, one: number, others: Corners, other: number): number {
  const a = one * 4;
  const b = other * 4;
  // Most lie beside each other.
  if (ones[a]! >= others[b + 2]! || ones[a + 2]! <= others[b]!) return 0;
  if (ones[a + 1]! >= others[b + 3]! || ones[a + 3]! <= others[b + 1]!) return 0;
  const width = Math.min(ones[a + 2]!, others[b + 2]!) - Math.max(ones[a]!, others[b]!);
  const height = Math.min(ones[a + 3]!, others[b + 3]!) - Math.max(ones[a + 1]!, others[b + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(ones, a) + area(others, b) - shared);
}

function area(corners: Corners, at: number): number {
  return (corners[at + 2]! - corners[at]!) * (corners[at + 3]! - corners[at + 1]!);
}
