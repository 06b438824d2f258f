import { Module, type OnModuleInit } from '@nestjs/common';
import { HealthModule } from '../../health/health.module';
import { Router } from '../../http/router';
import { HttpCalls } from '../http-call/http-call';
import { HttpCallModule } from '../http-call/http-call.module';
import { InferenceModule } from '../../inference/inference.module';
import { ModelsModule } from '../../models/models.module';
import { V2ModelsController } from './models.controller';
import { V2RepositoryController } from './repository.controller';
import { V2ServerController } from './server.controller';
import { V2StatisticsController } from './statistics.controller';
import { V2_PREFIX, v2ErrorBody, v2Routes } from './v2.protocol';

@Module({
  imports: [ModelsModule, InferenceModule, HttpCallModule, HealthModule],
  // Statistics first: to the models' controller the path of all statistics would be a model's.
  controllers: [V2ServerController, V2StatisticsController, V2ModelsController, V2RepositoryController],
})
export class OpenInferenceModule implements OnModuleInit {
  constructor(
    private readonly router: Router,
    private readonly calls: HttpCalls,
  ) {}

  onModuleInit(): void {
    this.router.addErrorBody(V2_PREFIX, v2ErrorBody);
    this.router.addRoutes(v2Routes(this.calls));
  }
}
