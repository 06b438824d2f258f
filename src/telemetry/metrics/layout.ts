import { CACHE_TIERS } from './cache-figures';
import { CACHE_OUTCOMES, OUTCOMES, PROTOCOLS, REMOTE_OUTCOMES } from './outcome';

// Where each figure of a model or a remote stands in its array of numbers. All processes of a server run the same
// code, so the array alone travels between them.

/** Upper bounds of the duration histograms, inclusive; what is longer counts in one more bucket. */
export const DURATION_BOUNDS_SECONDS: readonly number[] = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  10, 30,
];
const DURATION_BOUNDS_MS = DURATION_BOUNDS_SECONDS.map((seconds) => seconds * 1000);

export const DURATION_BUCKETS = DURATION_BOUNDS_SECONDS.length + 1;
/** A histogram: its buckets (each for itself, not cumulative), then the sum of what was observed, in milliseconds. */
export const HISTOGRAM_SIZE = DURATION_BUCKETS + 1;

/** Batches of 0 to this many rows are counted by their exact size, larger ones by the next power of two. */
export const EXACT_BATCH_ROWS = 64;
const EXACT_BATCH_BITS = Math.log2(EXACT_BATCH_ROWS);
const LARGEST_BATCH_BITS = 16;

/** The batch sizes that are told apart; one that lies between two counts as the larger, beyond the last as the last. */
export const BATCH_SIZES: readonly number[] = [
  ...Array.from({ length: EXACT_BATCH_ROWS + 1 }, (_, rows) => rows),
  ...Array.from({ length: LARGEST_BATCH_BITS - EXACT_BATCH_BITS }, (_, i) => 2 ** (EXACT_BATCH_BITS + 1 + i)),
];

let size = 0;
function block(length: number): number {
  const at = size;
  size += length;
  return at;
}

/** The first place of each block of figures; times are in milliseconds. */
export const AT = {
  /** Requests: for each protocol, one for each outcome. */
  requests: block(PROTOCOLS.length * OUTCOMES.length),
  /** A histogram of whole requests for each outcome. */
  total: block(OUTCOMES.length * HISTOGRAM_SIZE),
  /** Histograms of the parts of successful requests. */
  decode: block(HISTOGRAM_SIZE),
  queue: block(HISTOGRAM_SIZE),
  run: block(HISTOGRAM_SIZE),
  encode: block(HISTOGRAM_SIZE),
  /** Requests by how the cache took part, and the time that looking there took. */
  cache: block(CACHE_OUTCOMES.length),
  cacheMs: block(CACHE_OUTCOMES.length),
  /** Hits, by the tier that had the answer. */
  cacheHits: block(CACHE_TIERS.length),
  /** Rows that were answered by a run. */
  rows: block(1),
  /** Runs that succeeded, by batch size, and what they took; and what decoding and encoding their requests took. */
  batches: block(BATCH_SIZES.length),
  batchRunMs: block(BATCH_SIZES.length),
  batchDecodeMs: block(BATCH_SIZES.length),
  batchEncodeMs: block(BATCH_SIZES.length),
  /** Rows of the runs that succeeded. */
  batchRows: block(1),
  failedRuns: block(1),
  /** Requests of batches that were run again alone: those that got the same, and those that did not. */
  audits: block(2),
} as const;

/** How many figures a model has. */
export const FIGURES = size;

size = 0;
/** The same of a remote. */
export const REMOTE_AT = {
  /** Attempts of calls, by outcome. */
  calls: block(REMOTE_OUTCOMES.length),
  /** A histogram of what each of them took. */
  duration: block(HISTOGRAM_SIZE),
  /** Attempts that were not a call's first. */
  retries: block(1),
  /** Times that it was taken out of use. */
  ejections: block(1),
  /** Of bodies, headers apart. */
  bytesSent: block(1),
  bytesReceived: block(1),
} as const;
export const REMOTE_FIGURES = size;

/** The bucket of a duration; 0 for the shortest. */
export function durationBucket(ms: number): number {
  let bucket = 0;
  // Stages of small requests end in the first few; what lasts longer can afford to look further.
  while (bucket < DURATION_BOUNDS_MS.length && ms > DURATION_BOUNDS_MS[bucket]!) bucket++;
  return bucket;
}

/** The place of a batch's size in `BATCH_SIZES`. */
export function batchIndex(rows: number): number {
  if (rows <= EXACT_BATCH_ROWS) return rows;
  const bits = Math.min(32 - Math.clz32(rows - 1), LARGEST_BATCH_BITS);
  return EXACT_BATCH_ROWS + bits - EXACT_BATCH_BITS;
}
