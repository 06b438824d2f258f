import { Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { CacheModule } from '@nestjs/cache-manager';
import { KeyvAdapter } from 'cache-manager';
import Keyv from 'keyv';
import { type CacheConfig, cacheConfig } from '../../config/config.slices';
import { RedisGuard } from './redis-guard';
import { RedisCacheStore } from './redis-store';

/** The guard before Redis; null where no Redis is configured. */
export const REDIS_GUARD = Symbol('REDIS_GUARD');

@Module({
  providers: [
    {
      provide: REDIS_GUARD,
      inject: [cacheConfig.KEY],
      useFactory: ({ enabled, redisUrl: url, redisTimeoutMs: timeoutMs, namespace }: CacheConfig) => {
        if (!enabled || url === undefined) return null;
        const logger = new EventLogger(RedisGuard.name);
        return new RedisGuard({ url, timeoutMs, probeKey: `${namespace}:probe`, logger });
      },
    },
  ],
  exports: [REDIS_GUARD],
})
export class RedisGuardModule implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(REDIS_GUARD) private readonly guard: RedisGuard | null) {}

  /** A server without its Redis starts all the same. */
  onModuleInit(): void {
    this.guard?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.guard?.close();
  }
}

/** cache-manager over Redis. Values are text that needs no serialising but the store's own. */
@Module({
  imports: [
    RedisGuardModule,
    CacheModule.registerAsync({
      imports: [RedisGuardModule],
      inject: [REDIS_GUARD, cacheConfig.KEY],
      useFactory: (guard: RedisGuard | null, { namespace }: CacheConfig) => ({
        stores: guard === null ? [] : [keyvOver(guard, namespace)],
      }),
    }),
  ],
  exports: [RedisGuardModule, CacheModule],
})
export class RedisModule {}

export function keyvOver(guard: RedisGuard, namespace: string): Keyv {
  return new Keyv({
    store: new KeyvAdapter(new RedisCacheStore(guard)),
    namespace,
    serialize: undefined,
    deserialize: undefined,
  });
}
