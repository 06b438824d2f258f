import { type HistogramPlace, type Place, type Scope, type ScopeName, SCOPES } from './layout';

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

export const NO_FIGURES: Figures = { server: [], models: [], remotes: [], callers: [] };

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

/** All figures of one subject, in their places. */
export class Reading<Name extends ScopeName> {
  readonly figures: Float64Array;

  constructor(scope: Scope<Name>, subject?: Subject) {
    this.figures = new Float64Array(scope.size);
    const cells = subject?.cells ?? [];
    for (let i = 0; i + 1 < cells.length; i += 2) this.figures[cells[i]!] = cells[i + 1]!;
  }

  at(place: Place<Name>): number {
    return this.figures[place]!;
  }

  observed({ at, bounds }: Pick<HistogramPlace<Name>, 'at' | 'bounds'>): Observed {
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
export function mergeFigures(parts: readonly Figures[], mostModels = SCOPES.models.most): Figures {
  const merged = (scope: Scope<ScopeName>, most: number): readonly Subject[] =>
    mergeSubjects(scope, parts.map((part) => part[scope.name]).flat(), most);
  const { server, models, remotes, callers } = SCOPES;
  return {
    server: merged(server, server.most),
    models: merged(models, mostModels),
    remotes: merged(remotes, remotes.most),
    callers: merged(callers, callers.most),
  };
}

/** What remains of a process that is gone: what it counted, and nothing that it held. */
export function countersOf(figures: Figures): Figures {
  return mapSubjects(figures, ({ cells, ...subject }, { held }) => ({
    ...subject,
    cells: cells.filter((_, i) => !held.has(cells[i - (i % 2)]!)),
  }));
}

/** The labels alone. */
export function emptied(figures: Figures): Figures {
  return mapSubjects(figures, ({ labels }) => ({ labels, cells: [] }));
}

function mapSubjects(
  figures: Figures,
  change: (subject: Subject, scope: Scope<ScopeName>) => Subject,
): Figures {
  const changed = (scope: Scope<ScopeName>): readonly Subject[] =>
    figures[scope.name].map((subject) => change(subject, scope));
  return {
    server: changed(SCOPES.server),
    models: changed(SCOPES.models),
    remotes: changed(SCOPES.remotes),
    callers: changed(SCOPES.callers),
  };
}

/** Those of the same labels together; a subject without a name, or of what is left, always has room. */
export function mergeSubjects(
  scope: Scope<ScopeName>,
  subjects: readonly Subject[],
  most: number,
): readonly Subject[] {
  const merged = new Map<string, Room>();
  const isMaximum = Uint8Array.from({ length: scope.size }, (_, place) => Number(scope.maxima.has(place)));
  const roomFor = (labels: readonly string[]): Room => {
    const key = JSON.stringify(labels);
    const known = merged.get(key);
    if (known !== undefined) return known;
    const isRest = labels[0] === '' || labels[0] === scope.rest[0];
    if (merged.size >= most && !isRest) return roomFor(scope.rest);
    const room = { labels, sums: new Float64Array(scope.size), exemplars: new Map<number, Exemplar>() };
    merged.set(key, room);
    return room;
  };
  for (const { labels, cells, exemplars: seen = [] } of subjects) {
    const { sums, exemplars } = roomFor(labels);
    for (const exemplar of seen)
      if (exemplar.atMs > (exemplars.get(exemplar.cell)?.atMs ?? 0)) exemplars.set(exemplar.cell, exemplar);
    for (let i = 0; i + 1 < cells.length; i += 2) {
      const [place, value] = [cells[i]!, cells[i + 1]!];
      sums[place] = isMaximum[place] === 1 ? Math.max(sums[place]!, value) : sums[place]! + value;
    }
  }
  return [...merged.values()].map(({ labels, sums, exemplars }) => ({
    labels,
    cells: gather(sums),
    ...(exemplars.size > 0 && { exemplars: [...exemplars.values()] }),
  }));
}

/** Where subjects of the same labels come together. */
interface Room {
  readonly labels: readonly string[];
  readonly sums: Float64Array;
  /** The last one of each cell. */
  readonly exemplars: Map<number, Exemplar>;
}
