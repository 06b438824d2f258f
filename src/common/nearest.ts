/** Steps of comparing that a proposal may cost, about a millisecond: among thousands of long names it may miss one. */
const MAX_STEPS = 300_000;

/** Of the candidates, the one that a mistyped word most likely meant; undefined where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 4)) + 1;
  let steps = 0;
  const wanted = word.toLowerCase();
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    steps += word.length * (2 * least - 1);
    if (steps > MAX_STEPS) break;
    const edits = editDistance(wanted, candidate.toLowerCase(), least);
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best;
}

/**
 * Letters put in, left out, replaced or swapped with their neighbour (optimal string alignment), where they are fewer
 * than `limit`; that many otherwise. What lies further from the diagonal cannot be of a shorter way (Ukkonen 1985).
 */
function editDistance(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - limit + 1);
    const to = Math.min(b.length, i + limit - 1);
    const row = new Array<number>(b.length + 1).fill(limit);
    if (from === 1) row[0] = i;
    let fewest = limit;
    for (let j = from; j <= to; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1, limit);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      }
      row[j] = edits;
      fewest = Math.min(fewest, edits);
    }
    // A swap reaches over one row.
    if (fewest >= limit && Math.min(...last) >= limit) return limit;
    [beforeLast, last] = [last, row];
  }
  return Math.min(last[b.length]!, limit);
}
