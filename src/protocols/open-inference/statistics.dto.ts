import { ApiProperty } from '@nestjs/swagger';

/** How often something was done, and how long it took altogether. */
export class V2StatisticDuration {
  count: number;
  ns: number;
}

/** The runs of one batch size. */
export class V2BatchStatistics {
  /** Exact up to 64 rows, beyond that the next power of two. */
  batch_size: number;
  compute_input: V2StatisticDuration;
  compute_infer: V2StatisticDuration;
  compute_output: V2StatisticDuration;
}

/** The durations of requests; those that the cache answered count in success, queue and cache_hit alone. */
export class V2InferenceStatistics {
  success: V2StatisticDuration;
  fail: V2StatisticDuration;
  queue: V2StatisticDuration;
  compute_input: V2StatisticDuration;
  compute_infer: V2StatisticDuration;
  compute_output: V2StatisticDuration;
  cache_hit: V2StatisticDuration;
  cache_miss: V2StatisticDuration;
}

/**
 * One model version in the statistics extension.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
 */
export class V2ModelStatistics {
  name: string;
  version: string;
  /** Milliseconds since 1970; 0 for never. */
  last_inference: number;
  /** Rows that runs answered. */
  inference_count: number;
  /** Runs; that of a batch counts once. */
  execution_count: number;
  inference_stats: V2InferenceStatistics;
  @ApiProperty({ type: [V2BatchStatistics] })
  batch_stats: V2BatchStatistics[];
}

export class V2Statistics {
  @ApiProperty({ type: [V2ModelStatistics] })
  model_stats: V2ModelStatistics[];
  /** Begins the next page; absent on the last one. */
  next_cursor?: string;
}
