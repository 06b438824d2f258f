import { Module } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { ModelsModule } from '../models/models.module';
import { CacheWarmUp } from './cache-warm-up';
import { EventLoopYield } from '../common/event-loop-yield';
import { InferenceService } from './inference.service';
import { ModelReader } from './model-reader';
import { ShadowRuns } from './shadow-runs';
import { WrongBatches } from './wrong-batches';

@Module({
  imports: [ModelsModule, PredictionCacheModule],
  providers: [InferenceService, EventLoopYield, ModelReader, CacheWarmUp, WrongBatches, ShadowRuns],
  exports: [InferenceService, ModelReader],
})
export class InferenceModule {}
