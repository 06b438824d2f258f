import type { Durations } from './durations';
import { DURATION_BOUNDS_SECONDS } from './layout';
import type { Labels, Sample } from './sample';

export function durationSamples(
  name: string,
  labels: Labels,
  { buckets, count, sumMs }: Durations,
): Sample[] {
  return histogramSamples(name, labels, DURATION_BOUNDS_SECONDS, buckets, count, seconds(sumMs));
}

/** @param buckets by `bounds`, each for itself; Prometheus wants them cumulative */
export function histogramSamples(
  name: string,
  labels: Labels,
  bounds: readonly number[],
  buckets: readonly number[],
  count: number,
  total: number,
): Sample[] {
  let cumulative = 0;
  const samples = bounds.map((bound, i): Sample => {
    cumulative += buckets[i] ?? 0;
    return { labels: { ...labels, le: String(bound) }, value: cumulative, metricName: `${name}_bucket` };
  });
  samples.push(
    { labels: { ...labels, le: '+Inf' }, value: count, metricName: `${name}_bucket` },
    { labels, value: total, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  );
  return samples;
}

/** To the nanosecond: what is beyond is noise of the binary fractions. */
export function seconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e9;
}
