import type { ImageFrame } from '../prepared';

/** A score of each class for each place of a picture, as a model gives them. */
export interface ScoreMap {
  readonly classes: number;
  readonly width: number;
  readonly height: number;
  readonly score: (id: number, x: number, y: number) => number;
}

/** For each place of a line, between which two of the map's it lies, and how far from the first. */
interface Axis {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

/**
 * The likeliest class of each pixel, row by row; of equal ones the first. Scores are interpolated between the places of the
 * map (bilinear, with pixels' centres as torch has it by `align_corners=False`), and only then compared, as Hugging Face
 * does: so edges are as fine as the picture.
 * @param frame how the picture came into the model's tensor; undefined: pixels are the places of the map
 */
export function eachClass(map: ScoreMap, frame: ImageFrame | undefined, set: (id: number) => void): void {
  const across = axisOf(map.width, frame?.width, frame?.scaleX, frame?.left, frame?.tensorWidth);
  const down = axisOf(map.height, frame?.height, frame?.scaleY, frame?.top, frame?.tensorHeight);
  let rivals: (readonly number[] | undefined)[] = [];
  for (let row = 0; row < down.first.length; row++) {
    const [y0, y1, fy] = [down.first[row]!, down.second[row]!, down.share[row]!];
    if (row === 0 || y0 !== down.first[row - 1]) rivals = new Array<undefined>(map.width).fill(undefined);
    for (let column = 0; column < across.first.length; column++) {
      const [x0, x1, fx] = [across.first[column]!, across.second[column]!, across.share[column]!];
      const possible = (rivals[x0] ??= rivalsAt(map, x0, x1, y0, y1));
      let best = possible[0]!;
      let most = -Infinity;
      for (let i = 0; possible.length > 1 && i < possible.length; i++) {
        const id = possible[i]!;
        const above = between(map.score(id, x0, y0), map.score(id, x1, y0), fx);
        const below = between(map.score(id, x0, y1), map.score(id, x1, y1), fx);
        const score = between(above, below, fy);
        if (score > most) [best, most] = [id, score];
      }
      set(best);
    }
  }
}

function between(a: number, b: number, share: number): number {
  // Infinity times nothing is no number.
  return share === 0 ? a : a + (b - a) * share;
}

/** What may be the likeliest anywhere between four places: all but those that are below another one at every corner. */
function rivalsAt({ classes, score }: ScoreMap, x0: number, x1: number, y0: number, y1: number): number[] {
  const highest = new Float64Array(classes);
  let bar = -Infinity;
  for (let id = 0; id < classes; id++) {
    const [a, b, c, d] = [score(id, x0, y0), score(id, x1, y0), score(id, x0, y1), score(id, x1, y1)];
    highest[id] = Math.max(a, b, c, d);
    const lowest = Math.min(a, b, c, d);
    bar = Math.max(bar, lowest);
  }
  const rivals: number[] = [];
  highest.forEach((one, id) => one >= bar && rivals.push(id));
  return rivals.length > 0 ? rivals : [0];
}

/** @param size of the picture, in pixels, of which each lies at `(x * scale + left)` of the `whole` tensor */
function axisOf(places: number, size = places, scale = 1, left = 0, whole = places): Axis {
  const axis = {
    first: new Int32Array(size),
    second: new Int32Array(size),
    share: new Float64Array(size),
  };
  for (let i = 0; i < size; i++) {
    const at = (((i + 0.5) * scale + left) * places) / whole - 0.5;
    const within = Math.min(Math.max(at, 0), places - 1);
    const first = Math.floor(within);
    axis.first[i] = first;
    axis.second[i] = Math.min(first + 1, places - 1);
    axis.share[i] = within - first;
  }
  return axis;
}

/** The same of classes that the model has chosen itself, of which the nearest place counts. */
export function eachNearest(
  map: Pick<ScoreMap, 'width' | 'height'>,
  frame: ImageFrame | undefined,
  at: (x: number, y: number) => void,
): void {
  const across = axisOf(map.width, frame?.width, frame?.scaleX, frame?.left, frame?.tensorWidth);
  const down = axisOf(map.height, frame?.height, frame?.scaleY, frame?.top, frame?.tensorHeight);
  const nearest = ({ first, second, share }: Axis, i: number): number =>
    share[i]! < 0.5 ? first[i]! : second[i]!;
  for (let row = 0; row < down.first.length; row++) {
    const y = nearest(down, row);
    for (let column = 0; column < across.first.length; column++) at(nearest(across, column), y);
  }
}
