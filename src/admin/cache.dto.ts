import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

// Shapes for the OpenAPI document only: answers are plain objects.

export class ClearCacheRequest {
  /** A model's name; left out: the answers of all models. */
  @ApiPropertyOptional({ type: String, example: 'digits' })
  model?: string;
}

export class ClearCacheResponse {
  /** Entries forgotten by all workers together. */
  @ApiProperty({ example: 12 })
  memory: number;
  /** Entries removed from Redis; null where none is configured. */
  @ApiProperty({ type: Number, nullable: true, example: 5 })
  redis: number | null;
}

export class MemoryTierResponse {
  hits: number;
  misses: number;
  stored: number;
  /** Made room for another. */
  evicted: number;
  /** Found, but too old. */
  expired: number;
  entries: number;
  bytes: number;
  /** How many bytes there may be. */
  limitBytes: number;
}

export class RedisTierResponse {
  /** `read-only`: writes fail, as with a full memory or on a replica. The worst of the workers' states. */
  @ApiProperty({ enum: ['connected', 'read-only', 'unreachable'] })
  state: string;
  hits: number;
  misses: number;
  /** Of the misses: what was there is cut off, foreign, or of another format. */
  unreadable: number;
  /** Redis was not asked, because it was away or slow. */
  skipped: number;
  stored: number;
  /** Not written: too many writes were under way, or none would have succeeded. */
  dropped: number;
  readErrors: number;
  readTimeouts: number;
  writeErrors: number;
  writeTimeouts: number;
  /** Times that reading from Redis, or writing to it, was given up for a while. */
  circuitOpenings: number;
}

export class CacheStatisticsResponse {
  /** Workers whose figures these are the sums of. */
  workers: number;
  memory: MemoryTierResponse;
  /** Null where no Redis is configured. */
  @ApiProperty({ type: RedisTierResponse, nullable: true })
  redis: RedisTierResponse | null;
}
