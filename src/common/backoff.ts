const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** How long to wait before the next start after `failures` (>= 1) in a row: it doubles each time, up to a bound. */
export function backoffMs(failures: number): number {
  return Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
}
