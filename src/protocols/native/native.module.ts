import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { type AppConfig, appConfig } from '../../config/config.slices';
import { Router } from '../../http/router';
import { InferenceModule } from '../../inference/inference.module';
import { ModelsModule } from '../../models/models.module';
import { HttpCalls } from '../http-call/http-call';
import { HttpCallModule } from '../http-call/http-call.module';
import { NativeController } from './native.controller';
import { nativeRoutes } from './native.protocol';

@Module({
  imports: [ModelsModule, InferenceModule, HttpCallModule],
  controllers: [NativeController],
})
export class NativeModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
    private readonly calls: HttpCalls,
  ) {}

  onModuleInit(): void {
    this.router.addRoutes(nativeRoutes(this.app.apiPrefix, this.calls));
  }
}
