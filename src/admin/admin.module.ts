import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { type AppConfig, appConfig } from '../config/config.slices';
import { HealthModule } from '../health/health.module';
import { Router } from '../http/router';
import { ModelsModule } from '../models/models.module';
import { CacheController } from './cache.controller';
import { MetricsController } from './metrics.controller';
import { Page } from './page';
import { pageRoutes } from './page.routes';
import { RootController, welcome } from './root.controller';
import { StatusController } from './status.controller';
import { StatusService } from './status.service';

/** For whoever runs the server: what it is, how it is, what it counts, and its cache. */
@Module({
  imports: [PredictionCacheModule, ModelsModule, HealthModule],
  controllers: [RootController, StatusController, MetricsController, CacheController],
  providers: [StatusService],
})
export class AdminModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
  ) {}

  onModuleInit(): void {
    const { apiPrefix, page } = this.app;
    this.router.addRoutes([
      ...pageRoutes(welcome(this.app), page ? new Page(apiPrefix) : undefined),
      { method: 'GET', pattern: `${apiPrefix}/cache`, scope: 'metrics:read' },
      { method: 'POST', pattern: `${apiPrefix}/cache/clear`, scope: 'cache:write' },
    ]);
  }
}
