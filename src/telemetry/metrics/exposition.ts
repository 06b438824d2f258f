import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricsConfig } from '../../config/slices';
import { type Exemplar, type Figures, Reading } from './figures';
import {
  CALLERS,
  type CountedFamily,
  MODELS,
  REMOTES,
  type Scope,
  SCOPES,
  type ScopeName,
  SERVER,
} from './layout';
import { FAMILIES, type ToldFamily } from './metric-families';
import { SeriesChoice, wasUsed } from './series-choice';
import type { BuildInfo, ServerSnapshot } from './server-snapshot';
import { type TextFormat, TEXT_FORMATS, type TextFormatName } from './text-format';

/** How long one turn of the event loop may take, for whoever writes has other work too. */
const TURN_MS = 2;

interface Shown {
  /** Its labels as they stand between the braces. */
  readonly labels: string;
  readonly named: boolean;
  readonly used: boolean;
  readonly reading: Reading<ScopeName>;
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

  async text(server: ServerSnapshot, formatName: TextFormatName = 'prometheus'): Promise<string> {
    const format = TEXT_FORMATS[formatName];
    let text = '';
    let turnEndsMs = performance.now() + TURN_MS;
    const subjects = subjectsOf(this.choice.shown(server.figures));
    for (const family of Object.values<CountedFamily | ToldFamily>(FAMILIES)) {
      const { name } = family;
      text += format.head(family);
      if ('tell' in family) {
        for (const [values, value] of family.tell(server, this.build))
          text += line(name, labelText(family.labels, values), value);
        continue;
      }
      const own = ownLabels(family);
      for (const subject of subjects[family.scope]) {
        text += linesOf(family, own, this.config.buckets === 'all', subject, format);
        if (performance.now() < turnEndsMs) continue;
        await nextTurn();
        turnEndsMs = performance.now() + TURN_MS;
      }
    }
    return text + format.end;
  }
}

function subjectsOf(figures: Figures): Record<ScopeName, readonly Shown[]> {
  const shown = (scope: Scope<ScopeName>): Shown[] =>
    figures[scope.name].map((subject) => {
      const named = subject.labels[0] !== '';
      const labels = named ? labelText(scope.labels, subject.labels) : '';
      const used = scope !== MODELS || wasUsed(subject);
      const { exemplars = [] } = subject;
      return { labels, named, used, reading: new Reading(scope, subject), exemplars };
    });
  const reading = new Reading(SERVER, figures.server[0]);
  const server = [{ labels: '', named: true, used: true, reading, exemplars: [] }];
  return { server, models: shown(MODELS), remotes: shown(REMOTES), callers: shown(CALLERS) };
}

/** The labels of each of its series, apart from those of the subject. */
function ownLabels({ labels, scope, series }: CountedFamily): readonly string[] {
  const names = labels.slice(SCOPES[scope].labels.length);
  return series.map(({ values }) => labelText(names, values));
}

function linesOf(
  family: CountedFamily,
  own: readonly string[],
  all: boolean,
  subject: Shown,
  format: TextFormat,
): string {
  const { name, bounds, where, series } = family;
  const { named, used, reading } = subject;
  if (!named && family.unnamed !== true) return '';
  if (where === undefined ? !used : reading.figures[where] === 0) return '';
  const counted = family.sparse === true ? countedIn(family, reading) : undefined;
  const unit = family.inMs === true ? seconds : asItIs;
  let text = '';
  for (const [i, { values, place }] of series.entries()) {
    if (counted?.has(values[0]) === false) continue;
    const labels = joined(subject.labels, own[i]!);
    if (bounds === undefined) {
      text += line(name, labels, unit(reading.figures[place]!));
      continue;
    }
    const { buckets, count, sum } = reading.observed({ at: place, bounds });
    let below = 0;
    let first = place;
    const bucket = (le: string, observed: number, last: number): string => {
      const seen = format.exemplar(lastIn(subject.exemplars, first, last), unit);
      first = last + 1;
      return line(`${name}_bucket`, joined(labels, `le="${le}"`), observed, seen);
    };
    for (const [j, bound] of bounds.entries()) {
      below += buckets[j]!;
      if (all || family.few?.includes(bound) !== false)
        text += bucket(format.bound(unit(bound)), below, place + j);
    }
    text += bucket('+Inf', count, place + bounds.length);
    text += line(`${name}_sum`, labels, unit(sum)) + line(`${name}_count`, labels, count);
  }
  return text;
}

/** The latest exemplar of some cells, which one bucket shows together. */
function lastIn(exemplars: readonly Exemplar[], first: number, last: number): Exemplar | undefined {
  let latest: Exemplar | undefined;
  for (const exemplar of exemplars) {
    const isHere = exemplar.cell >= first && exemplar.cell <= last;
    if (isHere && exemplar.atMs > (latest?.atMs ?? 0)) latest = exemplar;
  }
  return latest;
}

/** The values of the first label under which anything was counted. */
function countedIn(
  { series, bounds }: CountedFamily,
  { figures }: Reading<ScopeName>,
): Set<string | undefined> {
  const cells = bounds === undefined ? 1 : bounds.length + 1;
  const counted = series.filter(({ place }) =>
    figures.subarray(place, place + cells).some((value) => value !== 0),
  );
  return new Set(counted.map(({ values }) => values[0]));
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
