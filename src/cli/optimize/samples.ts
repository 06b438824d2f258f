import type { Row } from './rows';

/** Rows, each of which is used for one thing alone: what was chosen by must not judge as well. */
export interface Split {
  /** By which scales are found. */
  readonly calibration: readonly Row[];
  /** By which it is searched what stays as it is. */
  readonly search: readonly Row[];
  readonly judgement: readonly Row[];
}

const MOST_CALIBRATION = 32;
const MOST_SEARCH = 48;
const MOST_JUDGEMENT = 256;

/** Evenly over the file, as it may be sorted. @param isExact nothing is chosen: all may judge */
export function splitRows(rows: readonly Row[], isExact: boolean): Split {
  if (isExact) return { calibration: [], search: [], judgement: rows.slice(0, MOST_JUDGEMENT) };
  const quarter = Math.max(1, Math.floor(rows.length / 4));
  const [calibration, search] = [Math.min(MOST_CALIBRATION, quarter), Math.min(MOST_SEARCH, quarter)];
  const mixed = evenly(rows);
  return {
    calibration: mixed.slice(0, calibration),
    search: mixed.slice(calibration, calibration + search),
    judgement: mixed.slice(calibration + search, calibration + search + MOST_JUDGEMENT),
  };
}

/** In an order in which every stretch is of all parts of the list. */
function evenly(rows: readonly Row[]): Row[] {
  let step = Math.max(1, Math.round(rows.length * 0.618));
  while (gcd(step, rows.length) !== 1) step++;
  return rows.map((_, i) => rows[(i * step) % rows.length]!);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
