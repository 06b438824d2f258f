import { UsageError } from '../command';
import type { Proof } from './proof';

/** What a limit may be set for. */
const FIGURES = {
  speed: 'times as fast, at 1 or 8 rows, whichever is less',
  speed1: 'times as fast at 1 row',
  speed8: 'times as fast at 8 rows',
  cos: 'mean cosine',
  cosmin: 'worst cosine',
  maxrel: 'largest difference, in parts of the largest number',
  top1: 'share of the same largest class',
  sure1: 'share of the same largest class, where the original is sure',
  nn: 'share of the same nearest neighbour',
  spearman: 'correlation of the distances',
  size: 'part of the original size',
} as const;
type Figure = keyof typeof FIGURES;

export interface Limit {
  readonly figure: Figure;
  readonly atLeast: boolean;
  readonly value: number;
}

/** A limit, and what was found. */
export interface Check {
  readonly limit: string;
  readonly found: number | undefined;
  readonly ok: boolean;
}

/** What the original's own argmax may be changed by where sums are made in another order. */
const TIE_MARGIN = 1e-3;
const GAIN_AT_ONE = 1.15;
const LOSS_AT_OTHER = 0.97;

/** @param text such as `speed>=1.3 cos>=0.995`; @throws UsageError */
export function readLimits(text: string): Limit[] {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const [, figure = '', sign, number] = /^(\w+)(>=|<=)(\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(part) ?? [];
      if (Object.hasOwn(FIGURES, figure) && number !== undefined)
        return { figure: figure as Figure, atLeast: sign === '>=', value: Number(number) };
      throw new UsageError(
        `--require takes limits such as "speed>=1.3 cos>=0.995", of ${Object.keys(FIGURES).join(', ')}; got "${part.slice(0, 40)}".`,
      );
    });
}

/** What holds of a form where nobody says otherwise. */
export function usualLimits(isExact: boolean, own: boolean, cos: number): Limit[] {
  if (isExact) return [{ figure: 'maxrel', atLeast: false, value: 1e-3 }];
  return [
    { figure: 'cos', atLeast: true, value: cos },
    // Of rows that were made up the worst says little.
    ...(own ? [{ figure: 'cosmin', atLeast: true, value: 1 - 4 * (1 - cos) } as const] : []),
    ...(own ? [{ figure: 'sure1', atLeast: true, value: 0.97 } as const] : []),
  ];
}

/** Holds a proof against its limits: those that are asked for, and the usual ones of what is not. */
export function checksOf(
  proof: Proof,
  asked: readonly Limit[],
  usual: readonly Limit[],
  { isExact, needsSpeed }: { isExact: boolean; needsSpeed: boolean },
): Check[] {
  const names = new Set<string>(asked.map(({ figure }) => figure));
  const isAsked = ({ figure }: Limit): boolean =>
    names.has(figure) ||
    (figure.startsWith('cos') && names.has('cos')) ||
    (figure === 'sure1' && names.has('top1'));
  // Of classes the largest counts: how far the others are from what they were in one row says little.
  const isIdle = ({ figure }: Limit): boolean => figure === 'cosmin' && proof.accuracy.top1 !== undefined;
  const checks = [...asked, ...usual.filter((limit) => !isAsked(limit) && !isIdle(limit))].flatMap(
    (limit) => {
      const found = figureOf(proof, limit.figure);
      const isUsual = !asked.includes(limit);
      if (found === undefined && isUsual) return [];
      const ok = found !== undefined && (limit.atLeast ? found >= limit.value : found <= limit.value);
      return [{ limit: `${limit.figure} ${limit.atLeast ? '>=' : '<='} ${round(limit.value)}`, found, ok }];
    },
  );
  const { flippedMargin } = proof.accuracy;
  if (isExact && flippedMargin !== undefined)
    checks.push({
      limit: `a class is another one only at a margin <= ${TIE_MARGIN}`,
      found: flippedMargin,
      ok: flippedMargin <= TIE_MARGIN,
    });
  if (needsSpeed && ![...names].some((name) => name.startsWith('speed'))) {
    const speeds = speedsOf(proof);
    const best = Math.max(...speeds);
    const worst = Math.min(...speeds);
    checks.push(
      { limit: `speed >= ${GAIN_AT_ONE} at 1 or 8 rows`, found: best, ok: best >= GAIN_AT_ONE },
      { limit: `speed >= ${LOSS_AT_OTHER} at both`, found: worst, ok: worst >= LOSS_AT_OTHER },
    );
  }
  return checks;
}

function speedsOf({ speed }: Proof): number[] {
  return [speed.one.times, ...(speed.eight === undefined ? [] : [speed.eight.times])];
}

function figureOf(proof: Proof, figure: Figure): number | undefined {
  const { accuracy, speed } = proof;
  switch (figure) {
    case 'speed':
      return Math.min(...speedsOf(proof));
    case 'speed1':
      return speed.one.times;
    case 'speed8':
      return speed.eight?.times;
    case 'cos':
      return accuracy.cos;
    case 'cosmin':
      return accuracy.cosMin;
    case 'maxrel':
      return accuracy.maxRelative;
    case 'top1':
      return accuracy.top1;
    case 'sure1':
      return accuracy.top1Sure;
    case 'nn':
      return accuracy.nearest;
    case 'spearman':
      return accuracy.spearman;
    case 'size':
      return proof.sizeBytes / proof.originalBytes;
  }
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
