import { bucketOf } from './layout';
import { BATCH_SIZES, batchIndex, FAMILIES } from './metric-families';

const { bounds } = FAMILIES.runDuration.at;

describe('duration buckets', () => {
  it('take a bound with what lies below it, and what exceeds it with the next', () => {
    bounds.forEach((bound, bucket) => {
      expect(bucketOf(bounds, bound)).toBe(bucket);
      expect(bucketOf(bounds, bound * 1.000001)).toBe(bucket + 1);
    });
  });

  it('have one for nothing at all and one for what is longer than every bound', () => {
    expect(bucketOf(bounds, 0)).toBe(0);
    expect(bucketOf(bounds, 1e9)).toBe(bounds.length);
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
