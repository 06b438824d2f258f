import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { type AppConfig, appConfig } from '../config/config.slices';
import { FrontDoor } from '../http/front-door';
import { ModelsModule } from '../models/models.module';
import { BodyBudget } from './body-budget';
import { CodecThread } from './codec-thread';
import { CacheWarmUp } from './cache-warm-up';
import { InferenceEndpoint } from './inference-endpoint';
import { InferenceService } from './inference.service';
import { ModelCalls } from './model-calls';
import { NativeController } from './native.controller';
import { nativeRoute } from './native.route';

@Module({
  imports: [ModelsModule, PredictionCacheModule],
  controllers: [NativeController],
  providers: [InferenceService, InferenceEndpoint, ModelCalls, CodecThread, BodyBudget, CacheWarmUp],
  exports: [InferenceEndpoint, ModelCalls, CodecThread],
})
export class InferenceModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly frontDoor: FrontDoor,
    private readonly endpoint: InferenceEndpoint,
  ) {}

  onModuleInit(): void {
    this.frontDoor.addRoute(nativeRoute(this.app.apiPrefix, this.endpoint));
  }
}
