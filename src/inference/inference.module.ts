import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { type AppConfig, appConfig } from '../config/config.slices';
import { Router } from '../http/router';
import { ModelsModule } from '../models/models.module';
import { InFlightBytes } from '../http/body/in-flight-bytes';
import { JsonThread } from '../protocols/http-call/json-thread';
import { CacheWarmUp } from './cache-warm-up';
import { HttpCall } from '../protocols/http-call/http-call';
import { InferenceService } from './inference.service';
import { ModelReader } from './model-reader';
import { WrongBatches } from './wrong-batches';
import { NativeController } from '../protocols/native/native.controller';
import { nativeRoutes } from '../protocols/native/native.routes';

@Module({
  imports: [ModelsModule, PredictionCacheModule],
  controllers: [NativeController],
  providers: [InferenceService, HttpCall, ModelReader, JsonThread, InFlightBytes, CacheWarmUp, WrongBatches],
  exports: [HttpCall, ModelReader, JsonThread],
})
export class InferenceModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
    private readonly endpoint: HttpCall,
  ) {}

  onModuleInit(): void {
    this.router.addRoutes(nativeRoutes(this.app.apiPrefix, this.endpoint));
  }
}
