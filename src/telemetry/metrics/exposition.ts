import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricsConfig } from '../../config/slices';
import { type Figures, Reading } from './figures';
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

/** How long one turn of the event loop may take, for whoever writes has other work too. */
const TURN_MS = 2;

interface Shown {
  /** Its labels as they stand between the braces. */
  readonly labels: string;
  readonly named: boolean;
  readonly used: boolean;
  readonly reading: Reading<ScopeName>;
}

/** The figures of a server in Prometheus' text format 0.0.4. */
export class Exposition {
  private readonly choice: SeriesChoice;

  constructor(
    private readonly build: BuildInfo,
    private readonly config: MetricsConfig,
  ) {
    this.choice = new SeriesChoice(config);
  }

  async text(server: ServerSnapshot): Promise<string> {
    let text = '';
    let turnEndsMs = performance.now() + TURN_MS;
    const subjects = subjectsOf(this.choice.shown(server.figures));
    for (const family of Object.values<CountedFamily | ToldFamily>(FAMILIES)) {
      const { name, help, type } = family;
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
      if ('tell' in family) {
        for (const [values, value] of family.tell(server, this.build))
          text += line(name, labelText(family.labels, values), value);
        continue;
      }
      const own = ownLabels(family);
      for (const subject of subjects[family.scope]) {
        text += linesOf(family, own, this.config.buckets === 'all', subject);
        if (performance.now() < turnEndsMs) continue;
        await nextTurn();
        turnEndsMs = performance.now() + TURN_MS;
      }
    }
    return text;
  }
}

function subjectsOf(figures: Figures): Record<ScopeName, readonly Shown[]> {
  const shown = (scope: Scope<ScopeName>): Shown[] =>
    figures[scope.name].map((subject) => {
      const named = subject.labels[0] !== '';
      const labels = named ? labelText(scope.labels, subject.labels) : '';
      const used = scope !== MODELS || wasUsed(subject);
      return { labels, named, used, reading: new Reading(scope, subject) };
    });
  const server = [{ labels: '', named: true, used: true, reading: new Reading(SERVER, figures.server[0]) }];
  return { server, models: shown(MODELS), remotes: shown(REMOTES), callers: shown(CALLERS) };
}

/** The labels of each of its series, apart from those of the subject. */
function ownLabels({ labels, scope, series }: CountedFamily): readonly string[] {
  const names = labels.slice(SCOPES[scope].labels.length);
  return series.map(({ values }) => labelText(names, values));
}

function linesOf(family: CountedFamily, own: readonly string[], all: boolean, subject: Shown): string {
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
    for (const [j, bound] of bounds.entries()) {
      below += buckets[j]!;
      if (all || family.few?.includes(bound) !== false)
        text += line(`${name}_bucket`, joined(labels, `le="${unit(bound)}"`), below);
    }
    text += line(`${name}_bucket`, joined(labels, 'le="+Inf"'), count);
    text += line(`${name}_sum`, labels, unit(sum)) + line(`${name}_count`, labels, count);
  }
  return text;
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

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
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
