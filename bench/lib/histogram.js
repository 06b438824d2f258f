/**
 * Latencies in buckets whose width is at most 1/64 of their value: recording is a few integer operations,
 * histograms of several processes add up, and a million samples take no more memory than ten.
 */
const STEPS = 64;
const STEP_BITS = 6;
const LONGEST_US = 2 ** 31 - 1;
const BUCKETS = (31 - STEP_BITS) * STEPS + STEPS;

class Histogram {
  constructor(counts = new Uint32Array(BUCKETS), maxUs = 0) {
    this.counts = counts;
    this.maxUs = maxUs;
  }

  static from({ counts, maxUs }) {
    return new Histogram(counts, maxUs);
  }

  record(ms) {
    const us = Math.min(LONGEST_US, Math.max(0, Math.round(ms * 1000)));
    this.counts[bucketOf(us)]++;
    if (us > this.maxUs) this.maxUs = us;
  }

  add({ counts, maxUs }) {
    for (let i = 0; i < BUCKETS; i++) this.counts[i] += counts[i];
    this.maxUs = Math.max(this.maxUs, maxUs);
    return this;
  }

  get count() {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** In milliseconds; NaN without samples. */
  quantile(q) {
    let left = Math.max(1, Math.ceil(this.count * q));
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.counts[i];
      if (left <= 0) return Math.min(middleUs(i), this.maxUs) / 1000;
    }
    return NaN;
  }

  get maxMs() {
    return this.maxUs / 1000;
  }

  toJSON() {
    return { p50Ms: this.quantile(0.5), p99Ms: this.quantile(0.99), maxMs: this.maxMs, count: this.count };
  }
}

/** Below 128 us every microsecond has its own bucket, from there on each power of two has 64. */
function bucketOf(us) {
  if (us < 2 * STEPS) return us;
  const shift = 31 - Math.clz32(us) - STEP_BITS;
  return shift * STEPS + (us >> shift);
}

function middleUs(bucket) {
  if (bucket < 2 * STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  return (STEPS + (bucket % STEPS) + 0.5) * 2 ** shift;
}

module.exports = { Histogram };
