import type { Figures } from './figures';
import type { Trial, Tuned } from './tuning';

/** One bar of the picture: what was measured, and what came of it. */
export interface Measured {
  readonly name: string;
  readonly figures: Figures;
}

const BAR = 30;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A table with a bar for each row's requests a second. */
export function tableOf(rows: readonly Measured[]): string[] {
  const most = Math.max(...rows.map(({ figures }) => figures.requests_per_second), 1);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const head = `${''.padEnd(width)}  ${['requests/s', 'p50', 'p95', 'p99'].map((word) => word.padStart(10)).join('')}`;
  return [
    head,
    ...rows.map(({ name, figures }) => {
      const { requests_per_second: rate, p50_ms, p95_ms, p99_ms } = figures;
      const cells = [numberIn(rate), ...[p50_ms, p95_ms, p99_ms].map(msIn)];
      const line = `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(10)).join('')}  ${bar(rate / most)}`;
      return `${line.trimEnd()}${faultsIn(figures)}`;
    }),
  ];
}

/** What tuning found, with the whole `model.yaml` of each best choice. */
export function tunedLines(
  { asItIs, bestThroughput, bestLatency, trials, cutShort }: Tuned,
  connections: number,
  yamlOf: (trial: Trial) => string,
): string[] {
  const rows = trials.map((trial) => ({ name: keysIn(trial), figures: trial.many }));
  const before = `as it is: ${numberIn(asItIs.many.requests_per_second)} requests/s, p50 ${msIn(asItIs.one.p50_ms)}`;
  const best = (title: string, trial: Trial): string[] => [
    '',
    `${title} (${before})`,
    ...(trial === asItIs
      ? ['  model.yaml as it is: nothing that was tried is better']
      : yamlOf(trial)
          .trimEnd()
          .split('\n')
          .map((line) => `  ${line}`)),
  ];
  return [
    `${connections} connections:`,
    ...tableOf(rows),
    ...(cutShort ? ['', 'There was no time for the rest; --max-seconds gives more.'] : []),
    ...best(
      `Best for throughput: ${numberIn(bestThroughput.many.requests_per_second)} requests/s, p99 ${msIn(bestThroughput.many.p99_ms)}`,
      bestThroughput,
    ),
    ...best(`Best for latency: p50 ${msIn(bestLatency.one.p50_ms)} with one connection`, bestLatency),
  ];
}

/** The same bars as a picture. */
export function svgOf(title: string, rows: readonly Measured[]): string {
  const most = Math.max(...rows.map(({ figures }) => figures.requests_per_second), 1);
  const height = 56 + rows.length * 34;
  const bars = rows.map(({ name, figures: { requests_per_second: rate, p50_ms, p99_ms } }, i) => {
    const y = 52 + i * 34;
    const length = Math.max(1, Math.round((rate / most) * 330));
    return [
      `<text x="150" y="${y + 15}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="160" y="${y}" width="${length}" height="22" rx="3" fill="#128c7b"/>`,
      `<text x="${168 + length}" y="${y + 15}">${numberIn(rate)} requests/s, p50 ${msIn(p50_ms)}, p99 ${msIn(p99_ms)}</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="800" height="${height}" fill="#fff"/>`,
    `<text x="16" y="28" font-size="16" font-weight="600">${escaped(title)}</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

function keysIn({ keys }: Trial): string {
  const all = Object.entries(keys).map(([key, value]) => `${key} ${value}`);
  return all.join(', ') || 'as it is';
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

function faultsIn({ failed }: Figures): string {
  const all = Object.entries(failed).map(([why, count]) => `${count} × ${why}`);
  return all.length === 0 ? '' : `  failed: ${all.join(', ')}`;
}

function numberIn(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(value);
}

function msIn(value: number | null): string {
  if (value === null) return '-';
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
