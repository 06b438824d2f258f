import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { ModelsModule } from '../models/models.module';
import { SessionsModule } from '../sessions/sessions.module';
import { type AppConfig, appConfig } from '../config/config.slices';
import { FrontDoor } from '../http/front-door';
import { HealthController, LIVE } from './health.controller';

@Module({
  // Its own log line for each failed check would repeat every second of a slow start.
  imports: [TerminusModule.forRoot({ logger: false }), ModelsModule, SessionsModule, PredictionCacheModule],
  controllers: [HealthController],
})
export class HealthModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly frontDoor: FrontDoor,
  ) {}

  /** The controller's answer to a liveness probe, given before Express. */
  onModuleInit(): void {
    this.frontDoor.addConstant(`${this.app.apiPrefix}/health/live`, LIVE);
  }
}
