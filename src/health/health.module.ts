import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { ModelsModule } from '../models/models.module';
import { CpuModule } from '../process/cpu/cpu.module';
import { GracefulShutdownService } from './graceful-shutdown.service';
import { ServerReadiness } from './server-readiness';
import { type AppConfig, appConfig } from '../config/config.slices';
import { constantAnswer } from '../http/route-table';
import { Router } from '../http/router';
import { HealthController, LIVE } from './health.controller';

@Module({
  // Its own log line for each failed check would repeat every second of a slow start.
  imports: [TerminusModule.forRoot({ logger: false }), ModelsModule, CpuModule, PredictionCacheModule],
  controllers: [HealthController],
  providers: [ServerReadiness, GracefulShutdownService],
  exports: [ServerReadiness],
})
export class HealthModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
  ) {}

  onModuleInit(): void {
    const { apiPrefix } = this.app;
    this.router.addRoutes([
      { method: 'GET', pattern: `${apiPrefix}/health`, scope: 'open' },
      { method: 'GET', pattern: `${apiPrefix}/health/ready`, scope: 'open' },
      { method: 'GET', pattern: `${apiPrefix}/health/live`, scope: 'open', answer: constantAnswer(LIVE) },
    ]);
  }
}
