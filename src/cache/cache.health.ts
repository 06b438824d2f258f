import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { PredictionCache } from './prediction-cache';

/** Says how the cache is. It is never down: models run without it. */
@Injectable()
export class CacheHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly cache: PredictionCache,
  ) {}

  /** Is there a Redis that answers? */
  get connected(): boolean {
    const { redisState } = this.cache;
    return redisState !== undefined && redisState !== 'unreachable';
  }

  /** Is there a Redis that does not do all it should? */
  get degraded(): boolean {
    const { redisState } = this.cache;
    return redisState !== undefined && redisState !== 'connected';
  }

  check(key: string): HealthIndicatorResult {
    return this.indicators.check(key).up({ redis: this.cache.redisState ?? 'not configured' });
  }
}
