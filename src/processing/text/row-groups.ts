import { bucketOf } from './length-buckets';

/** Rows that run together, by their numbers in the request. */
export interface RowGroup {
  readonly rows: readonly number[];
  /** Tokens of the longest. */
  readonly longest: number;
  /** Which rows of other requests may join them; undefined: none. */
  readonly bucket: number | undefined;
}

/**
 * Which rows of a request run together: those of one bucket of lengths, in their order; longer ones, and all where
 * nothing may be padded, only with those of exactly their length.
 */
export function groupByLength(lengths: readonly number[], mayPad: boolean): RowGroup[] {
  const groups = new Map<string, number[]>();
  lengths.forEach((length, row) => {
    const bucket = mayPad ? bucketOf(length) : undefined;
    const key = bucket === undefined ? `length ${length}` : `bucket ${bucket}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  });
  return [...groups.values()].map((rows) => {
    const longest = Math.max(...rows.map((row) => lengths[row]!));
    return { rows, longest, bucket: mayPad ? bucketOf(longest) : undefined };
  });
}
