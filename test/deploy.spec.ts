import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { MetricFamily } from '../src/telemetry/metrics/layout';
import { FAMILIES } from '../src/telemetry/metrics/metric-families';
import { readPromql } from './helpers/promql';

const ROOT = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Target {
  expr: string;
  legendFormat: string;
}

interface Dashboard {
  uid: string;
  panels: {
    id: number;
    type: string;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets?: Target[];
  }[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  annotations: { list: { expr: string }[] };
}

interface Alerts {
  groups: {
    name: string;
    rules: {
      alert: string;
      expr: string;
      for?: string;
      labels: Record<string, string>;
      annotations: Record<string, string>;
    }[];
  }[];
}

const dashboard = JSON.parse(read('deploy/grafana/nestor.json')) as Dashboard;
const alerts = parse(read('deploy/prometheus/alerts.yaml')) as Alerts;
const rules = alerts.groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

/** Those that Prometheus adds to what it scrapes. */
const SCRAPE_LABELS = ['instance', 'job'];

/** The names and labels under which the server shows its metrics. */
const SERIES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values<MetricFamily>(FAMILIES).flatMap(({ name, type, labels }): [string, readonly string[]][] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);

/**
 * The labels of everything that an expression names.
 * @throws when it names a metric or a label that the server does not have
 */
function labelsIn(expression: string): string[] {
  const { metrics, labels } = readPromql(expression);
  if (metrics.length === 0) throw new Error(`no metric in ${expression}`);
  const all = metrics.flatMap(({ name, labels: selected }) => {
    const series = SERIES.get(name);
    if (series === undefined) throw new Error(`there is no metric "${name}": ${expression}`);
    const known = [...series, ...SCRAPE_LABELS];
    requireKnown(selected, known, expression);
    return known;
  });
  requireKnown(labels, all, expression);
  return all;
}

function requireKnown(labels: readonly string[], known: readonly string[], expression: string): void {
  const unknown = labels.filter((label) => !known.includes(label));
  if (unknown.length > 0) throw new Error(`no label ${unknown.join(', ')} in ${expression}`);
}

describe('the dashboard', () => {
  it('has queries on metrics and labels that exist', () => {
    expect(targets.length).toBeGreaterThan(40);
    for (const { expr } of [...targets, ...dashboard.annotations.list])
      expect(() => labelsIn(expr)).not.toThrow();
  });

  it('names its lines by labels that are left after grouping', () => {
    for (const { expr, legendFormat } of targets) {
      const grouped = / by \(([^)]*)\)/.exec(expr)?.[1]?.split(/, */);
      const aggregated = grouped ?? (/\b(sum|histogram_quantile)\b/.test(expr) ? [] : labelsIn(expr));
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect([expr, aggregated]).toEqual([expr, expect.arrayContaining([label])]);
    }
  });

  it('takes quantiles of buckets, by their bound', () => {
    for (const { expr } of targets.filter((target) => target.expr.includes('histogram_quantile'))) {
      expect(expr).toMatch(/histogram_quantile\(0\.\d+, sum by \(le[,)].*_bucket\{/);
    }
  });

  it('rates counters and nothing else', () => {
    const counters = Object.values<MetricFamily>(FAMILIES).filter(({ type }) => type === 'counter');
    for (const { expr } of targets) {
      for (const { name } of readPromql(expr).metrics) {
        const counts = counters.some((counter) => counter.name === name) || /_(bucket|sum|count)$/.test(name);
        expect([expr, new RegExp(`(rate|increase)\\(${name}\\b`).test(expr)]).toEqual([expr, counts]);
      }
    }
  });

  it('has variables that are defined, with values from labels that exist', () => {
    const names = dashboard.templating.list.map(({ name }) => name);
    const used = new Set(
      [...JSON.stringify(dashboard).matchAll(/\$\{?(?!__|value)(\w+)\}?/g)].map(([, name]) => name),
    );
    expect([...used].filter((name) => !names.includes(name ?? ''))).toEqual([]);
    for (const { query } of dashboard.templating.list) {
      if (typeof query === 'string') continue;
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? [];
      expect([...(SERIES.get(metric) ?? []), ...SCRAPE_LABELS]).toContain(label);
    }
  });

  it('shows every metric of the server', () => {
    const shown = targets.flatMap(({ expr }) => readPromql(expr).metrics.map(({ name }) => name));
    const left = Object.values<MetricFamily>(FAMILIES)
      .map(({ name }) => name)
      .filter((name) => !shown.some((used) => used === name || used.startsWith(`${name}_`)));
    // Shown by the variable of servers; of no use as a line; part of the memory that is shown.
    expect(left).toEqual(['nodejs_heap_size_total_bytes', 'process_start_time_seconds', 'nestor_build_info']);
  });

  it('has panels that have their own number and do not overlap', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [i, { title, gridPos: a }] of panels.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      for (const { title: other, gridPos: b } of panels.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect([title, other, apart]).toEqual([title, other, true]);
      }
    }
  });
});

