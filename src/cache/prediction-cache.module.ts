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
import { Recorder } from '../telemetry/metrics/recorder';
import { CacheControl } from './cache-control.service';
import { CacheHealthIndicator } from './cache.health';
import { PredictionCache } from './prediction-cache';
import type { RedisGuard } from './redis/redis-guard';
import { RedisTier } from './redis/redis-tier';
import { REDIS_GUARD, RedisModule } from './redis/redis.module';
import { tellMetrics } from './tell-metrics';

@Module({
  imports: [RedisModule, TerminusModule],
  providers: [
    CacheControl,
    CacheHealthIndicator,
    {
      provide: PredictionCache,
      inject: [cacheConfig.KEY, inferenceConfig.KEY, REDIS_GUARD, CACHE_MANAGER, Recorder],
      useFactory: (
        config: CacheConfig,
        { maxQueueRequests }: InferenceConfig,
        guard: RedisGuard | null,
        store: Cache,
        recorder: Recorder,
      ) => {
        const redis = guard === null ? undefined : new RedisTier(store, guard, config.maxPendingWrites);
        const settings = { ...config, maxFollowers: maxQueueRequests, runtime: runtimeVersion };
        const cache = new PredictionCache(settings, redis);
        recorder.beforeSnapshot((server) => tellMetrics(server, cache.statistics()));
        return cache;
      },
    },
  ],
  exports: [PredictionCache, CacheControl, CacheHealthIndicator],
})
export class PredictionCacheModule {}
