import type { MetricFamily } from './metric-families';

export type Labels = Readonly<Record<string, string>>;

/** One line of the exposition. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Where it is not the family's own, as with a histogram's parts. */
  readonly metricName?: string;
}

export type FamilySamples = readonly [MetricFamily, readonly Sample[]];
