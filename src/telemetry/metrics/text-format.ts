import type { Exemplar } from './figures';
import type { MetricFamily } from './layout';

/** A way to write figures down, and how who asks for them names it. */
export interface TextFormat {
  readonly contentType: string;
  /** What stands before the series of a family. */
  head(family: MetricFamily): string;
  /** The upper bound of a bucket, as its label has it. */
  bound(value: number): string;
  /** What stands behind the count of a bucket; `value` in the unit of the series. */
  exemplar(exemplar: Exemplar | undefined, value: (of: number) => number): string;
  readonly end: string;
}

export type TextFormatName = 'prometheus' | 'openmetrics';

export const TEXT_FORMATS: Readonly<Record<TextFormatName, TextFormat>> = {
  /** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
  prometheus: {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    head: ({ name, help, type }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
    bound: String,
    exemplar: () => '',
    end: '',
  },
  /** https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md */
  openmetrics: {
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    // There a counter's family is what its series is without `_total`.
    head({ name, help, type }) {
      const family = type === 'counter' ? name.replace(/_total$/, '') : name;
      return `# TYPE ${family} ${type}\n# HELP ${family} ${help.replace(/[\\"\n]/g, escaped)}\n`;
    },
    bound: (value) => (Number.isInteger(value) ? `${value}.0` : String(value)),
    exemplar: (exemplar, value) =>
      exemplar === undefined
        ? ''
        : ` # {trace_id="${exemplar.traceId}"} ${value(exemplar.value)} ${exemplar.atMs / 1000}`,
    end: '# EOF\n',
  },
};

/** What a scraper takes best; Prometheus names both, OpenMetrics before the other. */
export function textFormatFor(accept: string | undefined): TextFormatName {
  const openMetrics = weightOf(accept, 'application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= weightOf(accept, 'text/plain') ? 'openmetrics' : 'prometheus';
}

/** How much a media type is wanted, from 0 to 1. */
function weightOf(accept = '', type: string): number {
  const weights = accept.split(',').flatMap((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (name !== type) return [];
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice('q='.length);
    return [q === undefined ? 1 : Number(q) || 0];
  });
  return Math.max(0, ...weights);
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
