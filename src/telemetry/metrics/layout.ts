// Where each figure stands in an array of numbers. All processes of a server run the same code, so the arrays alone
// travel between them. What it takes to count, to merge and to show a family is said once, where it is made.

export type ScopeName = 'server' | 'models' | 'remotes' | 'callers';

/** Where a counter or a gauge stands among the figures of a subject. */
export type Place<Name extends ScopeName> = number & { readonly scope: Name };

/** Where a histogram does: a cell for each bucket (not cumulative), one for what exceeds all bounds, then the sum. */
export interface HistogramPlace<Name extends ScopeName> {
  readonly scope: Name;
  readonly at: number;
  readonly bounds: readonly number[];
}

/** The values of a family's own labels, those of the first one outermost. */
export type LabelValues = readonly string[] | { readonly [value: string]: LabelValues };

/** The places of a family by those values; its only place when it has no labels of its own. */
export type Places<Values, Leaf> = Values extends readonly (infer Value extends string)[]
  ? Readonly<Record<Value, Leaf>>
  : Values extends object
    ? { readonly [Value in keyof Values]: Places<Values[Value], Leaf> }
    : Leaf;

/** One name in the exposition: what Prometheus and people are told of it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

interface About<Values> {
  readonly help: string;
  /** Labels besides those of the scope, and the values that they take. */
  readonly labels?: readonly string[];
  readonly values?: Values;
  /** Recorded in milliseconds and shown in seconds. */
  readonly inMs?: boolean;
  /** Series are left out while nothing was counted under their value of the first label. */
  readonly sparse?: boolean;
  /** Shown of the subject without a name, too. */
  readonly unnamed?: boolean;
  /** Shown of subjects of which the figure at this place is not zero, and of no others; else of those that were used. */
  readonly where?: number;
  /** Of a gauge: each process tells the same, so that it is merged by its maximum and not added up. */
  readonly max?: boolean;
  /** The upper bounds of a histogram's buckets, inclusive. */
  readonly bounds?: readonly number[];
  /** Those of them that are shown where few are wanted. */
  readonly few?: readonly number[];
}

/** A family whose figures have places. */
export interface CountedFamily extends MetricFamily, Omit<About<unknown>, 'labels' | 'values'> {
  readonly scope: Scope<ScopeName>;
  readonly series: readonly { readonly values: readonly string[]; readonly place: number }[];
}

type Counted<Values, Leaf> = CountedFamily & { readonly at: Places<Values, Leaf> };
type Own = LabelValues | undefined;

/** What figures belong to: its subjects, told apart by labels, have an array each. */
export class Scope<Name extends ScopeName> {
  /** Figures of a subject. */
  size = 0;
  /** Places that are merged by their maximum; all others are added up. */
  readonly maxima = new Set<number>();
  /** Places of what a process holds and takes with it; all others go on when it is gone. */
  readonly held = new Set<number>();

  /** @param rest the labels that further subjects share when `most` have labels of their own */
  constructor(
    readonly name: Name,
    readonly labels: readonly string[],
    readonly most: number,
    readonly rest: readonly string[],
  ) {}

  /** A figure that is not shown. */
  figure({ held = false, max = false } = {}): Place<Name> {
    const place = this.size++ as Place<Name>;
    if (held) this.held.add(place);
    if (max) this.maxima.add(place);
    return place;
  }

  counter<const V extends Own = undefined>(name: string, about: About<V>): Counted<V, Place<Name>> {
    return this.family({ type: 'counter', name, ...about }, () => this.figure());
  }

  gauge<const V extends Own = undefined>(name: string, about: About<V>): Counted<V, Place<Name>> {
    return this.family({ type: 'gauge', name, ...about }, () => this.figure({ held: true, max: about.max }));
  }

  histogram<const V extends Own = undefined>(
    name: string,
    about: About<V> & { readonly bounds: readonly number[] },
  ): Counted<V, HistogramPlace<Name>> {
    return this.family({ type: 'histogram', name, ...about }, () => {
      const at = this.size;
      this.size += about.bounds.length + 2;
      return { scope: this.name, at, bounds: about.bounds };
    });
  }

  private family<V extends Own, Leaf extends Place<Name> | HistogramPlace<Name>>(
    { labels = [], values, ...about }: About<V> & Pick<MetricFamily, 'name' | 'type'>,
    leaf: () => Leaf,
  ): Counted<V, Leaf> {
    const series: { values: readonly string[]; place: number }[] = [];
    const lay = (tree: Own, outer: readonly string[]): unknown => {
      if (tree === undefined) {
        const made = leaf();
        series.push({ values: outer, place: typeof made === 'number' ? made : made.at });
        return made;
      }
      const branches = isList(tree) ? tree.map((value) => [value, undefined] as const) : Object.entries(tree);
      return Object.fromEntries(branches.map(([value, inner]) => [value, lay(inner, [...outer, value])]));
    };
    const at = lay(values, []) as Places<V, Leaf>;
    return { ...about, labels: [...this.labels, ...labels], scope: this, series, at };
  }
}

function isList(values: LabelValues): values is readonly string[] {
  return Array.isArray(values);
}

/** Each of one label's values with each of another's. */
export function each<Outer extends string, const Inner extends readonly string[]>(
  outer: readonly Outer[],
  inner: Inner,
): Readonly<Record<Outer, Inner>> {
  return Object.fromEntries(outer.map((value) => [value, inner])) as Record<Outer, Inner>;
}

/** What a process does, whatever it is for. */
export const SERVER = new Scope('server', [], 1, []);
/** The versions of models; without a name where the model of a call is not known. */
export const MODELS = new Scope('models', ['model', 'version'], 1000, ['_other', '']);
/** The servers, by host and port, that remote models are on. */
export const REMOTES = new Scope('remotes', ['model', 'remote'], 256, ['_other', '_other']);
/** Those who have proved who they are, where they are wanted. */
export const CALLERS = new Scope('callers', ['caller'], 256, ['_other']);

export const SCOPES = [SERVER, MODELS, REMOTES, CALLERS] as const;

/** The same of each of them. */
export function perScope<T>(of: (scope: Scope<ScopeName>) => T): Readonly<Record<ScopeName, T>> {
  return { server: of(SERVER), models: of(MODELS), remotes: of(REMOTES), callers: of(CALLERS) };
}

/** The bucket of a value; 0 for the smallest. */
export function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0;
  // Stages of small requests end in the first few; what lasts longer can afford to look further.
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  return bucket;
}
