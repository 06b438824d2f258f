import type { Outcome, Settled } from './load';

/** What one disturbance cost. */
export interface Row {
  readonly disturbance: string;
  readonly requests: number;
  readonly right: number;
  readonly refused: number;
  /** Lost with the killed worker in which they were in flight. */
  readonly lostInFlight: number;
  /** Whatever else became of a request: there should be none. */
  readonly faults: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** From the blow, or from the moment its cause was gone, until every worker served again. */
  readonly fullStrengthMs: number;
  /** What the disturbance itself found wrong, such as a load that should have been refused. */
  readonly error: string;
  /** How often each reason was given. */
  readonly reasons: Readonly<Record<string, number>>;
}

const RANK = 0.99;
const MOST_REASONS = 20;
/** Numbers differ from one reason to the next. */
const NUMBERS = /\d+(?:\.\d+)?/g;

export function rowOf(
  disturbance: string,
  settled: readonly Settled[],
  fullStrengthMs: number,
  error = '',
): Row {
  const count = (wanted: Outcome): number => settled.filter(({ outcome }) => outcome === wanted).length;
  const times = settled.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const reasons: Record<string, number> = {};
  for (const { reason, outcome } of settled) {
    if (reason === '') continue;
    const key = outcome === 'fault' ? reason : reason.replace(NUMBERS, (n) => (n.length === 3 ? n : '#'));
    reasons[key] = (reasons[key] ?? 0) + 1;
  }
  return {
    disturbance,
    requests: settled.length,
    right: count('right'),
    refused: count('refused'),
    lostInFlight: count('in-flight'),
    faults: count('fault'),
    p99Ms: rounded(times[Math.floor(times.length * RANK)]),
    slowestMs: rounded(times.at(-1)),
    fullStrengthMs: rounded(fullStrengthMs),
    error,
    reasons,
  };
}

/** For people; the rows themselves are for programs. */
export function tableOf(rows: readonly Row[]): string {
  const titles = [
    'disturbance',
    'requests',
    'right',
    'refused',
    'lost in flight',
    'faults',
    'p99 ms',
    'slowest ms',
    'full strength s',
  ];
  const cells = rows.map((row) => [
    row.disturbance,
    ...[row.requests, row.right, row.refused, row.lostInFlight, row.faults, row.p99Ms, row.slowestMs].map(
      String,
    ),
    (row.fullStrengthMs / 1000).toFixed(2),
  ]);
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (line: string[]): string =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [lineOf(titles), lineOf(rule), ...cells.map(lineOf)].join('\n');
}

/** The reasons that were given, for who wants to know why. */
export function reasonsOf(rows: readonly Row[]): string {
  return rows
    .flatMap(({ disturbance, reasons, error }) => [
      ...(error === '' ? [] : [`${disturbance}: ${error}`]),
      ...reasonLines(reasons).map((line) => `${disturbance}: ${line}`),
    ])
    .join('\n');
}

/** The most frequent first, and not thousands of them. */
function reasonLines(reasons: Readonly<Record<string, number>>): string[] {
  const lines = Object.entries(reasons)
    .sort(([, one], [, other]) => other - one)
    .map(([reason, times]) => `${times} x ${reason}`);
  return lines.length <= MOST_REASONS
    ? lines
    : [...lines.slice(0, MOST_REASONS), `${lines.length - MOST_REASONS} other reasons`];
}

function rounded(ms: number | undefined): number {
  return Math.round((ms ?? 0) * 10) / 10;
}
