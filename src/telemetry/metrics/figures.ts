import { type HistogramPlace, MODELS, perScope, type Place, type Scope, type ScopeName } from './layout';

/** The figures of one subject at one moment, as they travel between processes: small while it is idle. */
export interface Subject {
  /** The values of its scope's labels. */
  readonly labels: readonly string[];
  /** The figures that are not zero: each one's place, then its value. */
  readonly cells: readonly number[];
  /** The last sampled observation in each bucket that had one. */
  readonly exemplars?: readonly Exemplar[];
}

/** One observation, and the trace that shows how it came about. */
export interface Exemplar {
  /** The cell of its bucket. */
  readonly cell: number;
  readonly value: number;
  readonly traceId: string;
  /** Since 1970. */
  readonly atMs: number;
}

/** What a process counted and holds, or several of them together. */
export type Figures = Readonly<Record<ScopeName, readonly Subject[]>>;

export const NO_FIGURES: Figures = perScope(() => []);

/** Durations or sizes that were observed. */
export interface Observed {
  /** By bucket, each for itself; the last one is for those beyond all bounds. */
  readonly buckets: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** One figure of a subject. */
export function valueAt({ cells }: Subject, place: Place<ScopeName>): number {
  for (let i = 0; i + 1 < cells.length; i += 2) if (cells[i] === place) return cells[i + 1]!;
  return 0;
}

/** All figures of subjects added up, in their places. */
export function figuresIn(scope: Scope<ScopeName>, ...subjects: readonly Subject[]): Float64Array {
  const figures = new Float64Array(scope.size);
  for (const { cells } of subjects)
    for (let i = 0; i + 1 < cells.length; i += 2) figures[cells[i]!]! += cells[i + 1]!;
  return figures;
}

/** The same, read by place. */
export class Reading<Name extends ScopeName> {
  private readonly figures: Float64Array;

  constructor(scope: Scope<Name>, ...subjects: readonly (Subject | undefined)[]) {
    this.figures = figuresIn(scope, ...subjects.filter((subject) => subject !== undefined));
  }

  at(place: Place<Name>): number {
    return this.figures[place]!;
  }

  observed({ at, bounds }: HistogramPlace<Name>): Observed {
    const end = at + bounds.length + 1;
    const buckets = [...this.figures.subarray(at, end)];
    return { buckets, count: buckets.reduce((sum, count) => sum + count, 0), sum: this.figures[end]! };
  }
}

/** The figures that are not zero. */
export function gather(figures: Float64Array): number[] {
  const cells: number[] = [];
  for (let i = 0; i < figures.length; i++) {
    const value = figures[i]!;
    if (value !== 0) cells.push(i, value);
  }
  return cells;
}

/**
 * The figures of different processes together. Subjects that come first keep their labels when there are more than have
 * room: put the totals that must not lose theirs in front.
 */
export function mergeFigures(parts: readonly Figures[], mostModels = MODELS.most): Figures {
  return perScope((scope) => {
    const most = scope === MODELS ? mostModels : scope.most;
    return mergeSubjects(scope, parts.map((part) => part[scope.name]).flat(), most);
  });
}

/** What remains of a process that is gone: what it counted, and nothing that it held. */
export function countersOf(figures: Figures): Figures {
  return perScope(({ name, held }) =>
    figures[name].map(({ cells, ...subject }) => ({
      ...subject,
      cells: cells.filter((_, i) => !held.has(cells[i - (i % 2)]!)),
    })),
  );
}

/** The labels alone. */
export function emptied(figures: Figures): Figures {
  return perScope(({ name }) => figures[name].map(({ labels }) => ({ labels, cells: [] })));
}

/** Those of the same labels together; a subject without a name, or of what is left, always has room. */
export function mergeSubjects(
  scope: Scope<ScopeName>,
  subjects: readonly Subject[],
  most: number,
): readonly Subject[] {
  const merged = new Map<string, { readonly labels: readonly string[]; readonly parts: Subject[] }>();
  const partsOf = (labels: readonly string[]): Subject[] => {
    const key = JSON.stringify(labels);
    const known = merged.get(key);
    if (known !== undefined) return known.parts;
    const isRest = labels[0] === '' || labels[0] === scope.rest[0];
    if (merged.size >= most && !isRest) return partsOf(scope.rest);
    const parts: Subject[] = [];
    merged.set(key, { labels, parts });
    return parts;
  };
  for (const subject of subjects) partsOf(subject.labels).push(subject);
  const isMaximum = Uint8Array.from({ length: scope.size }, (_, place) => Number(scope.maxima.has(place)));
  const sums = new Float64Array(scope.size);
  return [...merged.values()].map(({ labels, parts }) => {
    const last = new Map<number, Exemplar>();
    for (const { cells, exemplars = [] } of parts) {
      for (let i = 0; i + 1 < cells.length; i += 2) {
        const [place, value] = [cells[i]!, cells[i + 1]!];
        sums[place] = isMaximum[place] === 1 ? Math.max(sums[place]!, value) : sums[place]! + value;
      }
      for (const exemplar of exemplars)
        if (exemplar.atMs > (last.get(exemplar.cell)?.atMs ?? 0)) last.set(exemplar.cell, exemplar);
    }
    const cells = gather(sums);
    sums.fill(0);
    return last.size === 0 ? { labels, cells } : { labels, cells, exemplars: [...last.values()] };
  });
}
