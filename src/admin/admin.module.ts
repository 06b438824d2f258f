import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { type AppConfig, appConfig } from '../config/config.slices';
import { Router } from '../http/router';
import { CacheController } from './cache.controller';
import { MetricsController } from './metrics.controller';
import { RootController } from './root.controller';

/** For whoever runs the server: what it is, what it counts, and its cache. */
@Module({
  imports: [PredictionCacheModule],
  controllers: [RootController, MetricsController, CacheController],
})
export class AdminModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
  ) {}

  onModuleInit(): void {
    const { apiPrefix } = this.app;
    this.router.addRoutes([
      { method: 'GET', pattern: '/', scope: 'open' },
      { method: 'GET', pattern: `${apiPrefix}/cache`, scope: 'metrics:read' },
      { method: 'POST', pattern: `${apiPrefix}/cache/clear`, scope: 'cache:write' },
    ]);
  }
}
