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
  const kept: number[] = [];
  for (const index of byScore(candidates).slice(0, MOST_COMPARED)) {
    if (kept.length === most) break;
    const isTaken = kept.some(
      (other) => classes[other] === classes[index] && overlap(corners, other, index) > iou,
    );
    if (!isTaken) kept.push(index);
  }
  return kept;
}

/** Intersection over union. */
function overlap(corners: Corners, one: number, other: number): number {
  const a = one * 4;
  const b = other * 4;
  const width = Math.min(corners[a + 2]!, corners[b + 2]!) - Math.max(corners[a]!, corners[b]!);
  const height = Math.min(corners[a + 3]!, corners[b + 3]!) - Math.max(corners[a + 1]!, corners[b + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(corners, a) + area(corners, b) - shared);
}

function area(corners: Corners, at: number): number {
  return (corners[at + 2]! - corners[at]!) * (corners[at + 3]! - corners[at + 1]!);
}
