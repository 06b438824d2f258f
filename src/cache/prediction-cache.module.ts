import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { Cache } from 'cache-manager';
import {
  type CacheConfig,
  cacheConfig,
  type InferenceConfig,
  inferenceConfig,
} from '../config/config.slices';
import { runtimeVersion } from '../config/package-version';
import { CacheControl } from './cache-control.service';
import { CacheController } from './cache.controller';
import { CacheHealthIndicator } from './cache.health';
import { PredictionCache } from './prediction-cache';
import type { RedisGuard } from './redis-guard';
import { RedisTier } from './redis-tier';
import { REDIS_GUARD, RedisModule } from './redis.module';

@Module({
  imports: [RedisModule, TerminusModule],
  controllers: [CacheController],
  providers: [
    CacheControl,
    CacheHealthIndicator,
    {
      provide: PredictionCache,
      inject: [cacheConfig.KEY, inferenceConfig.KEY, REDIS_GUARD, CACHE_MANAGER],
      useFactory: (
        config: CacheConfig,
        { maxQueueRequests: maxFollowers }: InferenceConfig,
        guard: RedisGuard | null,
        cache: Cache,
      ) => {
        const redis = guard === null ? undefined : new RedisTier(cache, guard, config.maxPendingWrites);
        return new PredictionCache({ ...config, maxFollowers, runtime: runtimeVersion }, redis);
      },
    },
  ],
  exports: [PredictionCache, CacheHealthIndicator],
})
export class PredictionCacheModule {}
