import { Module } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { CacheController } from './cache.controller';
import { MetricsController } from './metrics.controller';
import { RootController } from './root.controller';

/** For whoever runs the server: what it is, what it counts, and its cache. */
@Module({
  imports: [PredictionCacheModule],
  controllers: [RootController, MetricsController, CacheController],
})
export class AdminModule {}
