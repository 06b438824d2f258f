/** What a time of load came to. */
export interface Figures {
  readonly requests_per_second: number;
  /** Null where nothing succeeded. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  /** Calls that were not answered with 200, by what they got. */
  readonly failed: Readonly<Record<string, number>>;
}

const DIGITS = 4;

export function figuresOf(
  latenciesMs: readonly number[],
  seconds: number,
  failed: ReadonlyMap<string, number> = new Map(),
): Figures {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number | null => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return value === undefined ? null : rounded(value);
  };
  return {
    requests_per_second: rounded(sorted.length / seconds),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    failed: Object.fromEntries(failed),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
