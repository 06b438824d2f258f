import type { Check } from './limits';
import type { Proof, Speed } from './proof';

/** All that is known of what was made, as `report.json` has it. */
export interface Report {
  readonly model: string;
  /** The version that was optimised, and the one that was written; null: none was. */
  readonly from: string;
  readonly version: string | null;
  readonly form: string;
  readonly why: string;
  /** What was rewritten, and how often. */
  readonly rewritten: Readonly<Record<string, number>>;
  /** Operators that stay as they are for the sake of accuracy. */
  readonly left: readonly string[];
  readonly proof: Proof | null;
  readonly checks: readonly Check[];
  /** Why it was not written; empty where it was. */
  readonly faults: readonly string[];
  /** What nobody has looked at. */
  readonly notJudged: readonly string[];
  readonly source_sha256: string;
  readonly runtime: string;
  readonly cpu: string;
  readonly seconds: number;
}

/** A figure and what it is. */
type Line = readonly [string, string];

function linesOf({ form, why, rewritten, left, proof, notJudged }: Report): Line[] {
  const lines: Line[] = [['form', `${form}: ${why}`]];
  for (const [what, count] of Object.entries(rewritten)) lines.push(['', `${count} × ${what}`]);
  if (left.length > 0) lines.push(['left as they are', left.join(', ')]);
  if (proof !== null) {
    const { accuracy: a, speed, apart, originalBytes, sizeBytes, unoptimised, saved } = proof;
    lines.push(
      ['size', `${megabytes(sizeBytes)} of ${megabytes(originalBytes)} MB`],
      ['speed at 1 row', speedIn(speed.one)],
      ...(speed.eight === undefined ? [] : [['speed at 8 rows', speedIn(speed.eight)] as const]),
      [
        'cosine',
        `${digits(a.cos)}, at worst ${digits(a.cosMin)} (${a.rows} rows${proof.own ? '' : ', made up'})`,
      ],
      ['largest difference', `${a.maxRelative.toExponential(1)} of the row's largest number`],
      ...share('same class', a.top1),
      ...share('same class, where sure', a.top1Sure),
      ...share('same nearest neighbour', a.nearest),
      ...(a.spearman === undefined ? [] : [['order of distances', digits(a.spearman)] as const]),
      ...(apart === undefined
        ? []
        : [
            [
              'rows together = alone',
              `${apart.equal} of ${apart.rows} to the bit (the original: ${apart.original})`,
            ] as const,
          ]),
      ['without optimisations', `cosine ${digits(unoptimised)}`],
      [
        'saved for all workers',
        saved === undefined ? 'too small for that' : saved ? 'the same to the bit' : 'not the same',
      ],
    );
  }
  for (const what of notJudged) lines.push(['not judged', what]);
  return lines;
}

/** For a terminal. */
export function textOf(report: Report): string[] {
  const lines = linesOf(report);
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    `${report.model} ${report.from}${report.version === null ? '' : ` -> ${report.version}`}`,
    ...lines.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`),
    ...report.checks.map(
      ({ limit, found, ok }) =>
        `  ${ok ? 'ok  ' : 'FAIL'} ${limit}: ${found === undefined ? 'not known' : digits(found)}`,
    ),
    ...report.faults.map((fault) => `  FAIL ${fault}`),
  ];
}

/** A page that asks for nothing. */
export function pageOf(report: Report): string {
  const rows = linesOf(report).map(
    ([name, what]) => `<tr><th>${escaped(name)}</th><td>${escaped(what)}</td></tr>`,
  );
  const checks = report.checks.map(
    ({ limit, found, ok }) =>
      `<tr><th>${ok ? '✓' : '✗'} ${escaped(limit)}</th><td>${found === undefined ? 'not known' : digits(found)}</td></tr>`,
  );
  const title = escaped(`${report.model} ${report.from} -> ${report.version ?? 'nothing'}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; color: #1d2733; background: #fff }
th { text-align: left; font-weight: 500; padding: 0.2rem 1.5rem 0.2rem 0; vertical-align: top }
td { padding: 0.2rem 0 }
h2 { font-size: 1rem; margin-top: 2rem }
@media (prefers-color-scheme: dark) { body { color: #dfe6ee; background: #12181f } }
</style>
</head>
<body>
<h1>${title}</h1>
<table>
${rows.join('\n')}
</table>
<h2>Limits</h2>
<table>
${checks.join('\n')}
</table>
<p>Source SHA-256 ${escaped(report.source_sha256)}; ONNX Runtime ${escaped(report.runtime)}; ${escaped(report.cpu)}; took ${report.seconds} s.</p>
</body>
</html>
`;
}

function speedIn({ beforeMs, afterMs, times }: Speed): string {
  return `${times.toFixed(2)} times as fast (${beforeMs.toPrecision(3)} -> ${afterMs.toPrecision(3)} ms of CPU)`;
}

function share(name: string, value: number | undefined): Line[] {
  return value === undefined ? [] : [[name, `${(value * 100).toFixed(1)} %`]];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

function digits(value: number): string {
  return Math.abs(value) >= 0.001 || value === 0 ? String(Number(value.toFixed(4))) : value.toExponential(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
