import { setImmediate as nextTurn } from 'node:timers/promises';
import { Reading } from './figures';
import { type CountedFamily, MODELS, REMOTES, type Scope, SCOPES, type ScopeName, SERVER } from './layout';
import { FAMILIES, type ToldFamily } from './metric-families';
import type { BuildInfo, ServerSnapshot } from './server-snapshot';

/** Series that are written in one turn of the event loop, for whoever writes them has other work too. */
const SERIES_A_TURN = 500;

interface Shown {
  /** Its labels as they stand between the braces. */
  readonly labels: string;
  readonly named: boolean;
  readonly reading: Reading<ScopeName>;
}

/** The figures of a server in Prometheus' text format 0.0.4. */
export async function renderPrometheus(server: ServerSnapshot, build: BuildInfo): Promise<string> {
  let text = '';
  let series = 0;
  const subjects = subjectsOf(server);
  for (const family of Object.values<CountedFamily | ToldFamily>(FAMILIES)) {
    const { name, help, type } = family;
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    if ('tell' in family) {
      for (const [values, value] of family.tell(server, build))
        text += line(name, labelText(family.labels, values), value);
      continue;
    }
    const own = ownLabels(family);
    for (const subject of subjects[family.scope]) {
      text += linesOf(family, own, subject);
      series += family.series.length * (1 + (family.bounds?.length ?? 0));
      if (series > SERIES_A_TURN) {
        series = 0;
        await nextTurn();
      }
    }
  }
  return text;
}

function subjectsOf({ figures }: ServerSnapshot): Record<ScopeName, readonly Shown[]> {
  const shown = (scope: Scope<ScopeName>): Shown[] =>
    figures[scope.name].map((subject) => {
      const named = subject.labels[0] !== '';
      const labels = named ? labelText(scope.labels, subject.labels) : '';
      return { labels, named, reading: new Reading(scope, subject) };
    });
  const server = [{ labels: '', named: true, reading: new Reading(SERVER, figures.server[0]) }];
  return { server, models: shown(MODELS), remotes: shown(REMOTES) };
}

/** The labels of each of its series, apart from those of the subject. */
function ownLabels({ labels, scope, series }: CountedFamily): readonly string[] {
  const names = labels.slice(SCOPES[scope].labels.length);
  return series.map(({ values }) => labelText(names, values));
}

function linesOf(family: CountedFamily, own: readonly string[], { labels, named, reading }: Shown): string {
  const { name, bounds, where } = family;
  if (!named && family.unnamed !== true) return '';
  if (where !== undefined && reading.figures[where] === 0) return '';
  const unit = family.inMs === true ? seconds : asItIs;
  let text = '';
  for (const [i, { place }] of family.series.entries()) {
    const all = joined(labels, own[i]!);
    if (bounds === undefined) {
      text += line(name, all, unit(reading.figures[place]!));
      continue;
    }
    const { buckets, count, sum } = reading.observed({ at: place, bounds });
    if (family.sparse === true && count === 0) continue;
    let below = 0;
    bounds.forEach((bound, i) => {
      below += buckets[i]!;
      text += line(`${name}_bucket`, joined(all, `le="${unit(bound)}"`), below);
    });
    text += line(`${name}_bucket`, joined(all, 'le="+Inf"'), count);
    text += line(`${name}_sum`, all, unit(sum)) + line(`${name}_count`, all, count);
  }
  return text;
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
