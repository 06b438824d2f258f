import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricsConfig } from '../../config/slices';
import { type Exemplar, type Figures, figuresIn } from './figures';
import { type CountedFamily, MODELS, perScope, type ScopeName } from './layout';
import { FAMILIES, type ToldFamily } from './metric-families';
import { SeriesChoice, wasUsed } from './series-choice';
import type { BuildInfo, ServerSnapshot } from './server-snapshot';
import { type TextFormat, TEXT_FORMATS, type TextFormatName } from './text-format';

/** How long one turn of the event loop may take, for whoever prints has other work too. */
const TURN_MS = 2;

interface Shown {
  /** Its labels as they stand between the braces. */
  readonly labels: string;
  readonly named: boolean;
  readonly used: boolean;
  readonly figures: Float64Array;
  readonly exemplars: readonly Exemplar[];
}

/** The figures of a server as text for Prometheus. */
export class Exposition {
  private readonly choice: SeriesChoice;

  constructor(
    private readonly build: BuildInfo,
    private readonly config: MetricsConfig,
  ) {
    this.choice = new SeriesChoice(config);
  }

  /** The text's bytes: turn by turn, and the next process takes them as they are. */
  async print(server: ServerSnapshot, formatName: TextFormatName = 'prometheus'): Promise<Buffer> {
    const format = TEXT_FORMATS[formatName];
    const pieces: Buffer[] = [];
    let text = '';
    let turnEndsMs = 0;
    const endTurn = async (): Promise<void> => {
      pieces.push(Buffer.from(text));
      text = '';
      await nextTurn();
      turnEndsMs = performance.now() + TURN_MS;
    };
    // Whoever asks has just added up the figures of all processes.
    await endTurn();
    const figures = this.choice.shown(server.figures);
    await endTurn();
    const subjects = subjectsOf(figures);
    for (const family of Object.values<CountedFamily | ToldFamily>(FAMILIES)) {
      text += format.head(family);
      if ('tell' in family) {
        for (const [values, value] of family.tell(server, this.build))
          text += line(family.name, labelText(family.labels, values), value);
        continue;
      }
      const print = printerOf(family, format, this.config.buckets === 'all');
      for (const subject of subjects[family.scope.name]) {
        text += print(subject);
        if (performance.now() >= turnEndsMs) await endTurn();
      }
    }
    text += format.end;
    await endTurn();
    return Buffer.concat(pieces);
  }
}

function subjectsOf(figures: Figures): Readonly<Record<ScopeName, readonly Shown[]>> {
  return perScope((scope) =>
    figures[scope.name].map((subject) => ({
      labels: subject.labels[0] === '' ? '' : labelText(scope.labels, subject.labels),
      named: subject.labels[0] !== '',
      used: scope !== MODELS || wasUsed(subject),
      figures: figuresIn(scope, subject),
      exemplars: subject.exemplars ?? [],
    })),
  );
}

/** What prints a family's series of one subject. */
function printerOf(family: CountedFamily, format: TextFormat, all: boolean): (subject: Shown) => string {
  const { name, scope, bounds, few = bounds, where } = family;
  const unit = family.inMs === true ? seconds : asItIs;
  const ownLabels = family.labels.slice(scope.labels.length);
  const series = family.series.map(({ values, place }) => {
    return { value: values[0], labels: labelText(ownLabels, values), place };
  });
  /** Those that are shown, each with the end of the cells that it adds to the ones before it. */
  const buckets = bounds
    ?.map((bound, i) => ({ bound, le: `le="${format.bound(unit(bound))}"`, end: i + 1 }))
    .filter(({ bound }) => all || few?.includes(bound))
    .concat({ bound: Infinity, le: 'le="+Inf"', end: bounds.length + 1 });
  const cells = buckets?.at(-1)?.end ?? 1;
  return ({ labels, named, used, figures, exemplars }) => {
    if (!named && family.unnamed !== true) return '';
    if (where === undefined ? !used : figures[where] === 0) return '';
    const isCounted = ({ place }: { place: number }): boolean => hasCount(figures, place, place + cells);
    const counted =
      family.sparse === true ? new Set(series.filter(isCounted).map(({ value }) => value)) : undefined;
    let text = '';
    for (const { value, labels: own, place } of series) {
      if (counted?.has(value) === false) continue;
      const both = joined(labels, own);
      if (buckets === undefined) {
        text += line(name, both, unit(figures[place]!));
        continue;
      }
      let count = 0;
      let cell = place;
      for (const { le, end } of buckets) {
        const first = cell;
        for (; cell < place + end; cell++) count += figures[cell]!;
        const seen = format.exemplar(lastIn(exemplars, first, cell), unit);
        text += line(`${name}_bucket`, joined(both, le), count, seen);
      }
      text += line(`${name}_sum`, both, unit(figures[cell]!)) + line(`${name}_count`, both, count);
    }
    return text;
  };
}

/** The latest exemplar of some cells, which one bucket shows together. */
function lastIn(exemplars: readonly Exemplar[], first: number, end: number): Exemplar | undefined {
  let latest: Exemplar | undefined;
  for (const exemplar of exemplars) {
    const isHere = exemplar.cell >= first && exemplar.cell < end;
    if (isHere && exemplar.atMs > (latest?.atMs ?? 0)) latest = exemplar;
  }
  return latest;
}

function hasCount(figures: Float64Array, first: number, end: number): boolean {
  for (let cell = first; cell < end; cell++) if (figures[cell] !== 0) return true;
  return false;
}

function line(name: string, labels: string, value: number, behind = ''): string {
  return labels === '' ? `${name} ${value}${behind}\n` : `${name}{${labels}} ${value}${behind}\n`;
}

function joined(one: string, other: string): string {
  return one === '' || other === '' ? one + other : `${one},${other}`;
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return values.map((value, i) => `${names[i]}="${value.replace(/["\\\n]/g, escaped)}"`).join(',');
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}

/** To the nanosecond: what is beyond is noise of the binary fractions. */
function seconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e9;
}

function asItIs(value: number): number {
  return value;
}