describe('the alert rules', () => {
  it('ask for metrics and labels that exist', () => {
    for (const { expr } of rules) expect(() => labelsIn(expr)).not.toThrow();
  });

  it('have a name of their own, a severity, a time and a summary', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations, ...rule } of rules) {
      expect(alert).toMatch(/^Nestor[A-Z]\w+$/);
      expect(['critical', 'warning']).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+m$/);
      for (const [, label = ''] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)) {
        expect(labelsIn(rule.expr)).toContain(label);
      }
    }
  });

  it('cover absence, models, failures, latency, shed load, batches, remotes, Redis, keys, workers, the event loop, the queue and memory', () => {
    expect(rules.map(({ alert }) => alert)).toEqual([
      'NestorAbsent',
      'NestorNoModel',
      'NestorModelUnavailable',
      'NestorFailures',
      'NestorBudgetBurns',
      'NestorSlow',
      'NestorShedsLoad',
      'NestorDeadlinesPass',
      'NestorQueueNearLimit',
      'NestorBatchWrong',
      'NestorModelQuarantined',
      'NestorRemoteOut',
      'NestorRemoteFailures',
      'NestorCacheWithoutRedis',
      'NestorKeysUnreadable',
      'NestorWorkersMissing',
      'NestorWorkersDie',
      'NestorEventLoopLate',
      'NestorMemory',
    ]);
  });
});

describe('docs/runbooks.md', () => {
  const text = read('docs/runbooks.md');
  const sections = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section]),
  );

  it('has a section for each alert, to which the alert points, and no other', () => {
    expect([...sections.keys()]).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
    }
  });

  it('says in each what it means, where to look and what to do', () => {
    for (const [alert, section] of sections) {
      const heads = [...section.matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, head]) => head);
      expect([alert, heads]).toEqual([alert, ['Means', 'Look', 'Do']]);
    }
  });

  it('names settings and panels that there are', () => {
    const example = read('.env.example');
    for (const [, name] of text.matchAll(/`([A-Z]+_[A-Z_]+)`/g)) expect(example).toContain(`# ${name}=`);
    const titles = dashboard.panels.map(({ title }) => title);
    for (const [, title] of text.matchAll(/"([A-Z][^"]+)"/g)) expect(titles).toContain(title);
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric as the server describes it', () => {
    const rows = Object.values<MetricFamily>(FAMILIES).map(({ name, type, labels, help }) => {
      const list = labels.map((label) => `\`${label}\``).join(', ');
      return [`\`${name}\``, type, list, help];
    });
    const [, table = ''] = /<!-- metrics -->\n([^]*?)<!-- \/metrics -->/.exec(read('docs/metrics.md')) ?? [];
    const lines = table.trim().split('\n').slice(2);
    const cells = lines.map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(cells).toEqual(rows);
  });
});

describe('readPromql', () => {
  it('sees what is wrong', () => {
    expect(() => readPromql('sum(rate(a[5m])')).toThrow('do not close');
    expect(() => readPromql('sum(a{b="c"])')).toThrow('do not match');
    expect(() => readPromql('a{b="c}')).toThrow('string');
    expect(() => readPromql('a{b}')).toThrow('no label matcher');
    expect(() => readPromql('summ(a)')).toThrow('no function');
  });

  it('finds metrics, their labels, and the labels that are grouped by', () => {
    expect(readPromql('sum by (x, y) (rate(a_total{b="c{", d!~"(e|f)"}[5m])) / on (z) g > 4e9')).toEqual({
      metrics: [
        { name: 'a_total', labels: ['b', 'd'] },
        { name: 'g', labels: [] },
      ],
      labels: ['x', 'y', 'z'],
    });
  });
});
