/** One line of Prometheus' text format. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What `GET /metrics` answered. */
export class Exposition {
  readonly series: readonly Series[];
  readonly types: ReadonlyMap<string, string>;

  constructor(readonly text: string) {
    const lines = text.split('\n');
    this.types = new Map(
      lines.flatMap((line): [string, string][] => {
        const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
        return name !== undefined && type !== undefined ? [[name, type]] : [];
      }),
    );
    this.series = lines.filter((line) => line !== '' && !line.startsWith('#')).map(readSeries);
  }

  /** The sum of all series of this name with these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.series
      .filter((series) => series.name === name)
      .filter((series) => Object.entries(labels).every(([label, value]) => series.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

function readSeries(line: string): Series {
  const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`this is no line of the format: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)].map(([, label, text]) => [
    label,
    text,
  ]);
  return {
    name,
    labels: Object.fromEntries(pairs) as Record<string, string>,
    value: value === '+Inf' ? Infinity : Number(value),
  };
}
