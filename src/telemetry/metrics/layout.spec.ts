import { BATCH_SIZES, batchIndex, DURATION_BOUNDS_SECONDS, DURATION_BUCKETS, durationBucket } from './layout';

describe('duration buckets', () => {
  it('take a bound with what lies below it, and what exceeds it with the next', () => {
    DURATION_BOUNDS_SECONDS.forEach((bound, bucket) => {
      expect(durationBucket(bound * 1000)).toBe(bucket);
      expect(durationBucket(bound * 1000 * 1.000001)).toBe(bucket + 1);
    });
  });

  it('have one for nothing at all and one for what is longer than every bound', () => {
    expect(durationBucket(0)).toBe(0);
    expect(durationBucket(1e9)).toBe(DURATION_BUCKETS - 1);
  });
});

describe('batch sizes', () => {
  it.each([0, 1, 2, 63, 64])('tell %i rows from their neighbours', (rows) => {
    expect(BATCH_SIZES[batchIndex(rows)]).toBe(rows);
  });

  it.each([
    [65, 128],
    [128, 128],
    [129, 256],
    [65_535, 65_536],
    [65_536, 65_536],
    [65_537, 65_536],
    [2_000_000_000, 65_536],
  ])('count %i rows as %i', (rows, size) => {
    expect(BATCH_SIZES[batchIndex(rows)]).toBe(size);
  });
});
